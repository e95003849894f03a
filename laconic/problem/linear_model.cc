// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/linear_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/spectrum.h"
#include "laconic/data/classes.h"
#include "laconic/problem/gram.h"
#include "laconic/problem/loss.h"
#include "laconic/problem/packed_rows.h"

namespace laconic {
namespace {

constexpr std::size_t kBlock = 256;          // rows of a pass of product, link, transposed product
constexpr std::size_t kFewestPacked = 64;    // packing pays from this number of rows
constexpr std::size_t kMuLargestDim = 1024;  // lambda_min comes from a dense solver

/// The rows of one shard in their order, and the packed copy for passes over all of them.
class Shard {
 public:
  Shard(const Dataset& data, const std::vector<std::uint32_t>& row_numbers, bool bias, View targets,
        bool packs = true)
      : columns_(data.columns + (bias ? 1 : 0)) {
    for (const std::uint32_t row : row_numbers) {
      const auto add = [&](std::uint32_t column, double value) {
        rows_.column.push_back(column);
        rows_.value.push_back(value);
      };
      for_each_entry(data, row, add);
      if (bias) add(static_cast<std::uint32_t>(data.columns), 1.0);
      rows_.begin.push_back(rows_.column.size());
      targets_.push_back(targets[row]);
    }
    const auto& v = rows_.value;
    if (v.size() > 1 && std::all_of(v.begin(), v.end(), [&](double value) { return value == v[0]; })) {
      rows_.value = {v[0]};
    }
    // A run may keep a hundred thousand of these objects.
    rows_.begin.shrink_to_fit();
    rows_.column.shrink_to_fit();
    rows_.value.shrink_to_fit();
    targets_.shrink_to_fit();
    if (!packs || size() < kFewestPacked) return;
    if (auto packed = PackedRows::pack(rows_, columns_, targets_)) {
      packed_ = std::make_unique<const PackedRows>(*std::move(packed));
    }
  }

  [[nodiscard]] std::size_t size() const { return targets_.size(); }

  /// The number of rows among first .. end-1 with a margin of the sign of their target.
  [[nodiscard]] double count_correct(std::size_t first, std::size_t end, View x) const {
    std::size_t correct = 0;
    std::array<double, kBlock> margin;
    for (; first < end; first += kBlock) {
      const std::size_t block = std::min(kBlock, end - first);
      multiply(Rows::everything(), first, block, x, margin.data());
      for (std::size_t k = 0; k < block; ++k) correct += margin[k] * targets_[first + k] > 0 ? 1 : 0;
    }
    return static_cast<double>(correct);
  }

  LossSums add_gradient(Loss loss, Rows rows, View x, MutView g) const {
    if (rows.all && packed_) return packed_->add_gradient(loss, x, g);
    LossSums total;
    sweep(rows, x, g, [&](std::size_t count, const double* target, const float* weight, double* margin) {
      const LossSums part = apply_loss(loss, count, target, weight, margin);
      total.value += part.value;
      total.correct += part.correct;
    });
    return total;
  }

  /// add_gradient() over all rows at each of the points; overwrites their `measured` by the sums.
  void add_gradients(Loss loss, std::span<GradientAt> points) const {
    if (packed_) return packed_->add_gradients(loss, points);
    for (GradientAt& each : points) {
      const LossSums sums = add_gradient(loss, Rows::everything(), each.x, each.g);
      each.measured = {sums.value, sums.correct};
    }
  }

  [[nodiscard]] bool is_packed() const { return packed_ != nullptr; }

  /// out += A'A v
  void add_gram(View v, MutView out) const {
    if (packed_) return packed_->add_gram(v, out);
    sweep(Rows::everything(), v, out, [](std::size_t, const double*, const float*, double*) {});
  }

  /// out += A'diag(l'')A v, l'' at the margins A x.
  void add_hessian_vector(Loss loss, Rows rows, View x, View v, MutView out) const {
    const std::size_t count = rows.count(size());
    std::array<double, kBlock> margin, change, target;
    for (std::size_t first = 0; first < count; first += kBlock) {
      const std::size_t block = std::min(kBlock, count - first);
      for (std::size_t k = 0; k < block; ++k) target[k] = targets_[rows[first + k]];
      multiply(rows, first, block, x, margin.data());
      multiply(rows, first, block, v, change.data());
      std::size_t padded = block;
      for (; padded % kLossLanes != 0; ++padded) margin[padded] = target[padded] = change[padded] = 0;
      apply_curvature(loss, padded, target.data(), margin.data(), change.data());
      add_transposed(rows, first, block, change.data(), out);
    }
  }

  /// lmax(A'A)
  [[nodiscard]] double largest_gram_eigenvalue() const {
    return laconic::largest_gram_eigenvalue(rows_, columns_, [&](View v, MutView out) {
      fill(out, 0.0);
      add_gram(v, out);
    });
  }

  [[nodiscard]] const SparseRows& sparse_rows() const { return rows_; }

  /// mean over rows of (c |a_j|^2 + r)^2
  [[nodiscard]] double mean_of_squared_row_constants(double c, double r) const {
    double sum = 0;
    for (std::size_t i = 0; i < size(); ++i) {
      double norm = 0;
      for (std::uint64_t e = rows_.begin[i]; e < rows_.begin[i + 1]; ++e) {
        norm += rows_.value_at(e) * rows_.value_at(e);
      }
      sum += (c * norm + r) * (c * norm + r);
    }
    return sum / static_cast<double>(size());
  }

 private:
  /// Runs over blocks of rows: margins, link function, transposed product.
  template <class Link>
  void sweep(Rows rows, View x, MutView g, Link link) const {
    static constexpr auto kOne = [] {
      std::array<float, kBlock> ones{};
      ones.fill(1);
      return ones;
    }();
    const std::size_t count = rows.count(size());
    std::array<double, kBlock> margin, target;
    std::array<float, kBlock> weight = kOne;
    for (std::size_t first = 0; first < count; first += kBlock) {
      const std::size_t block = std::min(kBlock, count - first);
      for (std::size_t k = 0; k < block; ++k) target[k] = targets_[rows[first + k]];
      multiply(rows, first, block, x, margin.data());
      std::size_t padded = block;
      for (; padded % kLossLanes != 0; ++padded) margin[padded] = target[padded] = weight[padded] = 0;
      link(padded, target.data(), weight.data(), margin.data());
      add_transposed(rows, first, block, margin.data(), g);
    }
  }

  /// out[k] = a'x, a the row at rows[first + k], for k < count.
  void multiply(Rows rows, std::size_t first, std::size_t count, View x, double* out) const {
    const bool one_value = rows_.one_value();
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t row = rows[first + k];
      double sum = 0;
      if (one_value) {
        for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e) sum += x[rows_.column[e]];
        sum *= rows_.value[0];
      } else {
        for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e) {
          sum += rows_.value[e] * x[rows_.column[e]];
        }
      }
      out[k] = sum;
    }
  }

  /// out += coefficient[0] a + coefficient[1] b + ..., a and b the rows at rows[first] and rows[first + 1].
  void add_transposed(Rows rows, std::size_t first, std::size_t count, const double* coefficient,
                      MutView out) const {
    const bool one_value = rows_.one_value();
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t row = rows[first + k];
      if (one_value) {
        const double product = coefficient[k] * rows_.value[0];
        for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e)
          out[rows_.column[e]] += product;
      } else {
        for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e) {
          out[rows_.column[e]] += coefficient[k] * rows_.value[e];
        }
      }
    }
  }

  std::size_t columns_;
  SparseRows rows_;
  Vector targets_;
  std::unique_ptr<const PackedRows> packed_;
};

class LinearModel final : public Problem {
 public:
  LinearModel(Loss loss, const Dataset& data, const Shards& shards, const ModelOptions& options,
              const std::optional<IndexSet>& own, View targets)
      : loss_(loss),
        regulariser_(options.regulariser),
        dim_(data.columns + (options.bias ? 1 : 0)),
        data_checksum_(data.checksum),
        shards_(shards.size(), own,
                [&](std::size_t i) { return Shard(data, shards[i], options.bias, targets); }) {
    for (const auto& row_numbers : shards) rows_.push_back(row_numbers.size());
  }

  LinearModel(Loss loss, const GeneratedOptions& data, std::size_t clients, const ModelOptions& options,
              const std::optional<IndexSet>& own)
      : loss_(loss),
        regulariser_(options.regulariser),
        dim_(data.columns + (options.bias ? 1 : 0)),
        shards_(clients, own,
                [&, rows = all_rows(data.rows)](std::size_t i) {
                  Dataset drawn = generate(data, i);
                  if (loss != Loss::least_squares) {
                    for (double& label : drawn.labels) label = 2 * label - 1;  // 0, 1 become -1, 1
                  }
                  return Shard(drawn, rows, options.bias, drawn.labels);
                }),
        rows_(clients, data.rows) {}

  [[nodiscard]] std::size_t dim() const override { return dim_; }
  [[nodiscard]] std::size_t shards() const override { return rows_.size(); }
  [[nodiscard]] std::size_t rows(std::size_t shard) const override { return rows_[shard]; }
  [[nodiscard]] double ridge() const override { return regulariser_.ridge(); }
  [[nodiscard]] bool classifies() const override { return loss_ != Loss::least_squares; }
  [[nodiscard]] std::uint32_t data_checksum() const override { return data_checksum_; }

  void test_on(const Dataset& test, bool bias, View targets) {
    test_.emplace(test, all_rows(test.rows), bias, targets, false);
    // Depends on both, as in label_rows().
    data_checksum_ = data_checksum_ * 31 + test.checksum;
  }

  [[nodiscard]] std::optional<double> test_accuracy(View x, ThreadPool& pool) const override {
    if (!test_) return {};
    constexpr std::size_t kChunk = 16 * kBlock;
    std::vector<double> correct((test_->size() + kChunk - 1) / kChunk);
    pool.for_each(correct.size(), [&](std::size_t chunk) {
      const std::size_t first = chunk * kChunk;
      correct[chunk] = test_->count_correct(first, std::min(first + kChunk, test_->size()), x);
    });
    double total = 0;
    for (const double each : correct) total += each;
    return total / static_cast<double>(test_->size());
  }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    const std::size_t count = rows.count(rows_[shard]);
    check(count > 0, "the gradient of no rows was asked for");
    fill(g, 0.0);
    const LossSums sums = shards_[shard].add_gradient(loss_, rows, x, g);
    return mean_of({sums.value, sums.correct}, count, x, g);
  }

  void value_gradients(std::size_t shard, std::span<GradientAt> points) const override {
    for (const GradientAt& each : points) fill(each.g, 0.0);
    shards_[shard].add_gradients(loss_, points);
    for (GradientAt& each : points) each.measured = mean_of(each.measured, rows_[shard], each.x, each.g);
  }
  [[nodiscard]] bool shares_passes() const override { return shards_.any(&Shard::is_packed); }

  [[nodiscard]] bool has_curvature() const override { return true; }
  [[nodiscard]] bool is_convex() const override {
    return loss_ != Loss::nonconvex && regulariser_.is_convex();
  }

  void hessian_vector(std::size_t shard, Rows rows, View x, View v, MutView out) const override {
    const std::size_t count = rows.count(rows_[shard]);
    check(count > 0, "the curvature of no rows was asked for");
    fill(out, 0.0);
    shards_[shard].add_hessian_vector(loss_, rows, x, v, out);
    scale(1 / static_cast<double>(count), out);
    regulariser_.add_hessian_vector(x, v, out);
  }

  [[nodiscard]] std::optional<Constants> constants(AllShards& all) const override {
    return constants_of_first(shards(), all);
  }

  [[nodiscard]] std::optional<Constants> constants_of_first(std::size_t n, AllShards& all) const override {
    const double c = curvature_bound(loss_);
    const double r = regulariser_.curvature();
    const auto rows = [&](std::size_t i) { return static_cast<double>(rows_[i]); };
    const Vector L =
        all.numbers(n, [&](std::size_t i) { return c * shards_[i].largest_gram_eigenvalue() / rows(i) + r; });
    const Vector sample =
        all.numbers(n, [&](std::size_t i) { return shards_[i].mean_of_squared_row_constants(c, r); });
    const std::vector<std::size_t> counts(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(n));
    const Gram gram =
        mean_gram(all, counts, dim_,
                  {.add_gram = [&](std::size_t i, View v, MutView out) { shards_[i].add_gram(v, out); },
                   .sparse = [&](std::size_t i) { return &shards_[i].sparse_rows(); }});

    Constants constants = constants_of_clients(L, sample);
    constants.L_minus = c * largest_eigenvalue(gram.size, gram.product) + r;
    constants.mu = strong_convexity(gram);
    if (is_convex() && regulariser_.kind == Regulariser::Kind::l2 && regulariser_.lambda > 0)
      constants.mu_min = regulariser_.lambda;
    constants.f_lower = 0;
    return constants;
  }

 private:
  /// Makes the sums over `count` rows means, and adds the regulariser.
  Measured mean_of(Measured sums, std::size_t count, View x, MutView g) const {
    const double share = 1 / static_cast<double>(count);
    scale(share, g);
    return {sums.value * share + regulariser_.add_gradient(x, g), sums.correct};
  }

  /// Strong convexity implies the Polyak-Lojasiewicz condition with the same constant.
  [[nodiscard]] std::optional<double> strong_convexity(const Gram& gram) const {
    if (loss_ == Loss::nonconvex) return {};  // not convex, even with lambda |x|^2 / 2 added
    if (regulariser_.kind != Regulariser::Kind::l2 && regulariser_.lambda > 0) return {};
    double mu = regulariser_.lambda;
    // A column without entries has the eigenvalue 0.
    if (loss_ == Loss::least_squares && dim_ <= kMuLargestDim && gram.size == dim_) {
      const Extremes ends = extreme_eigenvalues(dim_, gram.product);
      // mu must be a lower bound: subtract the solver's rounding error.
      mu += std::max(0.0, ends.least - 1e-15 * static_cast<double>(dim_) * ends.largest);
    }
    if (mu > 0) return mu;
    return {};
  }

  Loss loss_;
  Regulariser regulariser_;
  std::size_t dim_;
  std::uint32_t data_checksum_ = 0;
  OwnShards<Shard> shards_;
  std::vector<std::size_t> rows_;  // of every shard
  std::optional<Shard> test_;      // held out
};

/// +1 for the larger of the two labels, -1 for the smaller.
Vector signs_of(const std::vector<double>& labels, double larger) {
  Vector signs(labels.size());
  std::transform(labels.begin(), labels.end(), signs.begin(),
                 [&](double label) { return label == larger ? 1.0 : -1.0; });
  return signs;
}

std::unique_ptr<Problem> make_binary(Loss loss, const Dataset& data, const Shards& shards,
                                     const ModelOptions& options, const std::optional<Dataset>& test,
                                     const std::optional<IndexSet>& own) {
  const std::set<double> labels(data.labels.begin(), data.labels.end());
  if (labels.size() != 2) {
    throw InputError(fmt::format("{}: found {} distinct labels ({}); need exactly 2 to tell rows apart",
                                 data.name, labels.size(), first_of(labels)));
  }
  require_usable(data, shards, options);
  if (test) require_test_fits(*test, data);
  const double larger = *labels.rbegin();
  auto model = std::make_unique<LinearModel>(loss, data, shards, options, own, signs_of(data.labels, larger));
  if (test) model->test_on(*test, options.bias, signs_of(test->labels, larger));
  return model;
}

}  // namespace

std::unique_ptr<Problem> make_logistic(const Dataset& data, const Shards& shards, const ModelOptions& options,
                                       const std::optional<Dataset>& test,
                                       const std::optional<IndexSet>& own) {
  return make_binary(Loss::logistic, data, shards, options, test, own);
}

std::unique_ptr<Problem> make_nonconvex(const Dataset& data, const Shards& shards,
                                        const ModelOptions& options, const std::optional<Dataset>& test,
                                        const std::optional<IndexSet>& own) {
  return make_binary(Loss::nonconvex, data, shards, options, test, own);
}

std::unique_ptr<Problem> make_least_squares(const Dataset& data, const Shards& shards,
                                            const ModelOptions& options, const std::optional<IndexSet>& own) {
  require_usable(data, shards, options);
  return std::make_unique<LinearModel>(Loss::least_squares, data, shards, options, own, data.labels);
}

std::unique_ptr<Problem> make_linear_model(Loss loss, const GeneratedOptions& data, std::size_t clients,
                                           const ModelOptions& options, const std::optional<IndexSet>& own) {
  return std::make_unique<LinearModel>(loss, data, clients, options, own);
}

}  // namespace laconic
