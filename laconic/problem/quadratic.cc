// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/quadratic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

constexpr std::size_t kBlock = 1024;

double mean(View values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

class Quadratic final : public Problem {
 public:
  explicit Quadratic(const QuadraticOptions& options)
      : d_(options.d), lambda_(options.lambda), nu_(options.clients), beta_(options.clients) {
    const Vector normals = legacy_normals(options.seed, 2 * options.clients);
    for (std::size_t i = 0; i < options.clients; ++i) {
      nu_[i] = 1 + options.s * normals[2 * i];
      beta_[i] = options.s * normals[2 * i + 1];
    }
    mean_nu_ = mean(nu_);
    const auto [low, high] = ends_of_spectrum();
    shift_ = lambda_ - std::min(mean_nu_ / 4 * low, mean_nu_ / 4 * high);
  }

  [[nodiscard]] std::size_t dim() const override { return d_; }
  [[nodiscard]] std::size_t shards() const override { return nu_.size(); }
  [[nodiscard]] std::size_t rows(std::size_t) const override { return 1; }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    check(rows.count(1) > 0, "the gradient of no rows was asked for");
    const double b = nu_[shard] / 4 * (beta_[shard] - 1);
    const double value = multiply(shard, x, g) / 2 - b * x[0];
    g[0] -= b;
    return {value, 0};
  }

  [[nodiscard]] bool has_curvature() const override { return true; }
  [[nodiscard]] bool is_convex() const override { return true; }

  void hessian_vector(std::size_t shard, Rows rows, View /*x*/, View v, MutView out) const override {
    check(rows.count(1) > 0, "the curvature of no rows was asked for");
    multiply(shard, v, out);
  }

  void start(MutView x) const override {
    fill(x, 0.0);
    x[0] = std::sqrt(static_cast<double>(d_));
  }

  [[nodiscard]] std::optional<Constants> constants(AllShards& /*all*/) const override {
    const auto ends = ends_of_spectrum();
    const auto eigenvalue = [&](double nu, double t) { return nu * t / 4 + shift_; };
    const auto largest = [&](double nu) {
      return std::max(std::abs(eigenvalue(nu, ends[0])), std::abs(eigenvalue(nu, ends[1])));
    };
    // The mean over i of |A_i v|^2 is convex in the eigenvalue t of T, so its maximum is at an end of the
    // spectrum.
    Vector squares(nu_.size());
    double mean_square = 0;
    for (const double t : ends) {
      std::transform(nu_.begin(), nu_.end(), squares.begin(),
                     [&](double nu) { return std::pow(eigenvalue(nu, t), 2); });
      mean_square = std::max(mean_square, mean(squares));
    }
    std::transform(nu_.begin(), nu_.end(), squares.begin(),
                   [&](double nu) { return std::pow(nu - mean_nu_, 2); });
    const double deviation = std::sqrt(mean(squares));

    Constants constants;
    constants.L_minus = largest(mean_nu_);
    constants.L_plus = std::sqrt(mean_square);
    constants.L_pm = deviation * ends[1] / 4;
    std::transform(nu_.begin(), nu_.end(), squares.begin(),
                   [&](double nu) { return std::pow(largest(nu), 2); });
    constants.L_tilde = std::sqrt(mean(squares));
    constants.L_max = std::sqrt(*std::max_element(squares.begin(), squares.end()));
    constants.L_sample = constants.L_tilde;  // one row a shard
    constants.mu = lambda_;
    const auto smallest = [&](double nu) {
      return std::min(eigenvalue(nu, ends[0]), eigenvalue(nu, ends[1]));
    };
    const double least = smallest(*std::min_element(
        nu_.begin(), nu_.end(), [&](double a, double b) { return smallest(a) < smallest(b); }));
    if (least > 0) constants.mu_min = least;
    constants.f_lower = minimum();
    return constants;
  }

 private:
  /// out = A x of a client; returns x'A x.
  double multiply(std::size_t shard, View x, MutView out) const {
    const double a = nu_[shard] / 4;
    const double diagonal = 2 * a + shift_;
    const std::size_t last = d_ - 1;
    // Computes x'A x while a block is in the cache. The first and the last coordinate have one neighbour.
    DotOfPieces product;
    for (std::size_t begin = 0; begin < d_; begin += kBlock) {
      const std::size_t end = std::min(begin + kBlock, d_);
      if (begin == 0) out[0] = diagonal * x[0] - (last > 0 ? a * x[1] : 0);
      for (std::size_t j = std::max<std::size_t>(begin, 1); j < std::min(end, last); ++j)
        out[j] = diagonal * x[j] - a * (x[j - 1] + x[j + 1]);
      if (end == d_ && last > 0) out[last] = diagonal * x[last] - a * x[last - 1];
      product.add(x.subspan(begin, end - begin), out.subspan(begin, end - begin));
    }
    return product.total();
  }

  /// The smallest and the largest eigenvalue of T.
  [[nodiscard]] std::array<double, 2> ends_of_spectrum() const {
    // 2 -+ 2 cos(angle). The first is computed without cancellation: it is about 1e-5 at d = 1000, and lambda
    // is 1e-6.
    const double half = std::numbers::pi / (2 * static_cast<double>(d_ + 1));
    return {4 * std::pow(std::sin(half), 2), 4 * std::pow(std::cos(half), 2)};
  }

  /// min f = -b'A^-1 b / 2 for the mean matrix and vector. As b = b_1 e_1, elimination from the last row
  /// upwards needs only the pivots: (A^-1)_11 = 1 / (last pivot).
  [[nodiscard]] double minimum() const {
    const double a = mean_nu_ / 4;
    const double diagonal = 2 * a + shift_;
    double pivot = diagonal;
    for (std::size_t j = 1; j < d_; ++j) pivot = diagonal - a * a / pivot;
    double b = 0;
    for (std::size_t i = 0; i < nu_.size(); ++i) b += nu_[i] / 4 * (beta_[i] - 1);
    b /= static_cast<double>(nu_.size());
    return -b * b / (2 * pivot);
  }

  std::size_t d_;
  double lambda_;
  Vector nu_, beta_;
  double mean_nu_ = 0;
  double shift_ = 0;
};

}  // namespace

Vector legacy_normals(std::uint32_t seed, std::size_t count) {
  std::mt19937 generator(seed);
  const auto uniform = [&] {
    const auto high = static_cast<double>(generator() >> 5);
    const auto low = static_cast<double>(generator() >> 6);
    return (high * 67108864.0 + low) / 9007199254740992.0;
  };
  Vector normals;
  normals.reserve(count + 1);
  while (normals.size() < count) {
    double v1 = 0, v2 = 0, radius = 0;
    do {
      v1 = 2.0 * uniform() - 1.0;
      v2 = 2.0 * uniform() - 1.0;
      radius = v1 * v1 + v2 * v2;
    } while (radius >= 1.0 || radius == 0.0);
    const double factor = std::sqrt(-2.0 * std::log(radius) / radius);
    normals.push_back(v2 * factor);
    normals.push_back(v1 * factor);
  }
  normals.resize(count);
  return normals;
}

std::unique_ptr<Problem> make_quadratic(const QuadraticOptions& options) {
  if (options.clients < 1) throw InputError("clients = 0; need clients >= 1");
  if (options.d < 1) throw InputError("d = 0; need d >= 1");
  if (!(options.s >= 0) || std::isinf(options.s)) {
    throw InputError(fmt::format("s = {}; need a finite s >= 0", options.s));
  }
  if (!(options.lambda > 0) || std::isinf(options.lambda)) {
    throw InputError(fmt::format("lambda = {}; need a finite lambda > 0", options.lambda));
  }
  return std::make_unique<Quadratic>(options);
}

}  // namespace laconic
