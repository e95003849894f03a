// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/softmax.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/spectrum.h"
#include "laconic/problem/vector_math.h"

namespace laconic {
namespace {

// A block of rows is turned into doubles and then used by both products while it is in the L2 cache (16 x 784
// doubles: 100 KB). Scores of a block lie class by class, the rows of the block side by side.
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

/// Some rows of a data set in an order of their own, with the class of each. Features stay as they were: a
/// byte a pixel, or sparse.
class LabelledRows {
 public:
  static constexpr double kNoClass = -1;

  LabelledRows(const Dataset& data, const std::vector<std::uint32_t>& row_numbers, const Vector& classes,
               bool bias)
      : columns_(data.columns), bias_(bias), pixels_(std::holds_alternative<PixelRows>(data.features)) {
    for (const std::uint32_t row : row_numbers) {
      const auto at = std::lower_bound(classes.begin(), classes.end(), data.labels[row]);
      const bool known = at != classes.end() && *at == data.labels[row];
      class_.push_back(known ? static_cast<double>(at - classes.begin()) : kNoClass);
      if (pixels_) {
        const auto first = std::get<PixelRows>(data.features).pixel.begin() +
                           static_cast<std::ptrdiff_t>(data.place_of(row) * columns_);
        pixel_.insert(pixel_.end(), first, first + static_cast<std::ptrdiff_t>(columns_));
        continue;
      }
      const auto add = [&](std::uint32_t column, double value) {
        sparse_.column.push_back(column);
        sparse_.value.push_back(value);
      };
      for_each_entry(data, row, add);
      if (bias_) add(static_cast<std::uint32_t>(columns_), 1.0);
      sparse_.begin.push_back(sparse_.column.size());
    }
    // There may be a hundred thousand of these.
    class_.shrink_to_fit();
    pixel_.shrink_to_fit();
    sparse_.begin.shrink_to_fit();
    sparse_.column.shrink_to_fit();
    sparse_.value.shrink_to_fit();
  }

  [[nodiscard]] std::size_t size() const { return class_.size(); }
  [[nodiscard]] bool pixels() const { return pixels_; }
  [[nodiscard]] double class_of(std::size_t row) const { return class_[row]; }

  /// Raw pixels (0 .. 255) of a row, then 255 for the bias: the caller divides by 255.
  void read_pixels(std::size_t row, double* out) const {
    const std::uint8_t* pixel = pixel_.data() + row * columns_;
    for (std::size_t j = 0; j < columns_; ++j) out[j] = pixel[j];
    if (bias_) out[columns_] = 255;
  }

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

/// W and its gradient in the layout of the products; kept from call to call, one a thread.
struct Scratch {
  Vector weights, gradient;  // pixels: classes x features, padded; sparse: features x classes, padded
  Vector features;           // pixels: kBlock x features, padded
  Vector scores;             // classes x kBlock
  Vector lanes;              // the same, kLanes partial sums each
};

/// Which rows a block is made of: all of them in order, or those of a list.
struct Selection {
  const LabelledRows& rows;
  Rows chosen;

  [[nodiscard]] std::size_t size() const { return chosen.all ? rows.size() : chosen.list.size(); }
  [[nodiscard]] std::size_t operator[](std::size_t k) const { return chosen.all ? k : chosen.list[k]; }
};

class Softmax final : public Problem {
 public:
  Softmax(const Dataset& data, const Shards& shards, const ModelOptions& options, const Vector& classes,
          const std::optional<Dataset>& test, const std::optional<Range>& own)
      : Softmax(data.columns, classes.size(), options,
                OwnShards<LabelledRows>(shards.size(), own, [&](std::size_t i) {
                  return LabelledRows(data, shards[i], classes, options.bias);
                })) {
    for (const auto& row_numbers : shards) rows_.push_back(row_numbers.size());
    data_checksum_ = data.checksum;
    if (!test) return;
    // Of both: a set that is its own test set must not cancel out.
    data_checksum_ = data_checksum_ * 31 + test->checksum;
    test_.emplace(*test, all_rows(test->rows), classes, options.bias);
  }

  Softmax(const GeneratedOptions& data, std::size_t clients, const ModelOptions& options,
          const Vector& classes, const std::optional<Range>& own)
      : Softmax(data.columns, classes.size(), options,
                OwnShards<LabelledRows>(clients, own, [&, rows = all_rows(data.rows)](std::size_t i) {
                  return LabelledRows(generate(data, i), rows, classes, options.bias);
                })) {
    rows_.assign(clients, data.rows);
  }

  [[nodiscard]] std::size_t dim() const override { return classes_ * columns_; }
  [[nodiscard]] std::size_t shards() const override { return rows_.size(); }
  [[nodiscard]] std::size_t rows(std::size_t shard) const override { return rows_[shard]; }
  [[nodiscard]] bool classifies() const override { return true; }
  [[nodiscard]] std::uint32_t data_checksum() const override { return data_checksum_; }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    const Selection selection{shards_[shard], rows};
    check(selection.size() > 0, "the gradient of no rows was asked for");
    Scratch& scratch = prepare(selection.rows, x);
    Measured measured;
    for (std::size_t first = 0; first < selection.size(); first += kBlock) {
      const std::size_t count = std::min(kBlock, selection.size() - first);
      score(selection, first, count, scratch);
      const Measured part = link(selection, first, count, scratch.scores.data());
      measured.value += part.value;
      measured.correct += part.correct;
      transpose(selection, first, count, scratch);
    }
    const double share = 1 / static_cast<double>(selection.size());
    collect(selection.rows, scratch, share, g);
    measured.value = measured.value * share + regulariser_.add_gradient(x, g);
    return measured;
  }

  [[nodiscard]] std::optional<double> test_accuracy(View x, ThreadPool& pool) const override {
    if (!test_) return {};
    constexpr std::size_t kChunk = 64 * kBlock;
    std::vector<double> correct((test_->size() + kChunk - 1) / kChunk);
    pool.for_each(correct.size(), [&](std::size_t chunk) {
      const Selection selection{*test_, Rows::everything()};
      Scratch& scratch = prepare(*test_, x);
      const std::size_t end = std::min((chunk + 1) * kChunk, test_->size());
      for (std::size_t first = chunk * kChunk; first < end; first += kBlock) {
        const std::size_t count = std::min(kBlock, end - first);
        score(selection, first, count, scratch);
        correct[chunk] += link(selection, first, count, scratch.scores.data()).correct;
      }
    });
    double total = 0;
    for (const double c : correct) total += c;
    return total / static_cast<double>(test_->size());
  }

  [[nodiscard]] std::optional<Constants> constants(AllShards& all) const override {
    const double r = regulariser_.curvature();
    const std::size_t n = shards();
    const auto rows = [&](std::size_t i) { return static_cast<double>(rows_[i]); };
    const Vector L = all.numbers(
        n, [&](std::size_t i) { return kCurvature * largest_gram_eigenvalue(shards_[i]) / rows(i) + r; });
    const Vector sample =
        all.numbers(n, [&](std::size_t i) { return mean_of_squared_row_constants(shards_[i], r); });
    const Product gram =
        mean_gram(all, rows_, [&](std::size_t i, View v, MutView out) { add_gram(shards_[i], v, out); });

    Constants constants = constants_of_clients(L, sample);
    constants.L_minus = kCurvature * largest_eigenvalue(columns_, gram) + r;
    if (regulariser_.kind == Regulariser::Kind::l2 && regulariser_.lambda > 0)
      constants.mu = regulariser_.lambda;
    constants.f_lower = 0;
    return constants;
  }

 private:
  Softmax(std::size_t columns, std::size_t classes, const ModelOptions& options,
          OwnShards<LabelledRows> shards)
      : regulariser_(options.regulariser),
        columns_(columns + (options.bias ? 1 : 0)),
        classes_(classes),
        padded_columns_(round_up(columns_, kFeatureTile)),
        padded_classes_(round_up(classes_, kClassTile * kTransposeClasses)),
        shards_(std::move(shards)) {}

  Scratch& prepare(const LabelledRows& rows, View x) const {
    thread_local Scratch scratch;
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
    return scratch;
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

  /// Adds the features begin .. end-1 to the scores of a tile, each still spread over the lanes of a vector.
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

  /// gradient += P'A for the rows of the block, P where the scores were.
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

  /// Scores become softmax(scores) - e_label, and 0 in the padding; sums the losses and the rows that are
  /// right.
  [[nodiscard]] Measured link(const Selection& selection, std::size_t first, std::size_t count,
                              double* scores) const {
    std::array<double, kBlock> label, weight;
    for (std::size_t r = 0; r < kBlock; ++r) {
      label[r] = r < count ? selection.rows.class_of(selection[first + r]) : LabelledRows::kNoClass;
      weight[r] = r < count ? 1 : 0;
    }
    Doubles value{}, correct{};
    for (std::size_t r = 0; r < kBlock; r += kLanes) {
      const Doubles w = load<Doubles>(weight.data() + r);
      const Doubles own = load<Doubles>(label.data() + r);
      Doubles largest = load<Doubles>(scores + r), best{}, of_label{};
      for (std::size_t c = 0; c < classes_; ++c) {
        const Doubles z = load<Doubles>(scores + c * kBlock + r);
        const Doubles number = all(static_cast<double>(c));
        best = z > largest ? number : best;
        largest = z > largest ? z : largest;
        of_label = own == number ? z : of_label;
      }
      Doubles total{}, rest{};  // of exp(z - largest); rest leaves out the largest itself
      for (std::size_t c = 0; c < classes_; ++c) {
        double* const at = scores + c * kBlock + r;
        const Doubles e = exp_of_minus(largest - load<Doubles>(at));
        total += e;
        rest += best == all(static_cast<double>(c)) ? all(0) : e;
        std::memcpy(at, &e, sizeof e);
      }
      value += w * ((largest - of_label) + log_of_one_plus(rest));
      correct += own == best ? w : all(0);
      for (std::size_t c = 0; c < padded_classes_; ++c) {
        double* const at = scores + c * kBlock + r;
        const Doubles p = load<Doubles>(at) / total;
        // p - 1 would cancel where the label is the most likely class.
        const Doubles of_own = own == best ? -rest / total : p - 1.0;
        const Doubles residual = own == all(static_cast<double>(c)) ? of_own : p;
        const Doubles coefficient = c < classes_ ? w * residual : all(0);
        std::memcpy(at, &coefficient, sizeof coefficient);
      }
    }
    return {sum(value), sum(correct)};
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
    if (!rows.pixels() && rows.size() <= kDenseSize && rows.size() < columns_) {
      return largest_eigenvalue_of_few_rows(rows.size(), columns_,
                                            [&](std::size_t row, auto entry) { rows.for_each(row, entry); });
    }
    return largest_eigenvalue(columns_, [&](View v, MutView out) {
      fill(out, 0.0);
      add_gram(rows, v, out);
    });
  }

  /// mean over rows of (c |a_j|^2 + r)^2
  [[nodiscard]] double mean_of_squared_row_constants(const LabelledRows& rows, double r) const {
    Vector row(columns_);
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
  std::size_t columns_;
  std::size_t classes_;
  std::size_t padded_columns_;
  std::size_t padded_classes_;
  std::uint32_t data_checksum_ = 0;
  OwnShards<LabelledRows> shards_;
  std::vector<std::size_t> rows_;  // of every shard
  std::optional<LabelledRows> test_;
};

}  // namespace

std::unique_ptr<Problem> make_softmax(const Dataset& data, const Shards& shards, const ModelOptions& options,
                                      const std::optional<Dataset>& test, const std::optional<Range>& own) {
  require_usable(data, shards, options);
  Vector classes = data.labels;
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  if (classes.size() < 2) {
    throw InputError(fmt::format("{}: found 1 distinct label ({}); need at least 2 to tell rows apart",
                                 data.name, classes[0]));
  }
  if (test && test->columns != data.columns) {
    throw InputError(fmt::format("{}: the test set has {} columns; need {} as in the training set", data.name,
                                 test->columns, data.columns));
  }
  return std::make_unique<Softmax>(data, shards, options, classes, test, own);
}

std::unique_ptr<Problem> make_softmax(const GeneratedOptions& data, std::size_t clients,
                                      const ModelOptions& options, const std::optional<Range>& own) {
  Vector classes(data.classes);
  std::iota(classes.begin(), classes.end(), 0.0);
  return std::make_unique<Softmax>(data, clients, options, classes, own);
}

}  // namespace laconic
