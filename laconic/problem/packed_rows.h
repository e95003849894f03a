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
  struct Letter {
    std::uint32_t column;
    double value;
  };
  class Builder;
  template <std::size_t V>
  class Together;  // V vectors of points

  static constexpr std::size_t kGroup = kLossLanes;  // rows side by side
  static constexpr std::size_t kBlock = 256;   // rows between product and link function: margins stay in L1
  static constexpr std::size_t kTile = 32768;  // rows that a 16-bit number of the transposed copy can address

  PackedRows() = default;
  template <class Link>
  void sweep(View x, MutView g, Link link) const;
  void fill_table(View x, double* table) const;
  void empty_table(double* table, MutView g) const;
  void multiply_letters(std::size_t first_group, std::size_t groups, const double* table,
                        double* margin) const;
  void multiply_dense(std::size_t block, std::size_t rows, View x, double* margin) const;
  void transpose_dense(std::size_t block, std::size_t rows, const double* coefficient, MutView g) const;
  void transpose_letters(std::size_t tile, const double* coefficient, double* sums) const;

  [[nodiscard]] std::size_t symbols() const { return letters_.size() + pairs_.size(); }

  std::vector<Letter> letters_;
  std::vector<LetterPair> pairs_;  // numbered on from the letters
  std::size_t rows_ = 0;           // distinct rows, and empty ones of weight 0 up to a multiple of eight
  std::vector<double> target_;
  std::vector<float> weight_;

  std::vector<std::uint32_t> group_begin_;  // offsets in row_letters_; group k is rows 8k .. 8k+7
  std::vector<std::uint16_t> row_letters_;  // entry j of the group's eight rows side by side, then entry j+1
  std::vector<std::uint32_t> list_begin_;   // offsets in list_rows_; tile by tile, letter by letter
  std::vector<std::uint16_t> list_rows_;    // rows of the tile that hold the letter
  std::vector<std::uint32_t> dense_columns_;
  std::vector<double> dense_;  // block by block, column by column, the block's rows
};

}  // namespace laconic
