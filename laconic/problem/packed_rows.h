// SPDX-License-Identifier: Apache-2.0
// The rows of one shard, packed once for many passes over all of them. The two products that a gradient
// needs, A x and A'y, are bound by loads and mispredicted branches rather than by arithmetic, so the format
// reduces loads and makes branches predictable:
//
//  1. Equal rows (same entries, same target) are stored once, with their number as weight.
//  2. An entry is a letter: a 16-bit number for a pair (column, value). The table x_col * value of all
//     letters is computed once a pass. Then an entry costs one load of its letter and one of the table: no
//     values, no products.
//  3. Letters that often occur together are joined (pair_code.h), so that there are fewer entries than in the
//     data.
//  4. Rows are sorted by length and stored eight side by side. The loop over a row's entries then has the
//     same count many times in sequence, and eight independent sums hide the latency of an addition.
//  5. The transposed product has its own copy, ordered by letter: it gathers the rows' coefficients and
//     never scatters.
//  6. A column that most rows have, with many values (ijcnn1: 12 of 22), is stored densely, in blocks short
//     enough that product, link function and transposed product all find them in the L1 cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "laconic/core/vec.h"
#include "laconic/data/dataset.h"
#include "laconic/problem/loss.h"
#include "laconic/problem/pair_code.h"
#include "laconic/problem/problem.h"

namespace laconic {

/// The packed rows, as the kernels read them.
struct PackedLayout {
  struct Letter {
    std::uint32_t column;
    double value;
  };

  static constexpr std::size_t kGroup = kLossLanes;  // rows side by side
  static constexpr std::size_t kBlock = 256;   // rows between product and link function: margins stay in L1
  static constexpr std::size_t kTile = 32768;  // rows that a 16-bit number of the transposed copy can address

  [[nodiscard]] std::size_t symbols() const { return letters.size() + pairs.size(); }

  std::vector<Letter> letters;
  std::vector<LetterPair> pairs;  // numbered on from the letters
  std::size_t rows = 0;           // distinct rows, and empty ones of weight 0 up to a multiple of eight
  std::vector<double> target;
  std::vector<float> weight;

  std::vector<std::uint32_t> group_begin;  // offsets in row_letters; group k is rows 8k .. 8k+7
  std::vector<std::uint16_t> row_letters;  // entry j of the group's eight rows side by side, then entry j+1
  std::vector<std::uint32_t> list_begin;   // offsets in list_rows; tile by tile, letter by letter
  std::vector<std::uint16_t> list_rows;    // rows of the tile that hold the letter
  std::vector<std::uint32_t> dense_columns;
  std::vector<double> dense;  // block by block, column by column, the block's rows
};

class PackedRows {
 public:
  /// Returns nothing if the entries outside dense columns have more than 60,000 different (column, value)
  /// pairs, as letters have 16 bits. `targets` has one target a row. Keeps no reference to the arguments.
  static std::optional<PackedRows> pack(const SparseRows& rows, std::size_t columns, View targets);

  /// g += sum over rows of l'(a'x; b) a; returns the sums of losses and of correct rows.
  LossSums add_gradient(Loss loss, View x, MutView g) const;

  /// add_gradient() at each of the points, with the same bits: adds to g, and overwrites `measured` by the
  /// sums. Several points share a pass over the rows, side by side in vectors of the CPU: at eight points a
  /// gradient takes about half the time, or three quarters where the link function takes most of it.
  void add_gradients(Loss loss, std::span<GradientAt> points) const;

  /// out += A'A v.
  void add_gram(View v, MutView out) const;

 private:
  class Builder;

  PackedRows() = default;

  PackedLayout layout_;
};

}  // namespace laconic
