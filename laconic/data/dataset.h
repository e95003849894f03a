// SPDX-License-Identifier: Apache-2.0
// A data set in memory: rows in file order, labels as in the file. The labels of all rows are stored. A
// process that needs the features of some rows only can omit the features of the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace laconic {

/// Compressed sparse rows. Row i holds entries begin[i] .. begin[i+1]-1, columns ascending, 0-based.
struct SparseRows {
  std::vector<std::uint64_t> begin{0};  // rows + 1
  std::vector<std::uint32_t> column;
  std::vector<double>
      value;  // one per entry; or a single one, which all entries share (a9a: 1; phishing: 0.18257)

  [[nodiscard]] bool one_value() const { return value.size() == 1 && column.size() != 1; }
  [[nodiscard]] double value_at(std::uint64_t entry) const { return value[one_value() ? 0 : entry]; }
};

/// Images, one byte per pixel, rows x columns. A feature is pixel / 255.
struct PixelRows {
  std::vector<std::uint8_t> pixel;
};

/// Selects the rows that need their features, ascending, from the labels of all rows.
using ChooseRows = std::function<std::vector<std::uint32_t>(const std::vector<double>& labels)>;

/// What is kept of files of images.
struct ImageOptions {
  /// Keeps only the first `rows` images, >= 1 and at most as many as there are.
  std::optional<std::size_t> rows = {};
  /// Stores the pixels of the chosen images only; unset: of all.
  ChooseRows choose = {};
  /// Called several times a second while files are read. It may throw.
  std::function<void()> working = {};
};

struct Dataset {
  std::string name;  // as the user wrote it
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::variant<SparseRows, PixelRows> features;           // of the stored rows
  std::vector<double> labels;                             // one per row
  std::optional<std::vector<std::uint32_t>> stored = {};  // rows with stored features, ascending; unset: all
  std::uint32_t checksum = 0;                             // CRC-32 of the unpacked content of the files

  /// The position of `row` among the stored rows; it must be one of them. O(log of their number).
  [[nodiscard]] std::size_t place_of(std::size_t row) const;
};

}  // namespace laconic
