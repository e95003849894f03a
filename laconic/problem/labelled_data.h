// SPDX-License-Identifier: Apache-2.0
// Rows with class labels: the data that a classifier keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "laconic/core/index_set.h"
#include "laconic/core/vec.h"
#include "laconic/data/dataset.h"
#include "laconic/data/generated.h"
#include "laconic/data/split.h"
#include "laconic/problem/model.h"
#include "laconic/problem/problem.h"

namespace laconic {

/// A selection of the rows of a data set, in a given order, with the class of each. Features keep their
/// format: a byte a pixel, or sparse.
class LabelledRows {
 public:
  /// `classes` are the labels in ascending order; the label of each row is one of them. `bias` appends a
  /// column of ones.
  LabelledRows(const Dataset& data, const std::vector<std::uint32_t>& row_numbers, const Vector& classes,
               bool bias);

  [[nodiscard]] std::size_t size() const { return class_.size(); }
  [[nodiscard]] bool pixels() const { return pixels_; }
  [[nodiscard]] double class_of(std::size_t row) const { return class_[row]; }

  /// Writes the raw pixels (0 .. 255) of a row, then 255 for the bias column if there is one, all times
  /// `unit`. With unit = 1/255 the result is the features.
  template <class Scalar>
  void read_pixels(std::size_t row, Scalar* out, Scalar unit = 1) const {
    const std::uint8_t* pixel = pixel_.data() + row * columns_;
    for (std::size_t j = 0; j < columns_; ++j) out[j] = unit * static_cast<Scalar>(pixel[j]);
    if (bias_) out[columns_] = unit * 255;
  }

  /// The bytes of a row. Only for pixels, without a bias column.
  [[nodiscard]] const std::uint8_t* pixels_of(std::size_t row) const {
    return pixel_.data() + row * columns_;
  }

  /// The rows if they are sparse, nullptr if they are pixels.
  [[nodiscard]] const SparseRows* sparse() const { return pixels_ ? nullptr : &sparse_; }

  /// Calls entry(column, value) for each entry of a row. Only for sparse rows.
  template <class Entry>
  void for_each(std::size_t row, Entry entry) const {
    for (std::uint64_t e = sparse_.begin[row]; e < sparse_.begin[row + 1]; ++e) {
      entry(sparse_.column[e], sparse_.value[e]);
    }
  }

 private:
  std::size_t columns_;
  bool bias_;
  bool pixels_;
  std::vector<std::uint8_t> pixel_;
  SparseRows sparse_;  // a value an entry
  std::vector<double> class_;
};

/// The rows that a computation uses: all of them in order, or those of a list.
struct Selection {
  const LabelledRows& rows;
  Rows chosen;

  [[nodiscard]] std::size_t size() const { return chosen.count(rows.size()); }
  [[nodiscard]] std::size_t operator[](std::size_t k) const { return chosen[k]; }
};

/// Classes are the distinct labels of the training set in ascending order.
struct LabelledData {
  std::size_t columns = 0;  // of a row, including the column of ones
  std::size_t classes = 0;  // >= 2
  OwnShards<LabelledRows> shards;
  std::vector<std::size_t> rows;     // of every shard
  std::optional<LabelledRows> test;  // held out
  std::uint32_t checksum = 0;        // of the training set and the test set
};

/// Copies the rows of the shards `own` (of all shards where `own` is unset), and the test set if there is
/// one. Throws InputError for a single label, for too many labels that are not whole numbers
/// (require_classes()), for a test set that does not fit (require_test_fits()), and where require_usable()
/// does.
LabelledData label_rows(const Dataset& data, const Shards& shards, const ModelOptions& options,
                        const std::optional<Dataset>& test, const std::optional<IndexSet>& own);

/// The same for generated rows, data.classes >= 2; without a test set.
LabelledData label_rows(const GeneratedOptions& data, std::size_t clients, const ModelOptions& options,
                        const std::optional<IndexSet>& own);

}  // namespace laconic
