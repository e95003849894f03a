// SPDX-License-Identifier: Apache-2.0
// Full gradients compared with the plain products in them. Each case first compares its result with that of a
// plain loop, then times kernel and reference alternately, so that both have the same noise. `ratio` is the
// median time of the kernel over the median time of the reference. Data comes from LACONIC_DATA; cases
// without data are skipped.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <Eigen/Dense>
#include <benchmark/benchmark.h>

#include "bench/eigen_products.h"
#include "bench/timing.h"
#include "laconic/core/error.h"
#include "laconic/data/lookup.h"
#include "laconic/problem/autoencoder.h"
#include "laconic/problem/linear_model.h"
#include "laconic/problem/mlp.h"
#include "laconic/problem/quadratic.h"
#include "laconic/problem/softmax.h"
#include "laconic/transport/fleet.h"

namespace laconic {
namespace {

std::optional<Dataset> find(const std::string& name) {
  DataOptions options;
  if (const char* folders = std::getenv("LACONIC_DATA")) {
    std::stringstream list(folders);
    for (std::string folder; std::getline(list, folder, ':');) options.folders.push_back(folder);
  }
  try {
    return load_dataset(name, options);
  } catch (const InputError&) {
    return {};
  }
}

/// Times candidate and reference alternately; reports the candidate's time, and the ratio as a counter.
void race(benchmark::State& state, const char* ratio, auto&& candidate, auto&& reference) {
  std::vector<double> candidate_times, reference_times;
  for ([[maybe_unused]] auto _ : state) {
    reference_times.push_back(cpu_seconds_of(reference));
    candidate_times.push_back(cpu_seconds_of(candidate));
    state.SetIterationTime(candidate_times.back());
  }
  state.counters[ratio] = median(candidate_times) / median(reference_times);
  state.counters["reference_us"] = 1e6 * median(reference_times);
  state.counters["median_us"] = 1e6 * median(candidate_times);
}

Shards contiguous(std::size_t rows, std::size_t clients) {
  Shards shards(clients);
  const std::size_t each = rows / clients;
  for (std::size_t i = 0; i < clients; ++i) {
    shards[i].resize(each);
    std::iota(shards[i].begin(), shards[i].end(), static_cast<std::uint32_t>(i * each));
  }
  return shards;
}

Vector some_point(std::size_t dim) {
  Vector x(dim);
  for (std::size_t j = 0; j < dim; ++j) x[j] = 0.3 * std::sin(1.0 + 7.0 * static_cast<double>(j));
  return x;
}

double relative_distance(View a, View b) { return std::sqrt(distance_sq(a, b) / norm_sq(b)); }

/// A in compressed sparse rows, with doubles as values and 32-bit columns.
struct PlainRows {
  std::vector<std::uint64_t> begin;
  std::vector<std::uint32_t> column;
  Vector value;

  explicit PlainRows(const SparseRows& rows)
      : begin(rows.begin), column(rows.column), value(rows.column.size()) {
    for (std::size_t e = 0; e < value.size(); ++e) value[e] = rows.value_at(e);
  }

  void multiply(View x, MutView out) const {
    for (std::size_t i = 0; i + 1 < begin.size(); ++i) {
      double sum = 0;
      for (std::uint64_t e = begin[i]; e < begin[i + 1]; ++e) sum += value[e] * x[column[e]];
      out[i] = sum;
    }
  }

  void multiply_transposed(View y, MutView out) const {
    fill(out, 0.0);
    for (std::size_t i = 0; i + 1 < begin.size(); ++i) {
      for (std::uint64_t e = begin[i]; e < begin[i + 1]; ++e) out[column[e]] += value[e] * y[i];
    }
  }
};

/// loss(z), and slope(z) = loss'(z), for z = label * margin, by libm.
struct Reference {
  double (*loss)(double z);
  double (*slope)(double z);
};

const Reference kLogistic = {[](double z) { return std::max(-z, 0.0) + std::log1p(std::exp(-std::abs(z))); },
                             [](double z) { return -1 / (1 + std::exp(z)); }};
const Reference kNonconvex = {[](double z) { return std::pow(1 / (1 + std::exp(z)), 2); },
                              [](double z) {
                                const double s = 1 / (1 + std::exp(z));
                                return -2 * s * s * (1 - s);
                              }};

template <class Make>
void linear_gradient(benchmark::State& state, const std::string& name, Make make,
                     const Reference& reference) {
  const auto data = find(name);
  if (!data) return state.SkipWithError((name + " is not in the folders of LACONIC_DATA").c_str());
  const auto clients = static_cast<std::size_t>(state.range(0));
  const Shards shards = contiguous(data->rows, clients);
  const std::size_t rows = clients * shards[0].size();
  const auto problem = make(*data, shards, ModelOptions{}, std::nullopt, std::nullopt);
  const Vector x = some_point(problem->dim());
  Vector g(problem->dim()), mean(problem->dim()), product(data->rows), transposed(problem->dim());

  double value = 0;
  const auto candidate = [&] {
    value = 0;
    fill(mean, 0.0);
    for (std::size_t i = 0; i < clients; ++i) {
      value += problem->value_gradient(i, Rows::everything(), x, g).value / static_cast<double>(clients);
      axpy(1 / static_cast<double>(clients), g, mean);
    }
    benchmark::DoNotOptimize(mean.data());
  };

  const PlainRows plain(std::get<SparseRows>(data->features));
  const double larger = *std::max_element(data->labels.begin(), data->labels.end());
  plain.multiply(x, product);
  double expected = 0;
  Vector slope(data->rows, 0.0);
  for (std::size_t i = 0; i < rows; ++i) {
    const double label = data->labels[i] == larger ? 1 : -1;
    expected += reference.loss(label * product[i]) / static_cast<double>(rows);
    slope[i] = label * reference.slope(label * product[i]) / static_cast<double>(rows);
  }
  plain.multiply_transposed(slope, transposed);
  candidate();
  if (!(std::abs(value / expected - 1) < 1e-13) || !(relative_distance(mean, transposed) < 1e-12)) {
    return state.SkipWithError("wrong answer");
  }
  race(state, "ratio_to_two_products", candidate, [&] {
    plain.multiply(x, product);
    plain.multiply_transposed(slope, transposed);
    benchmark::DoNotOptimize(product.data());
    benchmark::DoNotOptimize(transposed.data());
  });
}

#define LACONIC_LINEAR(name, data)                                                       \
  BENCHMARK_CAPTURE(linear_gradient, logistic_##name, data, make_logistic, kLogistic)    \
      ->Arg(1)                                                                           \
      ->Arg(20)                                                                          \
      ->UseManualTime()                                                                  \
      ->Unit(benchmark::kMicrosecond);                                                   \
  BENCHMARK_CAPTURE(linear_gradient, nonconvex_##name, data, make_nonconvex, kNonconvex) \
      ->Arg(1)                                                                           \
      ->Arg(20)                                                                          \
      ->UseManualTime()                                                                  \
      ->Unit(benchmark::kMicrosecond)

LACONIC_LINEAR(w8a, "w8a");
LACONIC_LINEAR(a9a, "a9a");
LACONIC_LINEAR(ijcnn1, "ijcnn1");
LACONIC_LINEAR(phishing, "phishing");
LACONIC_LINEAR(mushrooms, "mushrooms");

/// mean = the gradient of f at x, computed client by client; g is scratch for one client's gradient.
void mean_gradient(const Problem& problem, View x, MutView g, MutView mean) {
  fill(mean, 0.0);
  for (std::size_t i = 0; i < problem.shards(); ++i) {
    problem.value_gradient(i, Rows::everything(), x, g);
    axpy(1.0 / static_cast<double>(problem.shards()), g, mean);
  }
  benchmark::DoNotOptimize(mean.data());
}

/// An Eigen matrix with rows side by side.
template <class Matrix>
MatrixView<const typename Matrix::Scalar> view_of(const Matrix& m) {
  const auto columns = static_cast<std::size_t>(m.cols());
  return {m.data(), static_cast<std::size_t>(m.rows()), columns, columns};
}

/// C = A B, by the Eigen of this machine.
template <class Matrix>
void multiply_into(Matrix& c, const MatrixView<const typename Matrix::Scalar>& a,
                   const MatrixView<const typename Matrix::Scalar>& b) {
  c.resize(static_cast<Eigen::Index>(a.rows), static_cast<Eigen::Index>(b.columns));
  multiply_by_eigen(a, b, {c.data(), a.rows, b.columns, b.columns});
}

/// Compared with Eigen's two products of the same shapes, on existing doubles.
void softmax_gradient(benchmark::State& state) {
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto data = find("fashion-mnist");
  if (!data) return state.SkipWithError("fashion-mnist is not in the folders of LACONIC_DATA");
  constexpr std::size_t kClients = 100;
  const Shards shards = contiguous(data->rows, kClients);
  const auto problem = make_softmax(*data, shards, {});
  const Vector x = some_point(problem->dim());
  Vector g(problem->dim()), mean(problem->dim());
  const auto candidate = [&] { mean_gradient(*problem, x, g, mean); };

  const auto columns = static_cast<Eigen::Index>(data->columns);
  constexpr Eigen::Index kRows = 600, kClasses = 10;  // one shard, 3.8 MB: read once for each client
  Matrix pixels(kRows, columns);
  const auto& bytes = std::get<PixelRows>(data->features).pixel;
  for (Eigen::Index i = 0; i < pixels.size(); ++i)
    pixels.data()[i] = bytes[static_cast<std::size_t>(i)] / 255.0;
  const Matrix weights = Eigen::Map<const Matrix>(x.data(), kClasses, columns);
  Matrix scores = pixels * weights.transpose();
  Matrix probabilities = scores.array().exp();
  probabilities.array().colwise() /= probabilities.rowwise().sum().array().eval();
  for (Eigen::Index i = 0; i < kRows; ++i) {
    probabilities(i, static_cast<Eigen::Index>(data->labels[static_cast<std::size_t>(i)])) -= 1;
  }
  Matrix gradient = probabilities.transpose() * pixels / kRows;
  problem->value_gradient(0, Rows::everything(), x, g);
  if (!(relative_distance(g, View(gradient.data(), g.size())) < 1e-12))
    return state.SkipWithError("wrong answer");

  race(state, "ratio_to_eigen_products", candidate, [&] {
    for (std::size_t i = 0; i < kClients; ++i) {
      multiply_into(scores, view_of(pixels), view_of(weights).transposed());
      multiply_into(gradient, view_of(probabilities).transposed(), view_of(pixels));
      benchmark::DoNotOptimize(scores.data());
      benchmark::DoNotOptimize(gradient.data());
    }
  });
  const double flops = 4.0 * static_cast<double>(data->rows * data->columns * kClasses);
  state.counters["gflops"] = flops / (1e3 * state.counters["median_us"]);
}
BENCHMARK(softmax_gradient)->UseManualTime()->Unit(benchmark::kMillisecond);

/// One client's dense rows and the products of its gradient, by Eigen, on existing numbers of type Scalar.
template <class Scalar>
struct DenseAutoencoder {
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  Matrix A, D, E;  // rows x columns, columns x hidden, hidden x columns
  Matrix codes, residual, dD, dE, back;
  Matrix encoders, both, sums;  // for two()

  DenseAutoencoder(const Dataset& data, Eigen::Index rows, Eigen::Index hidden, View x)
      : A(rows, static_cast<Eigen::Index>(data.columns)) {
    const auto& bytes = std::get<PixelRows>(data.features).pixel;
    for (Eigen::Index i = 0; i < A.size(); ++i)
      A.data()[i] = bytes[static_cast<std::size_t>(i)] / Scalar(255);
    using Doubles = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    D = Eigen::Map<const Doubles>(x.data(), A.cols(), hidden).template cast<Scalar>();
    E = Eigen::Map<const Doubles>(x.data() + D.size(), hidden, A.cols()).template cast<Scalar>();
    encoders.resize(A.cols(), 2 * hidden);
    encoders << E.transpose(), E.transpose() * (D.transpose() * D) - D;
  }

  /// The five products of the direct formula.
  void five() {
    multiply_into(codes, view_of(A), view_of(E).transposed());
    multiply_into(residual, view_of(codes), view_of(D).transposed());
    const auto all = view_of(residual);
    subtract_by_eigen(view_of(A), {residual.data(), all.rows, all.columns, all.row_step});
    multiply_into(dD, all.transposed(), view_of(codes));
    multiply_into(back, all, view_of(D));
    multiply_into(dE, view_of(back).transposed(), view_of(A));
  }

  /// The two products that remain without the residual: the fewest flops for dense rows.
  void two() {
    multiply_into(both, view_of(A), view_of(encoders));
    multiply_into(sums, view_of(A).transposed(), view_of(both));
  }
};

enum class Products { five_double, two_double, five_float, two_float };

/// Compared with the dense products alone, without the conversion of bytes, losses, and other work.
void autoencoder_gradient(benchmark::State& state, const std::string& name, Products products) {
  const auto data = find(name);
  if (!data) return state.SkipWithError((name + " is not in the folders of LACONIC_DATA").c_str());
  constexpr std::size_t kClients = 100, kHidden = 16;
  const Shards shards = contiguous(data->rows, kClients);
  const std::size_t rows = shards[0].size();
  const auto problem = make_autoencoder(*data, shards, {.hidden = kHidden});
  Vector x(problem->dim()), g(problem->dim()), mean(problem->dim());
  problem->start(x);
  const auto candidate = [&] { mean_gradient(*problem, x, g, mean); };

  DenseAutoencoder<double> in_double(*data, static_cast<Eigen::Index>(rows), kHidden, x);
  DenseAutoencoder<float> in_float(*data, static_cast<Eigen::Index>(rows), kHidden, x);
  in_double.five();
  Vector expected(in_double.dD.data(), in_double.dD.data() + in_double.dD.size());
  expected.insert(expected.end(), in_double.dE.data(), in_double.dE.data() + in_double.dE.size());
  scale(2 / static_cast<double>(rows), expected);
  problem->value_gradient(0, Rows::everything(), x, g);
  if (!(relative_distance(g, expected) < 1e-12)) return state.SkipWithError("wrong answer");

  race(state, "ratio_to_eigen_products", candidate, [&] {
    for (std::size_t i = 0; i < kClients; ++i) {
      if (products == Products::five_double) in_double.five();
      if (products == Products::two_double) in_double.two();
      if (products == Products::five_float) in_float.five();
      if (products == Products::two_float) in_float.two();
      benchmark::ClobberMemory();
    }
  });
  const double flops =
      2.0 * static_cast<double>(kClients * rows * data->columns * kHidden);  // flops of one product
  const bool five = products == Products::five_double || products == Products::five_float;
  // Counts the flops of the five products of the direct formula, even where fewer are computed.
  state.counters["gflops"] = 5 * flops / (1e3 * state.counters["median_us"]);
  state.counters["reference_gflops"] = (five ? 5 : 4) * flops / (1e3 * state.counters["reference_us"]);
}

#define LACONIC_AUTOENCODER(name, data, products)                                      \
  BENCHMARK_CAPTURE(autoencoder_gradient, name##_##products, data, Products::products) \
      ->UseManualTime()                                                                \
      ->Unit(benchmark::kMillisecond)

LACONIC_AUTOENCODER(mnist, "mnist", five_double);
LACONIC_AUTOENCODER(mnist, "mnist", two_double);
LACONIC_AUTOENCODER(mnist, "mnist", five_float);
LACONIC_AUTOENCODER(mnist, "mnist", two_float);
LACONIC_AUTOENCODER(fashion_mnist, "fashion-mnist", five_double);
LACONIC_AUTOENCODER(fashion_mnist, "fashion-mnist", two_double);

/// A batch of rows and the products in the gradient of mlp(DATA, 64), by Eigen.
template <class Scalar>
struct DenseMlp {
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  Matrix A, W1, W2;  // rows x columns, hidden x columns, classes x hidden
  Matrix hidden, scores, below, dW1, dW2;

  DenseMlp(const Dataset& data, Eigen::Index rows, Eigen::Index units, Eigen::Index classes, View x)
      : A(rows, static_cast<Eigen::Index>(data.columns)) {
    const auto& bytes = std::get<PixelRows>(data.features).pixel;
    for (Eigen::Index i = 0; i < A.size(); ++i)
      A.data()[i] = bytes[static_cast<std::size_t>(i)] / Scalar(255);
    using Doubles = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    W1 = Eigen::Map<const Doubles>(x.data(), units, A.cols()).template cast<Scalar>();
    W2 = Eigen::Map<const Doubles>(x.data() + W1.size() + units, classes, units).template cast<Scalar>();
  }

  void forward() {
    multiply_into(hidden, view_of(A), view_of(W1).transposed());
    multiply_into(scores, view_of(hidden), view_of(W2).transposed());
  }

  void backward() {
    multiply_into(dW2, view_of(scores).transposed(), view_of(hidden));
    multiply_into(below, view_of(scores), view_of(W2));
    multiply_into(dW1, view_of(below).transposed(), view_of(A));
  }

  /// The gradient for biases of 0, in the order of x.
  Vector gradient(const Dataset& data) {
    hidden = (A * W1.transpose()).cwiseMax(Scalar(0));
    scores = (hidden * W2.transpose()).array().exp();
    scores.array().colwise() /= scores.rowwise().sum().array().eval();
    for (Eigen::Index i = 0; i < A.rows(); ++i)
      scores(i, static_cast<Eigen::Index>(data.labels[static_cast<std::size_t>(i)])) -= 1;
    scores /= static_cast<Scalar>(A.rows());
    dW2 = scores.transpose() * hidden;
    below = ((scores * W2).array() * (hidden.array() > 0).template cast<Scalar>()).matrix();
    dW1 = below.transpose() * A;
    Vector g(dW1.data(), dW1.data() + dW1.size());
    const auto append = [&](const Matrix& m) { g.insert(g.end(), m.data(), m.data() + m.size()); };
    append(below.colwise().sum());
    append(dW2);
    append(scores.colwise().sum());
    return g;
  }
};

/// Steps of minibatch gradient descent, with x in doubles, compared with the products alone.
void mlp_step(benchmark::State& state, const std::string& name, MlpOptions::Precision precision) {
  const auto data = find(name);
  if (!data) return state.SkipWithError((name + " is not in the folders of LACONIC_DATA").c_str());
  constexpr std::size_t kClients = 10, kHidden = 64, kSteps = 200;
  constexpr Eigen::Index kClasses = 10;
  const auto batch = static_cast<std::size_t>(state.range(0));
  const Shards shards = contiguous(data->rows, kClients);
  const auto problem = make_mlp(*data, shards, {.widths = {kHidden}, .precision = precision});
  Vector x(problem->dim()), g(problem->dim());
  problem->start(x);

  const auto rows = static_cast<Eigen::Index>(batch);
  DenseMlp<double> in_double(*data, rows, kHidden, kClasses, x);
  DenseMlp<float> in_float(*data, rows, kHidden, kClasses, x);
  std::vector<std::uint32_t> list(batch);
  std::iota(list.begin(), list.end(), std::uint32_t{0});
  problem->value_gradient(0, Rows::listed(list), x, g);
  const bool single = precision == MlpOptions::Precision::f32;
  if (!(relative_distance(g, in_double.gradient(*data)) < (single ? 1e-6 : 1e-13)))
    return state.SkipWithError("wrong answer");

  std::vector<std::uint32_t> drawn(kSteps * batch);
  for (std::size_t k = 0; k < drawn.size(); ++k)
    drawn[k] = static_cast<std::uint32_t>(k * 2654435761U % shards[0].size());
  const auto products = [&](auto& dense) {
    for (std::size_t t = 0; t < kSteps; ++t) {
      dense.forward();
      dense.backward();
      benchmark::ClobberMemory();
    }
  };
  race(
      state, "ratio_to_eigen_products",
      [&] {
        for (std::size_t t = 0; t < kSteps; ++t) {
          const std::span<const std::uint32_t> rows_of_step = std::span(drawn).subspan(t * batch, batch);
          problem->value_gradient(0, Rows::listed(rows_of_step), x, g);
          axpy(-0.01, g, x);
        }
      },
      [&] { single ? products(in_float) : products(in_double); });
  state.counters["steps_a_second"] = 1e6 * kSteps / state.counters["median_us"];
}

#define LACONIC_MLP(name, data, precision)                                                \
  BENCHMARK_CAPTURE(mlp_step, name##_##precision, data, MlpOptions::Precision::precision) \
      ->Arg(32)                                                                           \
      ->Arg(512)                                                                          \
      ->UseManualTime()                                                                   \
      ->Unit(benchmark::kMillisecond)

LACONIC_MLP(fashion_mnist, "fashion-mnist", f32);
LACONIC_MLP(mnist, "mnist", f32);
LACONIC_MLP(fashion_mnist, "fashion-mnist", f64);

/// Compared with y += a x, which reads and writes as much: a gradient costs O(d).
void quadratic_gradient(benchmark::State& state) {
  const auto d = static_cast<std::size_t>(state.range(0));
  const auto problem = make_quadratic({.clients = 10, .d = d, .s = 0.8});
  const Vector x = some_point(d);
  Vector g(d), at_zero(d), other(d, 1.0);
  problem->value_gradient(3, Rows::everything(), Vector(d, 0.0), at_zero);
  const double value = problem->value_gradient(3, Rows::everything(), x, g).value;
  const double expected = (dot(x, g) + dot(x, at_zero)) / 2;  // g = A x - b
  if (!(std::abs(value / expected - 1) < 1e-10)) return state.SkipWithError("wrong answer");
  const std::size_t times = 10'000'000 / d;
  race(
      state, "ratio_to_axpy",
      [&] {
        for (std::size_t k = 0; k < times; ++k) {
          problem->value_gradient(3, Rows::everything(), x, g);
          benchmark::ClobberMemory();
        }
      },
      [&] {
        for (std::size_t k = 0; k < times; ++k) {
          axpy(1e-9, x, other);
          benchmark::ClobberMemory();
        }
      });
  state.counters["ns_a_coordinate"] = state.counters["median_us"] * 1e3 / static_cast<double>(times * d);
}
BENCHMARK(quadratic_gradient)
    ->Arg(1000)
    ->Arg(100'000)
    ->Arg(10'000'000)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

void softmax_constants(benchmark::State& state) {
  const auto data = find("fashion-mnist");
  if (!data) return state.SkipWithError("fashion-mnist is not in the folders of LACONIC_DATA");
  const auto problem = make_softmax(*data, contiguous(data->rows, 100), {});
  ThreadPool pool(static_cast<std::size_t>(state.range(0)));
  Fleet fleet(pool);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(problem->constants(fleet));
}
BENCHMARK(softmax_constants)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace laconic
