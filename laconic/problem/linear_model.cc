// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/linear_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/spectrum.h"
#include "laconic/data/classes.h"
#include "laconic/problem/dense_rows.h"
#include "laconic/problem/gram.h"
#include "laconic/problem/loss.h"
#include "laconic/problem/packed_rows.h"

namespace laconic {
namespace {

constexpr std::size_t kBlock = 256;          // rows of a pass of product, link, transposed product
constexpr std::size_t kFewestPacked = 64;    // packing pays from this number of rows
constexpr std::size_t kMuLargestDim = 1024;  // lambda_min comes from a dense solver

/// Copies rows, without unused capacity: a run may keep those of a hundred thousand clients.
SparseRows copy_rows(const Dataset& data, const std::vector<std::uint32_t>& row_numbers, bool bias) {
  std::size_t entries = 0;
  for (const std::uint32_t row : row_numbers) entries += count_entries(data, row) + (bias ? 1 : 0);
  SparseRows rows;
  rows.begin.reserve(row_numbers.size() + 1);
  rows.column.reserve(entries);
  rows.value.reserve(entries);
  for (const std::uint32_t row : row_numbers) {
    const auto add = [&](std::uint32_t column, double value) {
      rows.column.push_back(column);
      rows.value.push_back(value);
    };
    for_each_entry(data, row, add);
    if (bias) add(static_cast<std::uint32_t>(data.columns), 1.0);
    rows.begin.push_back(rows.column.size());
  }
  return rows;
}

Vector targets_of(View targets, const std::vector<std::uint32_t>& row_numbers) {
  Vector chosen;
  chosen.reserve(row_numbers.size());
  for (const std::uint32_t row : row_numbers) chosen.push_back(targets[row]);
  return chosen;
}

/// The rows of one shard in their order, and the packed copy for passes over all of them.
class Shard {
 public:
  Shard(SparseRows rows, Vector targets, std::size_t columns, bool packs = true)
      : columns_(columns), rows_(std::move(rows)), targets_(std::move(targets)) {
    const auto& v = rows_.value;
    if (v.size() > 1 && std::all_of(v.begin(), v.end(), [&](double value) { return value == v[0]; })) {
      rows_.value = {v[0]};
    }
    if (!packs || size() < kFewestPacked) return;
    if (auto packed = PackedRows::pack(rows_, columns_, targets_)) {
      packed_ = std::make_unique<const PackedRows>(*std::move(packed));
    }
  }

  [[nodiscard]] std::size_t size() const { return targets_.size(); }

  /// The number of rows among first .. end-1 with a margin of the sign of their target.
  [[nodiscard]] double count_correct(std::size_t first, std::size_t end, View x) const {
    std::size_t correct = 0;
    for_each_block(Rows::everything(), first, end, [&](Block rows) {
      std::array<double, kBlock> margin;
      multiply(rows, x, margin.data());
      for (std::size_t k = 0; k < rows.size(); ++k) correct += margin[k] * targets_[rows[k]] > 0 ? 1 : 0;
    });
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
    std::array<double, kBlock> margin, change, target;
    for_each_block(rows, 0, rows.count(size()), [&](Block block) {
      const std::size_t padded = copy_targets(block, target);
      multiply(block, x, margin.data());
      multiply(block, v, change.data());
      for (std::size_t k = block.size(); k < padded; ++k) margin[k] = change[k] = 0;
      apply_curvature(loss, padded, target.data(), margin.data(), change.data());
      add_transposed(block, change.data(), out);
    });
  }

  /// lmax(A'A)
  [[nodiscard]] double largest_gram_eigenvalue() const {
    return laconic::largest_gram_eigenvalue(rows_, columns_, [&](View v, MutView out) {
      fill(out, 0.0);
      add_gram(v, out);
    });
  }

  [[nodiscard]] const SparseRows& sparse_rows() const { return rows_; }

  /// out[k columns + j] += weight (A'A)_kj for k <= j
  void add_upper_gram(double weight, MutView out) const {
    for (std::size_t i = 0; i < size(); ++i) {
      const std::uint64_t end = rows_.begin[i + 1];
      for (std::uint64_t e = rows_.begin[i]; e < end; ++e) {
        const double scaled = weight * rows_.value_at(e);
        double* const row = out.data() + rows_.column[e] * columns_;
        for (std::uint64_t f = e; f < end; ++f) row[rows_.column[f]] += scaled * rows_.value_at(f);
      }
    }
  }

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
  using Block = std::span<const std::uint32_t>;  // at most kBlock positions of rows

  /// Calls take(block) for the selected rows first .. end-1, a block at a time.
  template <class Take>
  static void for_each_block(Rows rows, std::size_t first, std::size_t end, Take&& take) {
    std::array<std::uint32_t, kBlock> block;  // NOLINT: filled before it is read
    for (; first < end; first += kBlock) {
      const std::size_t size = std::min(kBlock, end - first);
      for (std::size_t k = 0; k < size; ++k) block[k] = static_cast<std::uint32_t>(rows[first + k]);
      take(Block(block).first(size));
    }
  }

  /// The targets of the rows, and zeros up to a multiple of kLossLanes, which is returned.
  std::size_t copy_targets(Block rows, std::array<double, kBlock>& target) const {
    for (std::size_t k = 0; k < rows.size(); ++k) target[k] = targets_[rows[k]];
    std::size_t padded = rows.size();
    for (; padded % kLossLanes != 0; ++padded) target[padded] = 0;
    return padded;
  }

  /// Runs over blocks of rows: margins, link function, transposed product.
  template <class Link>
  void sweep(Rows rows, View x, MutView g, Link link) const {
    static constexpr auto kOne = [] {
      std::array<float, kBlock> ones{};
      ones.fill(1);
      return ones;
    }();
    std::array<double, kBlock> margin, target;
    std::array<float, kBlock> weight = kOne;
    for_each_block(rows, 0, rows.count(size()), [&](Block block) {
      const std::size_t padded = copy_targets(block, target);
      multiply(block, x, margin.data());
      for (std::size_t k = block.size(); k < padded; ++k) margin[k] = weight[k] = 0;
      link(padded, target.data(), weight.data(), margin.data());
      add_transposed(block, margin.data(), g);
    });
  }

  /// Whether every column has a value in each row. Columns of a row differ.
  [[nodiscard]] bool is_dense() const {
    return rows_.value.size() == size() * columns_ && !rows_.one_value();
  }

  /// out[k] = a'x, a the row at rows[k].
  void multiply(Block rows, View x, double* out) const {
    if (is_dense()) return multiply_dense_rows(rows_.value, rows, x, {out, rows.size()});
    const bool one_value = rows_.one_value();
    for (const std::uint32_t row : rows) {
      double sum = 0;
      if (one_value) {
        for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e) sum += x[rows_.column[e]];
        sum *= rows_.value[0];
      } else {
        for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e) {
          sum += rows_.value[e] * x[rows_.column[e]];
        }
      }
      *out++ = sum;
    }
  }

  /// out += coefficient[0] a + coefficient[1] b + ..., a and b the rows at rows[0] and rows[1].
  void add_transposed(Block rows, const double* coefficient, MutView out) const {
    if (is_dense()) return add_dense_rows(rows_.value, rows, {coefficient, rows.size()}, out);
    const bool one_value = rows_.one_value();
    for (const std::uint32_t row : rows) {
      const double c = *coefficient++;
      if (one_value) {
        const double product = c * rows_.value[0];
        for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e)
          out[rows_.column[e]] += product;
      } else {
        for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e) {
          out[rows_.column[e]] += c * rows_.value[e];
        }
      }
    }
  }

  std::size_t columns_;
  SparseRows rows_;
  Vector targets_;
  std::unique_ptr<const PackedRows> packed_;
};

/// The shards of this process: kept, or made anew at each use.
class ModelShards {
 public:
  using Make = std::function<Shard(std::size_t i)>;

  /// make(i) must return the same shard at each call, on any thread. Unless `anew`, it is called here only.
  ModelShards(std::size_t shards, const std::optional<IndexSet>& own, const Make& make, bool anew)
      : own_(own.value_or(Range{0, shards})), make_(anew ? make : Make()) {
    if (!anew) kept_.emplace(shards, own_, make);
  }

  [[nodiscard]] bool kept() const { return kept_.has_value(); }

  /// Returns body(shard i).
  template <class Body>
  auto use(std::size_t i, Body&& body) const {
    if (kept_) return body((*kept_)[i]);
    check(own_.contains(i), "the rows of a shard were asked for that another process draws");
    return body(make_(i));
  }

  /// Whether predicate(shard) holds for a shard that is kept.
  template <class Predicate>
  [[nodiscard]] bool any_kept(Predicate predicate) const {
    return kept_ && kept_->any(predicate);
  }

  /// A shard that is kept.
  [[nodiscard]] const Shard& operator[](std::size_t i) const { return (*kept_)[i]; }
  /// Any shard, unless they are kept.
  [[nodiscard]] Shard make(std::size_t i) const { return make_(i); }

 private:
  IndexSet own_;
  Make make_;
  std::optional<OwnShards<Shard>> kept_;
};

/// Whether the rows of all clients are too many to keep: above 512 MiB. They are drawn anew only where that
/// costs about as much as a pass over them: uniform rows, and few for each client. The answer is the same for
/// any number of processes, because the last bits of L_minus and mu depend on it.
bool are_too_many(const GeneratedOptions& data, std::size_t clients) {
  constexpr double kMostKept = 0x1p29;
  constexpr double kEntryBytes = sizeof(double) + sizeof(std::uint32_t);
  return data.law == GeneratedOptions::Law::uniform && data.rows < kFewestPacked && data.columns <= kNarrow &&
         kEntryBytes * static_cast<double>(clients * data.rows * data.nnz) > kMostKept;
}

class LinearModel final : public Problem {
 public:
  LinearModel(Loss loss, const Dataset& data, const Shards& shards, const ModelOptions& options,
              const std::optional<IndexSet>& own, View targets)
      : loss_(loss),
        regulariser_(options.regulariser),
        dim_(data.columns + (options.bias ? 1 : 0)),
        data_checksum_(data.checksum),
        shards_(
            shards.size(), own,
            [&](std::size_t i) {
              return Shard(copy_rows(data, shards[i], options.bias), targets_of(targets, shards[i]), dim_);
            },
            false) {
    for (const auto& row_numbers : shards) rows_.push_back(row_numbers.size());
  }

  LinearModel(Loss loss, const GeneratedOptions& data, std::size_t clients, const ModelOptions& options,
              const std::optional<IndexSet>& own)
      : loss_(loss),
        regulariser_(options.regulariser),
        dim_(data.columns + (options.bias ? 1 : 0)),
        shards_(
            clients, own,
            [generator = std::shared_ptr(make_generator(data)), bias = options.bias, columns = dim_,
             classifies = loss != Loss::least_squares](std::size_t i) {
              Dataset drawn = generator->rows_of(i);
              if (classifies) {
                for (double& label : drawn.labels) label = 2 * label - 1;  // 0, 1 become -1, 1
              }
              return Shard(bias ? copy_rows(drawn, all_rows(drawn.rows), bias)
                                : std::get<SparseRows>(std::move(drawn.features)),
                           std::move(drawn.labels), columns);
            },
            are_too_many(data, clients)),
        rows_(clients, data.rows) {}

  [[nodiscard]] std::size_t dim() const override { return dim_; }
  [[nodiscard]] std::size_t shards() const override { return rows_.size(); }
  [[nodiscard]] std::size_t rows(std::size_t shard) const override { return rows_[shard]; }
  [[nodiscard]] double ridge() const override { return regulariser_.ridge(); }
  [[nodiscard]] bool classifies() const override { return loss_ != Loss::least_squares; }
  [[nodiscard]] std::uint32_t data_checksum() const override { return data_checksum_; }

  void test_on(const Dataset& test, bool bias, View targets) {
    test_.emplace(copy_rows(test, all_rows(test.rows), bias), Vector(targets.begin(), targets.end()), dim_,
                  false);
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
    const LossSums sums =
        shards_.use(shard, [&](const Shard& own) { return own.add_gradient(loss_, rows, x, g); });
    return mean_of({sums.value, sums.correct}, count, x, g);
  }

  void value_gradients(std::size_t shard, std::span<GradientAt> points) const override {
    for (const GradientAt& each : points) fill(each.g, 0.0);
    shards_.use(shard, [&](const Shard& own) { own.add_gradients(loss_, points); });
    for (GradientAt& each : points) each.measured = mean_of(each.measured, rows_[shard], each.x, each.g);
  }
  [[nodiscard]] bool shares_passes() const override { return shards_.any_kept(&Shard::is_packed); }

  [[nodiscard]] bool has_curvature() const override { return true; }
  [[nodiscard]] bool is_convex() const override {
    return loss_ != Loss::nonconvex && regulariser_.is_convex();
  }

  void hessian_vector(std::size_t shard, Rows rows, View x, View v, MutView out) const override {
    const std::size_t count = rows.count(rows_[shard]);
    check(count > 0, "the curvature of no rows was asked for");
    fill(out, 0.0);
    shards_.use(shard, [&](const Shard& own) { own.add_hessian_vector(loss_, rows, x, v, out); });
    scale(1 / static_cast<double>(count), out);
    regulariser_.add_hessian_vector(x, v, out);
  }

  [[nodiscard]] std::optional<Constants> constants(AllShards& all) const override {
    return constants_of_first(shards(), all);
  }

  [[nodiscard]] std::optional<Constants> constants_of_first(std::size_t n, AllShards& all) const override {
    const double c = curvature_bound(loss_);
    const double r = regulariser_.curvature();
    const std::vector<std::size_t> counts(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(n));
    const auto [L, sample, gram] = shards_.kept() ? curvature(counts, all) : curvature_in_one_pass(n, all);
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

  /// Of each of the first shards, and the Gram matrix of all of them.
  struct Curvature {
    Vector L;
    Vector sample;  // the means of L_ij^2 over the rows
    Gram gram;
  };

  [[nodiscard]] double L_of(const Shard& shard) const {
    return curvature_bound(loss_) * shard.largest_gram_eigenvalue() / static_cast<double>(shard.size()) +
           regulariser_.curvature();
  }
  [[nodiscard]] double sample_of(const Shard& shard) const {
    return shard.mean_of_squared_row_constants(curvature_bound(loss_), regulariser_.curvature());
  }

  /// `counts`: the rows of the first n shards; the result refers to it.
  Curvature curvature(const std::vector<std::size_t>& counts, AllShards& all) const {
    const std::size_t n = counts.size();
    return {all.numbers(n, [&](std::size_t i) { return L_of(shards_[i]); }),
            all.numbers(n, [&](std::size_t i) { return sample_of(shards_[i]); }),
            mean_gram(all, counts, dim_,
                      {.add_gram = [&](std::size_t i, View v, MutView out) { shards_[i].add_gram(v, out); },
                       .sparse = [&](std::size_t i) { return &shards_[i].sparse_rows(); }})};
  }

  /// The same, with a Gram matrix that differs by rounding, where shards are drawn. The vector of a group of
  /// shards is the sum of their A_i'A_i / m_i, and then the two numbers of each. Groups are the same for any
  /// number of processes: each draws the shards of its groups, its own or not.
  Curvature curvature_in_one_pass(std::size_t n, AllShards& all) const {
    constexpr std::size_t kGroup = 1024;  // with fewer, matrices cost more than rows
    const std::size_t square = dim_ * dim_;
    const auto end_of = [&](std::size_t g) { return std::min((g + 1) * kGroup, n); };
    std::vector<std::size_t> length;
    for (std::size_t g = 0; g * kGroup < n; ++g) length.push_back(square + 2 * (end_of(g) - g * kGroup));
    const auto draw = [&](std::size_t g, MutView out) {
      fill(out, 0.0);
      double* numbers = out.data() + square;
      for (std::size_t i = g * kGroup; i < end_of(g); ++i) {
        const Shard shard = shards_.make(i);
        shard.add_upper_gram(1 / static_cast<double>(shard.size()), out);
        *numbers++ = L_of(shard);
        *numbers++ = sample_of(shard);
      }
    };
    Vector sum(square), L, sample;
    all.vectors(length, draw, [&](std::size_t /*g*/, View v) {
      axpy(1 / static_cast<double>(n), v.first(square), sum);
      for (std::size_t k = square; k < v.size(); k += 2) {
        L.push_back(v[k]);
        sample.push_back(v[k + 1]);
      }
    });
    return {std::move(L), std::move(sample), gram_of_upper(std::move(sum), dim_)};
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
  ModelShards shards_;
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
