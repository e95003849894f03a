// SPDX-License-Identifier: Apache-2.0
// Gradients at several points in one pass over packed rows. The points lie side by side in vectors of the
// CPU: a row, a letter or a dense entry is loaded once and multiplied by a vector of points. For each point
// the operations and their order are those of PackedRows::add_gradient(), and so are the bits. They do not
// depend on kWidth, the width of a vector.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "laconic/problem/packed_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/problem/packed_rows_together.cc"
#include "laconic/problem/loss_points.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

using Vec = MostDoubles;
constexpr std::size_t kWidth = kLanesOf<Vec>;
constexpr std::size_t kGroup = PackedLayout::kGroup;
constexpr std::size_t kBlock = PackedLayout::kBlock;
constexpr std::size_t kTile = PackedLayout::kTile;

// With more points, what they keep of a block no longer fits into the L1 cache.
constexpr std::size_t kMostTogether = 8;
constexpr std::size_t kSums = 4;  // apply_loss() sums rows k, k + 4, k + 8, ... separately

/// A number of each point. Containers hold it, and they are compiled for the baseline, where the compiler
/// gives vectors another alignment: so it is given here.
template <std::size_t V>
struct alignas(sizeof(Vec)) Numbers {
  using Stored = Vec __attribute__((aligned(alignof(double))));
  Stored part[V];

  void set(std::size_t point, double number) { part[point / kWidth][point % kWidth] = number; }
  [[nodiscard]] double operator[](std::size_t point) const { return part[point / kWidth][point % kWidth]; }

  Numbers& operator+=(const Numbers& other) {
    for (std::size_t v = 0; v < V; ++v) part[v] += other.part[v];
    return *this;
  }
  // A member: g++ 12 compiles friends in templates for the baseline, with other ways of passing vectors.
  Numbers operator+(const Numbers& other) const {
    Numbers result = *this;
    return result += other;
  }
  void add_product(double factor, const Numbers& other) {
    for (std::size_t v = 0; v < V; ++v) part[v] += factor * other.part[v];
  }
};

template <std::size_t V>
class Together {
 public:
  static constexpr std::size_t kMost = V * kWidth;

  /// At most kMost points.
  Together(const PackedLayout& rows, std::span<GradientAt> points) : rows_(rows), points_(points) {}

  void add_gradients(Loss loss) {
    switch (loss) {
      case Loss::logistic:
        return sweep<logistic_point<Vec>>(true);
      case Loss::nonconvex:
        return sweep<nonconvex_point<Vec>>(true);
      case Loss::least_squares:
        return sweep<least_squares_point<Vec>>(false);
    }
  }

 private:
  using Each = Numbers<V>;

  template <LossPointOf<Vec> point_of>
  void sweep(bool classifies) {
    // Scratch, as in PackedRows::sweep().
    thread_local std::vector<Each> table, sums, coefficient, weights;
    const std::size_t symbols = rows_.symbols();
    table.resize(std::max(table.size(), symbols + 1));
    sums.assign(symbols, Each{});
    coefficient.resize(std::max(coefficient.size(), std::min(kTile, rows_.rows)));
    Each value{}, correct{};

    fill_table(table.data());
    weights.clear();
    for (const std::uint32_t column : rows_.dense_columns) weights.push_back(at_points(1, column));
    for (std::size_t tile = 0; tile < rows_.rows; tile += kTile) {
      const std::size_t tile_end = std::min(tile + kTile, rows_.rows);
      for (std::size_t first = tile; first < tile_end; first += kBlock) {
        const std::size_t count = std::min(kBlock, tile_end - first);
        Each* margin = coefficient.data() + (first - tile);
        multiply_letters(first / kGroup, count / kGroup, table.data(), margin);
        multiply_dense(first, count, weights.data(), margin);
        link<point_of>(first, count, margin, value, correct);
        transpose_dense(first, count, margin);
      }
      transpose_letters(tile / kTile, coefficient.data(), sums.data());
    }
    empty_table(sums.data());
    for (std::size_t p = 0; p < points_.size(); ++p)
      points_[p].measured = {value[p], classifies ? correct[p] : 0};
  }

  /// factor * x_column
  [[nodiscard]] Each at_points(double factor, std::size_t column) const {
    Each products{};
    for (std::size_t p = 0; p < points_.size(); ++p) products.set(p, factor * points_[p].x[column]);
    return products;
  }

  void fill_table(Each* table) const {
    const auto& letters = rows_.letters;
    for (std::size_t s = 0; s < letters.size(); ++s)
      table[s] = at_points(letters[s].value, letters[s].column);
    Each* joined = table + letters.size();
    for (const LetterPair pair : rows_.pairs) *joined++ = table[pair.first] + table[pair.second];
    *joined = Each{};  // padding
  }

  void empty_table(Each* table) const {
    const auto& letters = rows_.letters;
    const auto& pairs = rows_.pairs;
    for (std::size_t k = pairs.size(); k-- > 0;) {
      const Each sum = table[letters.size() + k];
      table[pairs[k].first] += sum;
      table[pairs[k].second] += sum;
    }
    for (std::size_t s = 0; s < letters.size(); ++s) {
      for (std::size_t p = 0; p < points_.size(); ++p)
        points_[p].g[letters[s].column] += letters[s].value * table[s][p];
    }
  }

  void multiply_letters(std::size_t first_group, std::size_t groups, const Each* table, Each* margin) const {
    for (std::size_t k = first_group; k < first_group + groups; ++k) {
      const std::uint16_t* const begin = rows_.row_letters.data() + rows_.group_begin[k];
      const std::uint16_t* const end = rows_.row_letters.data() + rows_.group_begin[k + 1];
      for (std::size_t row = 0; row < kGroup; ++row) {
        Each sum{};
        for (const std::uint16_t* letter = begin; letter != end; letter += kGroup) sum += table[letter[row]];
        *margin++ = sum;
      }
    }
  }

  void multiply_dense(std::size_t first, std::size_t rows, const Each* weights, Each* margin) const {
    const std::size_t width = rows_.dense_columns.size();
    const double* const block = rows_.dense.data() + first * width;
    for (std::size_t i = 0; i < rows; i += 2) {
      Each a = margin[i], b = margin[i + 1];
      for (std::size_t c = 0; c < width; ++c) {
        a.add_product(block[c * kBlock + i], weights[c]);
        b.add_product(block[c * kBlock + i + 1], weights[c]);
      }
      margin[i] = a;
      margin[i + 1] = b;
    }
  }

  template <LossPointOf<Vec> point_of>
  void link(std::size_t first, std::size_t rows, Each* margin, Each& total_value, Each& total_correct) const {
    Each value[kSums] = {}, correct[kSums] = {};
    for (std::size_t i = 0; i < rows; ++i) {
      const Vec b = all<Vec>(rows_.target[first + i]);
      const Vec w = all<Vec>(static_cast<double>(rows_.weight[first + i]));
      for (std::size_t v = 0; v < V; ++v) {
        const Vec u = margin[i].part[v];
        const LossPoint<Vec> point = point_of(u, b);
        value[i % kSums].part[v] += w * point.loss;
        correct[i % kSums].part[v] += b * u > 0.0 ? w : all<Vec>(0);
        margin[i].part[v] = w * point.slope;
      }
    }
    total_value += (value[0] + value[2]) + (value[1] + value[3]);
    total_correct += (correct[0] + correct[2]) + (correct[1] + correct[3]);
  }

  void transpose_dense(std::size_t first, std::size_t rows, const Each* coefficient) const {
    constexpr std::size_t kColumns = 4;
    const std::size_t width = rows_.dense_columns.size();
    std::size_t c = 0;
    for (; c + kColumns <= width; c += kColumns) transpose_columns<kColumns>(c, first, rows, coefficient);
    for (; c < width; ++c) transpose_columns<1>(c, first, rows, coefficient);
  }

  /// For N dense columns from c on.
  template <std::size_t N>
  void transpose_columns(std::size_t c, std::size_t first, std::size_t rows, const Each* coefficient) const {
    const double* const column = rows_.dense.data() + first * rows_.dense_columns.size() + c * kBlock;
    Each lane[N][kGroup];  // of rows k, k + 8, k + 16, ...
    for (std::size_t k = 0; k < kGroup; ++k) {
      Each sum[N] = {};
      for (std::size_t i = k; i < rows; i += kGroup) {
        for (std::size_t n = 0; n < N; ++n) sum[n].add_product(column[n * kBlock + i], coefficient[i]);
      }
      for (std::size_t n = 0; n < N; ++n) lane[n][k] = sum[n];
    }
    for (std::size_t n = 0; n < N; ++n) {
      const auto& of = lane[n];
      const Each sum = ((of[0] + of[4]) + (of[2] + of[6])) + ((of[1] + of[5]) + (of[3] + of[7]));
      for (std::size_t p = 0; p < points_.size(); ++p) points_[p].g[rows_.dense_columns[c + n]] += sum[p];
    }
  }

  void transpose_letters(std::size_t tile, const Each* coefficient, Each* sums) const {
    const std::size_t symbols = rows_.symbols();
    const std::uint32_t* begin = rows_.list_begin.data() + tile * symbols;
    for (std::size_t s = 0; s < symbols; ++s) {
      const std::uint16_t* row = rows_.list_rows.data() + begin[s];
      const std::uint16_t* const end = rows_.list_rows.data() + begin[s + 1];
      Each sum[4] = {};
      for (; end - row >= 4; row += 4) {
        for (std::size_t k = 0; k < 4; ++k) sum[k] += coefficient[row[k]];
      }
      for (; row != end; ++row) sum[0] += coefficient[*row];
      sums[s] += (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
  }

  const PackedLayout& rows_;
  std::span<GradientAt> points_;
};

}  // namespace

/// Takes as many points from the front of `points` as pay for a pass with vectors. Returns their number.
std::size_t add_gradients_together(const PackedLayout& rows, Loss loss, std::span<GradientAt> points) {
  // A vector that is at most half full takes longer than its points one by one.
  const std::size_t given = points.size();
  const auto pays = [&](std::size_t vectors) { return points.size() > vectors * kWidth - kWidth / 2; };
  const auto take = [&](std::size_t count) {
    const auto first = points.first(std::min(count, points.size()));
    points = points.subspan(first.size());
    return first;
  };
  constexpr std::size_t kVectors = kMostTogether / kWidth;
  while (pays(kVectors)) Together<kVectors>(rows, take(kMostTogether)).add_gradients(loss);
  while (pays(1)) Together<1>(rows, take(kWidth)).add_gradients(loss);
  return given - points.size();
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

HWY_EXPORT(add_gradients_together);

}  // namespace

void PackedRows::add_gradients(Loss loss, std::span<GradientAt> points) const {
  const std::size_t together = HWY_DYNAMIC_DISPATCH(add_gradients_together)(layout_, loss, points);
  for (GradientAt& each : points.subspan(together)) {
    const LossSums sums = add_gradient(loss, each.x, each.g);
    each.measured = {sums.value, sums.correct};
  }
}

}  // namespace laconic
#endif
