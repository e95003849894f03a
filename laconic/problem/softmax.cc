// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/softmax.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "laconic/core/error.h"
#include "laconic/core/spectrum.h"
#include "laconic/problem/cross_entropy.h"
#include "laconic/problem/gram.h"
#include "laconic/problem/labelled_data.h"
#include "laconic/problem/vector_math.h"

namespace laconic {
namespace {

// A block of rows is converted to doubles and then used by both products while it is in the L2 cache (16 x
// 784 doubles: 100 KB). The scores of a block are stored class by class.
constexpr std::size_t kBlock = 16;
// A tile of either product keeps 8 running sums in registers: 4 rows x 2 classes, and 2 classes x 16
// features.
constexpr std::size_t kClassTile = 2;
constexpr std::size_t kRowTile = 4;
constexpr std::size_t kFeatureTile = 2 * kLanes;
constexpr std::size_t kTransposeClasses = 5;
constexpr std::size_t kFeatureChunk = 128;  // of 16 rows and 10 classes: 26 KB, stays in the L1 cache

constexpr double kCurvature = 0.5;  // diag(p) - p p' <= I/2 for every distribution p (Boehning 1992)

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

double sum(Doubles v) { return (v[0] + v[2]) + (v[1] + v[3]); }

/// W and its gradient in the layout of the products; one for each thread, kept between calls.
struct Scratch {
  Vector weights, gradient;  // pixels: classes x features, padded; sparse: features x classes, padded
  Vector features;           // pixels: kBlock x features, padded
  Vector scores;             // classes x kBlock
  Vector lanes;              // the same, kLanes partial sums each
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
    scratch.lanes.assign(padded_classes_ * kBlock * kLanes, 0);
    if (rows.pixels()) {
      scratch.weights.assign(padded_classes_ * padded_columns_, 0);
      for (std::size_t c = 0; c < classes_; ++c) {
        for (std::size_t j = 0; j < columns_; ++j) {
          scratch.weights[c * padded_columns_ + j] = x[c * columns_ + j] * (1 / 255.0);
        }
      }
      scratch.features.assign(kBlock * padded_columns_, 0);
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
    const double factor = rows.pixels() ? share * (1 / 255.0) : share;
    const std::size_t class_step = rows.pixels() ? padded_columns_ : 1;
    const std::size_t column_step = rows.pixels() ? 1 : padded_classes_;
    for (std::size_t c = 0; c < classes_; ++c) {
      for (std::size_t j = 0; j < columns_; ++j) {
        g[c * columns_ + j] = factor * scratch.gradient[c * class_step + j * column_step];
      }
    }
  }

  /// scores = W A' for the rows of the block.
  void score(const Selection& selection, std::size_t first, std::size_t count, Scratch& scratch) const {
    if (selection.rows.pixels()) {
      for (std::size_t r = 0; r < count; ++r) {
        selection.rows.read_pixels(selection[first + r], scratch.features.data() + r * padded_columns_);
      }
      std::fill(scratch.lanes.begin(), scratch.lanes.end(), 0.0);
      for (std::size_t j = 0; j < padded_columns_; j += kFeatureChunk) {
        const std::size_t end = std::min(j + kFeatureChunk, padded_columns_);
        for (std::size_t c = 0; c < classes_; c += kClassTile) {
          for (std::size_t r = 0; r < kBlock; r += kRowTile) score_tile(c, r, j, end, scratch);
        }
      }
      for (std::size_t k = 0; k < scratch.scores.size(); ++k) {
        scratch.scores[k] = sum(load<Doubles>(scratch.lanes.data() + k * kLanes));
      }
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

  /// Adds the features begin .. end-1 to the scores of a tile; each score is a vector of kLanes partial sums.
  void score_tile(std::size_t c, std::size_t r, std::size_t begin, std::size_t end, Scratch& scratch) const {
    const std::size_t n = padded_columns_;
    const double* const row = scratch.features.data() + r * n;
    const double* const weight = scratch.weights.data() + c * n;
    double* const lanes0 = scratch.lanes.data() + (c * kBlock + r) * kLanes;
    double* const lanes1 = lanes0 + kBlock * kLanes;
    Doubles s[kClassTile][kRowTile];
    for (std::size_t k = 0; k < kRowTile; ++k) {
      s[0][k] = load<Doubles>(lanes0 + k * kLanes);
      s[1][k] = load<Doubles>(lanes1 + k * kLanes);
    }
    for (std::size_t j = begin; j < end; j += kLanes) {
      const Doubles w0 = load<Doubles>(weight + j), w1 = load<Doubles>(weight + n + j);
#pragma GCC unroll 4
      for (std::size_t k = 0; k < kRowTile; ++k) {
        const Doubles a = load<Doubles>(row + k * n + j);
        s[0][k] = multiply_add(w0, a, s[0][k]);
        s[1][k] = multiply_add(w1, a, s[1][k]);
      }
    }
    for (std::size_t k = 0; k < kRowTile; ++k) {
      std::memcpy(lanes0 + k * kLanes, &s[0][k], sizeof(Doubles));
      std::memcpy(lanes1 + k * kLanes, &s[1][k], sizeof(Doubles));
    }
  }

  /// gradient += P'A for the rows of the block; P is in place of the scores.
  void transpose(const Selection& selection, std::size_t first, std::size_t count, Scratch& scratch) const {
    if (selection.rows.pixels()) {
      for (std::size_t j = 0; j < padded_columns_; j += kFeatureTile) {
        for (std::size_t c = 0; c < classes_; c += kTransposeClasses) transpose_tile(c, j, scratch);
      }
      return;
    }
    for (std::size_t r = 0; r < count; ++r) {
      selection.rows.for_each(selection[first + r], [&](std::uint32_t column, double value) {
        double* gradient = scratch.gradient.data() + column * padded_classes_;
        for (std::size_t c = 0; c < classes_; ++c) gradient[c] += value * scratch.scores[c * kBlock + r];
      });
    }
  }

  void transpose_tile(std::size_t c, std::size_t j, Scratch& scratch) const {
    const std::size_t n = padded_columns_;
    double* const gradient = scratch.gradient.data() + c * n + j;
    const double* const score = scratch.scores.data() + c * kBlock;
    Doubles s[kTransposeClasses][2];
#pragma GCC unroll 5
    for (std::size_t k = 0; k < kTransposeClasses; ++k) {
      s[k][0] = load<Doubles>(gradient + k * n);
      s[k][1] = load<Doubles>(gradient + k * n + kLanes);
    }
    for (std::size_t r = 0; r < kBlock; ++r) {
      const double* const row = scratch.features.data() + r * n + j;
      const Doubles a0 = load<Doubles>(row), a1 = load<Doubles>(row + kLanes);
#pragma GCC unroll 5
      for (std::size_t k = 0; k < kTransposeClasses; ++k) {
        const Doubles p = all(score[k * kBlock + r]);
        s[k][0] = multiply_add(p, a0, s[k][0]);
        s[k][1] = multiply_add(p, a1, s[k][1]);
      }
    }
#pragma GCC unroll 5
    for (std::size_t k = 0; k < kTransposeClasses; ++k) {
      std::memcpy(gradient + k * n, &s[k][0], sizeof(Doubles));
      std::memcpy(gradient + k * n + kLanes, &s[k][1], sizeof(Doubles));
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
