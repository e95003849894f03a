// SPDX-License-Identifier: Apache-2.0
// The gradient at one point, in one pass over packed rows (packed_rows.h).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "laconic/problem/packed_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/problem/packed_rows_gradient.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

constexpr std::size_t kGroup = PackedLayout::kGroup;
constexpr std::size_t kBlock = PackedLayout::kBlock;
constexpr std::size_t kTile = PackedLayout::kTile;

void fill_table(const PackedLayout& rows, View x, double* table) {
  for (std::size_t s = 0; s < rows.letters.size(); ++s)
    table[s] = rows.letters[s].value * x[rows.letters[s].column];
  double* joined = table + rows.letters.size();
  for (const LetterPair pair : rows.pairs) *joined++ = table[pair.first] + table[pair.second];
  *joined = 0;  // padding
}

/// The transpose of fill_table(): the sum of a pair is added to both of its letters, and the sum of a letter
/// to its column.
void empty_table(const PackedLayout& rows, double* table, MutView g) {
  for (std::size_t k = rows.pairs.size(); k-- > 0;) {
    const double sum = table[rows.letters.size() + k];
    table[rows.pairs[k].first] += sum;
    table[rows.pairs[k].second] += sum;
  }
  for (std::size_t s = 0; s < rows.letters.size(); ++s)
    g[rows.letters[s].column] += rows.letters[s].value * table[s];
}

void multiply_letters(const PackedLayout& rows, std::size_t first_group, std::size_t groups,
                      const double* table, double* margin) {
  for (std::size_t k = first_group; k < first_group + groups; ++k, margin += kGroup) {
    const std::uint16_t* letter = rows.row_letters.data() + rows.group_begin[k];
    const std::uint16_t* const end = rows.row_letters.data() + rows.group_begin[k + 1];
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    for (; letter != end; letter += kGroup) {
      s0 += table[letter[0]];
      s1 += table[letter[1]];
      s2 += table[letter[2]];
      s3 += table[letter[3]];
      s4 += table[letter[4]];
      s5 += table[letter[5]];
      s6 += table[letter[6]];
      s7 += table[letter[7]];
    }
    const double sums[kGroup] = {s0, s1, s2, s3, s4, s5, s6, s7};
    std::memcpy(margin, sums, sizeof sums);
  }
}

/// margin += x_c * column c, column by column, for N vectors of rows from row i on.
template <std::size_t N>
void multiply_rows(const PackedLayout& rows, const double* block, std::size_t i, const double* weights,
                   double* margin) {
  using V = MostDoubles;
  V sum[N];
  for (std::size_t k = 0; k < N; ++k) sum[k] = load<V>(margin + i + k * kLanesOf<V>);
  for (std::size_t c = 0; c < rows.dense_columns.size(); ++c) {
    for (std::size_t k = 0; k < N; ++k)
      sum[k] += weights[c] * load<V>(block + c * kBlock + i + k * kLanesOf<V>);
  }
  for (std::size_t k = 0; k < N; ++k) store(sum[k], margin + i + k * kLanesOf<V>);
}

void multiply_dense(const PackedLayout& rows, std::size_t first, std::size_t count, const double* weights,
                    double* margin) {
  constexpr std::size_t kVectors = 8;  // their sums hide the latency of an addition
  constexpr std::size_t kStep = kLanesOf<MostDoubles>;
  const double* const block = rows.dense.data() + first * rows.dense_columns.size();
  std::size_t i = 0;
  for (; i + kVectors * kStep <= count; i += kVectors * kStep)
    multiply_rows<kVectors>(rows, block, i, weights, margin);
  for (; i < count; i += kStep) multiply_rows<1>(rows, block, i, weights, margin);
}

/// For N dense columns from c on. The sums of rows k, k + 8, k + 16, ... are separate.
template <std::size_t N>
void transpose_columns(const PackedLayout& rows, std::size_t c, const double* block, std::size_t count,
                       const double* coefficient, MutView g) {
  using V = MostDoubles;
  constexpr std::size_t kParts = kGroup / kLanesOf<V>;
  V lanes[N][kParts] = {};
  for (std::size_t i = 0; i < count; i += kGroup) {
    for (std::size_t p = 0; p < kParts; ++p) {
      const std::size_t at = i + p * kLanesOf<V>;
      const V factor = load<V>(coefficient + at);
      for (std::size_t n = 0; n < N; ++n) lanes[n][p] += load<V>(block + (c + n) * kBlock + at) * factor;
    }
  }
  for (std::size_t n = 0; n < N; ++n) {
    Doubles four{};
    for (const V& part : lanes[n]) add_fours(part, four);
    g[rows.dense_columns[c + n]] += sum(four);
  }
}

void transpose_dense(const PackedLayout& rows, std::size_t first, std::size_t count,
                     const double* coefficient, MutView g) {
  constexpr std::size_t kColumns = 4;
  const std::size_t width = rows.dense_columns.size();
  const double* const block = rows.dense.data() + first * width;
  std::size_t c = 0;
  for (; c + kColumns <= width; c += kColumns)
    transpose_columns<kColumns>(rows, c, block, count, coefficient, g);
  for (; c < width; ++c) transpose_columns<1>(rows, c, block, count, coefficient, g);
}

void transpose_letters(const PackedLayout& rows, std::size_t tile, const double* coefficient, double* sums) {
  const std::uint32_t* begin = rows.list_begin.data() + tile * rows.symbols();
  for (std::size_t s = 0; s < rows.symbols(); ++s) {
    const std::uint16_t* row = rows.list_rows.data() + begin[s];
    const std::uint16_t* const end = rows.list_rows.data() + begin[s + 1];
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (; end - row >= 4; row += 4) {
      s0 += coefficient[row[0]];
      s1 += coefficient[row[1]];
      s2 += coefficient[row[2]];
      s3 += coefficient[row[3]];
    }
    for (; row != end; ++row) s0 += coefficient[*row];
    sums[s] += (s0 + s1) + (s2 + s3);
  }
}

template <class Link>
void sweep(const PackedLayout& rows, View x, MutView g, Link link) {
  // Each thread computes thousands of gradients, so it keeps its scratch.
  thread_local std::vector<double> table, sums, coefficient, weights;
  table.resize(std::max(table.size(), rows.symbols() + 1));
  sums.assign(rows.symbols(), 0);
  coefficient.resize(std::max(coefficient.size(), std::min(kTile, rows.rows)));

  fill_table(rows, x, table.data());
  weights.clear();
  for (const std::uint32_t column : rows.dense_columns) weights.push_back(x[column]);
  for (std::size_t tile = 0; tile < rows.rows; tile += kTile) {
    const std::size_t tile_end = std::min(tile + kTile, rows.rows);
    for (std::size_t first = tile; first < tile_end; first += kBlock) {
      const std::size_t count = std::min(kBlock, tile_end - first);
      double* margin = coefficient.data() + (first - tile);
      multiply_letters(rows, first / kGroup, count / kGroup, table.data(), margin);
      multiply_dense(rows, first, count, weights.data(), margin);
      link(first, count, margin);
      transpose_dense(rows, first, count, margin, g);
    }
    transpose_letters(rows, tile / kTile, coefficient.data(), sums.data());
  }
  empty_table(rows, sums.data(), g);
}

}  // namespace

LossSums add_gradient(const PackedLayout& rows, Loss loss, View x, MutView g) {
  LossSums total;
  sweep(rows, x, g, [&](std::size_t first, std::size_t count, double* margin) {
    const LossSums part =
        apply_loss(loss, count, rows.target.data() + first, rows.weight.data() + first, margin);
    total.value += part.value;
    total.correct += part.correct;
  });
  return total;
}

void add_gram(const PackedLayout& rows, View v, MutView out) {
  sweep(rows, v, out, [&](std::size_t first, std::size_t count, double* margin) {
    for (std::size_t i = 0; i < count; ++i) margin[i] *= static_cast<double>(rows.weight[first + i]);
  });
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

HWY_EXPORT(add_gradient);
HWY_EXPORT(add_gram);

}  // namespace

LossSums PackedRows::add_gradient(Loss loss, View x, MutView g) const {
  return HWY_DYNAMIC_DISPATCH(add_gradient)(layout_, loss, x, g);
}

void PackedRows::add_gram(View v, MutView out) const { HWY_DYNAMIC_DISPATCH(add_gram)(layout_, v, out); }

}  // namespace laconic
#endif
