// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/softmax.h"

#include <algorithm>
#include <array>
#include <utility>

#include "laconic/core/error.h"
#include "laconic/core/round_up.h"
#include "laconic/core/spectrum.h"
#include "laconic/problem/cross_entropy.h"
#include "laconic/problem/gram.h"
#include "laconic/problem/labelled_data.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/problem/softmax.cc"
#include "laconic/core/lanes.h"

// A block of rows is converted to doubles and then used by both products while it is in the L2 cache (16 x
// 784 doubles: 100 KB). The scores of a block are stored class by class.
HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

constexpr std::size_t kBlock = 16;
// A tile of either product keeps 8 vectors of running sums in registers: rows x 2 classes x parts, and
// classes x 16 features. Eight partial sums make a score, in as many parts as vectors need.
using V = MostDoubles;
constexpr std::size_t kScoreLanes = 8;
constexpr std::size_t kParts = kScoreLanes / kLanesOf<V>;
constexpr std::size_t kClassTile = 2;
constexpr std::size_t kRowTile = 4 / kParts;
constexpr std::size_t kRowTiles = 4;  // on every target, rows up to a multiple of this are whole tiles
static_assert(kRowTiles % kRowTile == 0 && kBlock % kRowTiles == 0);
constexpr std::size_t kFeatureTile = 16;
constexpr std::size_t kTransposeClasses = 5;
constexpr std::size_t kFeatureChunk = 128;  // of 16 rows and 10 classes: 26 KB, stays in the L1 cache

/// Adds the features begin .. end-1 to the partial sums of a tile. `n` is the number of features of a row.
void score_tile(std::size_t n, std::size_t begin, std::size_t end, const double* row, const double* weight,
                double* lanes) {
  const auto lanes_of = [&](std::size_t c, std::size_t k, std::size_t p) {
    return lanes + (c * kBlock + k) * kScoreLanes + p * kLanesOf<V>;
  };
  V s[kClassTile][kRowTile][kParts];
  for (std::size_t c = 0; c < kClassTile; ++c) {
    for (std::size_t k = 0; k < kRowTile; ++k) {
      for (std::size_t p = 0; p < kParts; ++p) s[c][k][p] = load<V>(lanes_of(c, k, p));
    }
  }
  for (std::size_t j = begin; j < end; j += kScoreLanes) {
#pragma GCC unroll 2
    for (std::size_t p = 0; p < kParts; ++p) {
      const double* const w = weight + j + p * kLanesOf<V>;
      const V w0 = load<V>(w), w1 = load<V>(w + n);
#pragma GCC unroll 4
      for (std::size_t k = 0; k < kRowTile; ++k) {
        const V a = load<V>(row + k * n + j + p * kLanesOf<V>);
        s[0][k][p] = multiply_add(w0, a, s[0][k][p]);
        s[1][k][p] = multiply_add(w1, a, s[1][k][p]);
      }
    }
  }
  for (std::size_t c = 0; c < kClassTile; ++c) {
    for (std::size_t k = 0; k < kRowTile; ++k) {
      for (std::size_t p = 0; p < kParts; ++p) store(s[c][k][p], lanes_of(c, k, p));
    }
  }
}

void transpose_tile(std::size_t n, std::size_t rows, const double* score, const double* features,
                    double* gradient) {
  constexpr std::size_t kVectors = kFeatureTile / kLanesOf<V>;
  V s[kTransposeClasses][kVectors];
#pragma GCC unroll 5
  for (std::size_t k = 0; k < kTransposeClasses; ++k) {
    for (std::size_t p = 0; p < kVectors; ++p) s[k][p] = load<V>(gradient + k * n + p * kLanesOf<V>);
  }
  for (std::size_t r = 0; r < rows; ++r) {
    V a[kVectors];
    for (std::size_t p = 0; p < kVectors; ++p) a[p] = load<V>(features + r * n + p * kLanesOf<V>);
#pragma GCC unroll 5
    for (std::size_t k = 0; k < kTransposeClasses; ++k) {
      const V factor = all<V>(score[k * kBlock + r]);
      for (std::size_t p = 0; p < kVectors; ++p) s[k][p] = multiply_add(factor, a[p], s[k][p]);
    }
  }
#pragma GCC unroll 5
  for (std::size_t k = 0; k < kTransposeClasses; ++k) {
    for (std::size_t p = 0; p < kVectors; ++p) store(s[k][p], gradient + k * n + p * kLanesOf<V>);
  }
}

}  // namespace

/// scores = W A' for the first rows of a block, up to a multiple of kRowTiles, and 0 for the others. `lanes`
/// has room for kScoreLanes partial sums of each score.
void score_block(std::size_t columns, std::size_t classes, std::size_t rows, const double* features,
                 const double* weights, double* lanes, double* scores) {
  std::fill_n(lanes, classes * kBlock * kScoreLanes, 0.0);
  for (std::size_t j = 0; j < columns; j += kFeatureChunk) {
    const std::size_t end = std::min(j + kFeatureChunk, columns);
    for (std::size_t c = 0; c < classes; c += kClassTile) {
      for (std::size_t r = 0; r < rows; r += kRowTile) {
        score_tile(columns, j, end, features + r * columns, weights + c * columns,
                   lanes + (c * kBlock + r) * kScoreLanes);
      }
    }
  }
  for (std::size_t k = 0; k < classes * kBlock; ++k) {
    const double* const eight = lanes + k * kScoreLanes;
    scores[k] = sum(load<Doubles>(eight) + load<Doubles>(eight + kLanes));
  }
}

/// out = a x
void copy_scaled(double a, View x, double* out) {
  for (std::size_t j = 0; j < x.size(); ++j) out[j] = a * x[j];
}

/// gradient += P'A for the first rows of a block; P is in the layout of the scores.
void transpose_block(std::size_t columns, std::size_t classes, std::size_t rows, const double* scores,
                     const double* features, double* gradient) {
  for (std::size_t j = 0; j < columns; j += kFeatureTile) {
    for (std::size_t c = 0; c < classes; c += kTransposeClasses)
      transpose_tile(columns, rows, scores + c * kBlock, features + j, gradient + c * columns + j);
  }
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

using HWY_NAMESPACE::kBlock;
using HWY_NAMESPACE::kClassTile;
using HWY_NAMESPACE::kFeatureTile;
using HWY_NAMESPACE::kRowTiles;
using HWY_NAMESPACE::kScoreLanes;
using HWY_NAMESPACE::kTransposeClasses;

HWY_EXPORT(copy_scaled);
HWY_EXPORT(score_block);
HWY_EXPORT(transpose_block);

constexpr double kCurvature = 0.5;  // diag(p) - p p' <= I/2 for every distribution p (Boehning 1992)

/// W and its gradient in the layout of the products; one for each thread, kept between calls.
struct Scratch {
  Vector weights, gradient;  // pixels: classes x features, padded; sparse: features x classes, padded
  Vector features;           // pixels: kBlock x features, padded
  Vector scores;             // classes x kBlock
  Vector lanes;              // the same, kScoreLanes partial sums each
};

class Softmax final : public Problem {
 public:
  Softmax(LabelledData data, const Regulariser& regulariser)
      : regulariser_(regulariser),
        data_(std::move(data)),
        columns_(data_.columns),
        classes_(data_.classes),
        padded_columns_(round_up(columns_, kFeatureTile)),
        padded_classes_(round_up(classes_, kClassTile * kTransposeClasses)) {}

  [[nodiscard]] std::size_t dim() const override { return classes_ * columns_; }
  [[nodiscard]] std::size_t shards() const override { return data_.rows.size(); }
  [[nodiscard]] double ridge() const override { return regulariser_.ridge(); }
  [[nodiscard]] std::vector<MatrixBlock> blocks() const override {
    return {{.offset = 0, .rows = classes_, .cols = columns_, .kind = MatrixBlock::Kind::head}};
  }
  [[nodiscard]] std::size_t rows(std::size_t shard) const override { return data_.rows[shard]; }
  [[nodiscard]] bool classifies() const override { return true; }
  [[nodiscard]] std::uint32_t data_checksum() const override { return data_.checksum; }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    const Selection selection{data_.shards[shard], rows};
    check(selection.size() > 0, "the gradient of no rows was asked for");
    thread_local Scratch scratch;
    prepare(selection.rows, x, scratch);
    Measured measured;
    for (std::size_t first = 0; first < selection.size(); first += kBlock) {
      const std::size_t count = std::min(kBlock, selection.size() - first);
      score(selection, first, count, scratch);
      const Measured part = link(selection, first, count, scratch);
      measured.value += part.value;
      measured.correct += part.correct;
      transpose(selection, first, count, scratch);
    }
    const double share = 1 / static_cast<double>(selection.size());
    collect(selection.rows, scratch, share, g);
    measured.value = measured.value * share + regulariser_.add_gradient(x, g);
    return measured;
  }

  [[nodiscard]] bool has_curvature() const override { return true; }
  [[nodiscard]] bool is_convex() const override { return regulariser_.is_convex(); }

  /// H v = (1/m) sum over rows of u a', where u is the change of the loss's derivatives caused by the change
  /// V a of the scores.
  void hessian_vector(std::size_t shard, Rows rows, View x, View v, MutView out) const override {
    const Selection selection{data_.shards[shard], rows};
    check(selection.size() > 0, "the curvature of no rows was asked for");
    thread_local Scratch scratch, change;
    prepare(selection.rows, x, scratch);
    prepare(selection.rows, v, change);
    for (std::size_t first = 0; first < selection.size(); first += kBlock) {
      const std::size_t count = std::min(kBlock, selection.size() - first);
      score(selection, first, count, scratch);
      score(selection, first, count, change);
      cross_entropy_change(classes_, kBlock, labels(selection, first, count).data(), scratch.scores.data(),
                           change.scores.data());
      transpose(selection, first, count, change);
    }
    collect(selection.rows, change, 1 / static_cast<double>(selection.size()), out);
    regulariser_.add_hessian_vector(x, v, out);
  }

  [[nodiscard]] std::optional<double> test_accuracy(View x, ThreadPool& pool) const override {
    if (!data_.test) return {};
    constexpr std::size_t kChunk = 64 * kBlock;
    std::vector<double> correct((data_.test->size() + kChunk - 1) / kChunk);
    pool.for_each(correct.size(), [&](std::size_t chunk) {
      const Selection selection{*data_.test, Rows::everything()};
      thread_local Scratch scratch;
      prepare(*data_.test, x, scratch);
      const std::size_t end = std::min((chunk + 1) * kChunk, data_.test->size());
      for (std::size_t first = chunk * kChunk; first < end; first += kBlock) {
        const std::size_t count = std::min(kBlock, end - first);
        score(selection, first, count, scratch);
        correct[chunk] += link(selection, first, count, scratch).correct;
      }
    });
    double total = 0;
    for (const double c : correct) total += c;
    return total / static_cast<double>(data_.test->size());
  }

  [[nodiscard]] std::optional<Constants> constants(AllShards& all) const override {
    return constants_of_first(shards(), all);
  }

  [[nodiscard]] std::optional<Constants> constants_of_first(std::size_t n, AllShards& all) const override {
    const double r = regulariser_.curvature();
    const auto rows = [&](std::size_t i) { return static_cast<double>(data_.rows[i]); };
    const Vector L = all.numbers(n, [&](std::size_t i) {
      return kCurvature * largest_gram_eigenvalue(data_.shards[i]) / rows(i) + r;
    });
    const Vector sample =
        all.numbers(n, [&](std::size_t i) { return mean_of_squared_row_constants(data_.shards[i], r); });
    const std::vector<std::size_t> counts(data_.rows.begin(),
                                          data_.rows.begin() + static_cast<std::ptrdiff_t>(n));
    const Gram gram =
        mean_gram(all, counts, columns_,
                  {.add_gram = [&](std::size_t i, View v, MutView out) { add_gram(data_.shards[i], v, out); },
                   .sparse = [&](std::size_t i) { return data_.shards[i].sparse(); }});

    Constants constants = constants_of_clients(L, sample);
    constants.L_minus = kCurvature * largest_eigenvalue(gram.size, gram.product) + r;
    if (regulariser_.kind == Regulariser::Kind::l2 && regulariser_.lambda > 0)
      constants.mu = constants.mu_min = regulariser_.lambda;
    constants.f_lower = 0;
    return constants;
  }

 private:
  void prepare(const LabelledRows& rows, View x, Scratch& scratch) const {
    scratch.scores.assign(padded_classes_ * kBlock, 0);
    if (rows.pixels()) {
      scratch.lanes.resize(padded_classes_ * kBlock * kScoreLanes);
      // Behind the columns, pixels of another problem have no effect: the weights are 0 there.
      scratch.features.resize(kBlock * padded_columns_);
      scratch.weights.resize(padded_classes_ * padded_columns_);
      for (std::size_t c = 0; c < padded_classes_; ++c) {
        const std::size_t filled = c < classes_ ? columns_ : 0;
        double* const row = scratch.weights.data() + c * padded_columns_;
        if (filled > 0) HWY_DYNAMIC_DISPATCH(copy_scaled)(1 / 255.0, x.subspan(c * columns_, columns_), row);
        std::fill(row + filled, row + padded_columns_, 0.0);
      }
    } else {
      scratch.weights.assign(columns_ * padded_classes_, 0);
      for (std::size_t c = 0; c < classes_; ++c) {
        for (std::size_t j = 0; j < columns_; ++j)
          scratch.weights[j * padded_classes_ + c] = x[c * columns_ + j];
      }
    }
    scratch.gradient.assign(scratch.weights.size(), 0);
  }

  /// g = share * the gathered gradient, in the order of x.
  void collect(const LabelledRows& rows, const Scratch& scratch, double share, MutView g) const {
    for (std::size_t c = 0; c < classes_; ++c) {
      if (rows.pixels()) {
        const View row = View(scratch.gradient).subspan(c * padded_columns_, columns_);
        HWY_DYNAMIC_DISPATCH(copy_scaled)(share * (1 / 255.0), row, g.data() + c * columns_);
      } else {
        for (std::size_t j = 0; j < columns_; ++j)
          g[c * columns_ + j] = share * scratch.gradient[c + j * padded_classes_];
      }
    }
  }

  /// scores = W A' for the rows of the block.
  void score(const Selection& selection, std::size_t first, std::size_t count, Scratch& scratch) const {
    if (selection.rows.pixels()) {
      for (std::size_t r = 0; r < count; ++r) {
        selection.rows.read_pixels(selection[first + r], scratch.features.data() + r * padded_columns_);
      }
      std::fill(scratch.features.begin() + static_cast<std::ptrdiff_t>(count * padded_columns_),
                scratch.features.begin() +
                    static_cast<std::ptrdiff_t>(round_up(count, kRowTiles) * padded_columns_),
                0.0);
      HWY_DYNAMIC_DISPATCH(score_block)
      (padded_columns_, padded_classes_, count, scratch.features.data(), scratch.weights.data(),
       scratch.lanes.data(), scratch.scores.data());
      return;
    }
    for (std::size_t r = 0; r < count; ++r) {
      for (std::size_t c = 0; c < padded_classes_; ++c) scratch.scores[c * kBlock + r] = 0;
      selection.rows.for_each(selection[first + r], [&](std::uint32_t column, double value) {
        const double* weight = scratch.weights.data() + column * padded_classes_;
        for (std::size_t c = 0; c < classes_; ++c) scratch.scores[c * kBlock + r] += value * weight[c];
      });
    }
  }

  /// gradient += P'A for the rows of the block; P is in place of the scores.
  void transpose(const Selection& selection, std::size_t first, std::size_t count, Scratch& scratch) const {
    if (selection.rows.pixels()) {
      HWY_DYNAMIC_DISPATCH(transpose_block)
      (padded_columns_, classes_, count, scratch.scores.data(), scratch.features.data(),
       scratch.gradient.data());
      return;
    }
    for (std::size_t r = 0; r < count; ++r) {
      selection.rows.for_each(selection[first + r], [&](std::uint32_t column, double value) {
        double* gradient = scratch.gradient.data() + column * padded_classes_;
        for (std::size_t c = 0; c < classes_; ++c) gradient[c] += value * scratch.scores[c * kBlock + r];
      });
    }
  }

  /// Returns the loss of the block's rows, and overwrites the scores by its derivatives.
  [[nodiscard]] Measured link(const Selection& selection, std::size_t first, std::size_t count,
                              Scratch& scratch) const {
    return cross_entropy(classes_, kBlock, labels(selection, first, count).data(), scratch.scores.data());
  }

  static std::array<double, kBlock> labels(const Selection& selection, std::size_t first, std::size_t count) {
    std::array<double, kBlock> label;
    label.fill(kNoClass);
    for (std::size_t r = 0; r < count; ++r) label[r] = selection.rows.class_of(selection[first + r]);
    return label;
  }

  /// out += A'A v
  void add_gram(const LabelledRows& rows, View v, MutView out) const {
    if (!rows.pixels()) {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        double margin = 0;
        rows.for_each(i, [&](std::uint32_t column, double value) { margin += value * v[column]; });
        rows.for_each(i, [&](std::uint32_t column, double value) { out[column] += value * margin; });
      }
      return;
    }
    Vector row(columns_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows.read_pixels(i, row.data());
      axpy(dot(row, v) / (255.0 * 255.0), row, out);
    }
  }

  /// lmax(A'A)
  [[nodiscard]] double largest_gram_eigenvalue(const LabelledRows& rows) const {
    const Product gram = [&](View v, MutView out) {
      fill(out, 0.0);
      add_gram(rows, v, out);
    };
    if (const SparseRows* sparse = rows.sparse())
      return laconic::largest_gram_eigenvalue(*sparse, columns_, gram);
    return largest_eigenvalue(columns_, gram);
  }

  /// mean over rows of (c |a_j|^2 + r)^2
  [[nodiscard]] double mean_of_squared_row_constants(const LabelledRows& rows, double r) const {
    Vector row(rows.pixels() ? columns_ : 0);
    double total = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      double square = 0;
      if (rows.pixels()) {
        rows.read_pixels(i, row.data());
        square = norm_sq(row) / (255.0 * 255.0);
      } else {
        rows.for_each(i, [&](std::uint32_t, double value) { square += value * value; });
      }
      total += (kCurvature * square + r) * (kCurvature * square + r);
    }
    return total / static_cast<double>(rows.size());
  }

  Regulariser regulariser_;
  LabelledData data_;
  std::size_t columns_;
  std::size_t classes_;
  std::size_t padded_columns_;
  std::size_t padded_classes_;
};

}  // namespace

std::unique_ptr<Problem> make_softmax(const Dataset& data, const Shards& shards, const ModelOptions& options,
                                      const std::optional<Dataset>& test,
                                      const std::optional<IndexSet>& own) {
  return std::make_unique<Softmax>(label_rows(data, shards, options, test, own), options.regulariser);
}

std::unique_ptr<Problem> make_softmax(const GeneratedOptions& data, std::size_t clients,
                                      const ModelOptions& options, const std::optional<IndexSet>& own) {
  return std::make_unique<Softmax>(label_rows(data, clients, options, own), options.regulariser);
}

}  // namespace laconic
#endif
