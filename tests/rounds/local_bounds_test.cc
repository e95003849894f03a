// SPDX-License-Identifier: Apache-2.0
// Bounds of local steps with fixed scales on quadratics: "Tighter Theory for Local SGD on Identical and
// Heterogeneous Data" (Khaled, Mishchenko, Richtarik 2020, arXiv 1909.04746) in the coordinates defined by
// the scales. The scales s are those that OASIS computes at the start, clipped: alpha = min s, Gamma = max s.
// T is the number of local steps, H of them a round; M is the number of clients; L and mu are those of the
// worst client.
#include <algorithm>
#include <cmath>

#include "tests/support.h"

namespace laconic::testing {
namespace {

constexpr std::size_t kClients = 4;
constexpr std::size_t kDim = 8;
constexpr double kStart = 30;   // so far that a method that stays there violates the bounds
constexpr double kAlpha = 0.2;  // clips some of the scales

/// f_m(x) = 1/2 sum_j h_mj (x_j - b_mj)^2 with noisy gradients. Records the sum of the points at which
/// gradients are computed.
class Diagonal final : public Problem {
 public:
  Diagonal(double smallest, bool identical, double sigma)
      : h_(kClients, Vector(kDim)), b_(kClients, Vector(kDim)), sigma_(sigma), sums_(kClients, Vector(kDim)) {
    for (std::size_t m = 0; m < kClients; ++m) {
      for (std::size_t j = 0; j < kDim; ++j) {
        const double even =
            j == 0 ? smallest : std::pow(0.1, 1.5 * (1 - static_cast<double>(j) / (kDim - 1)));
        h_[m][j] = even * (identical ? 1 : 0.5 + static_cast<double>((m + j) % kClients) / (kClients - 1));
        b_[m][j] = identical ? 1 : std::cos(static_cast<double>(3 * m + j));
      }
    }
  }
  std::size_t dim() const override { return kDim; }
  std::size_t shards() const override { return kClients; }
  std::size_t rows(std::size_t) const override { return 1; }
  std::optional<Constants> constants(AllShards&) const override { return {}; }
  double noise() const override { return sigma_; }
  void start(MutView x) const override { fill(x, kStart); }
  Measured value_gradient(std::size_t m, Rows, View x, MutView g) const override {
    axpy(1, x, sums_[m]);
    ++asked_;
    double f = 0;
    for (std::size_t j = 0; j < kDim; ++j) {
      g[j] = h_[m][j] * (x[j] - b_[m][j]);
      f += g[j] * (x[j] - b_[m][j]) / 2;
    }
    return {.value = f};
  }
  bool has_curvature() const override { return true; }
  void hessian_vector(std::size_t m, Rows, View, View v, MutView out) const override {
    for (std::size_t j = 0; j < kDim; ++j) out[j] = h_[m][j] * v[j];
  }

  [[nodiscard]] double h(std::size_t j) const {  // of the mean function
    double sum = 0;
    for (const Vector& own : h_) sum += own[j];
    return sum / kClients;
  }
  [[nodiscard]] double s(std::size_t j) const { return std::max(kAlpha, h(j)); }
  [[nodiscard]] double Gamma() const {
    double largest = 0;
    for (std::size_t j = 0; j < kDim; ++j) largest = std::max(largest, s(j));
    return largest;
  }
  [[nodiscard]] double L() const {
    double largest = 0;
    for (const Vector& own : h_) largest = std::max(largest, *std::max_element(own.begin(), own.end()));
    return largest;
  }
  [[nodiscard]] Vector solution() const {
    Vector x(kDim, kStart);  // in flat coordinates, the solution nearest to the start
    for (std::size_t j = 0; j < kDim; ++j) {
      double sum = 0;
      for (std::size_t m = 0; m < kClients; ++m) sum += h_[m][j] * b_[m][j] / kClients;
      if (h(j) > 0) x[j] = sum / h(j);
    }
    return x;
  }
  /// The mean function minus its minimum.
  [[nodiscard]] double gap(View x) const {
    const Vector least = solution();
    double sum = 0;
    for (std::size_t j = 0; j < kDim; ++j) sum += h(j) * (x[j] - least[j]) * (x[j] - least[j]) / 2;
    return sum;
  }
  /// (1/M) sum_m E|g_m(x*)|^2
  [[nodiscard]] double sigma_dif_sq() const {
    const Vector least = solution();
    double sum = sigma_ * sigma_;
    for (std::size_t m = 0; m < kClients; ++m) {
      for (std::size_t j = 0; j < kDim; ++j) sum += std::pow(h_[m][j] * (least[j] - b_[m][j]), 2) / kClients;
    }
    return sum;
  }
  /// The mean over clients and local steps of the points at which gradients are computed.
  [[nodiscard]] Vector average() const {
    Vector sum(kDim);
    for (const Vector& own : sums_) axpy(1.0 / static_cast<double>(asked_), own, sum);
    return sum;
  }

 private:
  std::vector<Vector> h_, b_;
  double sigma_;
  mutable std::vector<Vector> sums_;  // of the points
  mutable std::size_t asked_ = 0;
};

/// The last point of a run with steps of gamma / s.
Vector run(const Diagonal& problem, std::size_t H, double gamma, std::size_t T, std::uint64_t seed) {
  ThreadPool pool(1);
  Fleet fleet(pool);
  const std::string method = fmt::format("savic(oasis, steps={}, refresh=1000000, alpha={})", H, kAlpha);
  const Experiment experiment = experiment_on(
      problem, {.method = method, .step = fmt::format("{}", gamma), .seed = seed, .wire = Wire::f64});
  const auto local = experiment.make_method();
  local->start(fleet, nullptr);
  for (std::size_t t = 1; t <= T / H; ++t) local->round(fleet, t, nullptr);
  return {local->point().begin(), local->point().end()};
}

double distance_sq(const Diagonal& problem, View x, bool scaled) {
  const Vector least = problem.solution();
  double sum = 0;
  for (std::size_t j = 0; j < kDim; ++j)
    sum += (scaled ? problem.s(j) : 1) * (x[j] - least[j]) * (x[j] - least[j]);
  return sum;
}

constexpr std::size_t kSeeds = 5;

/// The measured value obeys the bound, and the value at the start violates it.
void expect_bounded(double measured, double at_start, double bound) {
  EXPECT_LE(measured, bound);
  EXPECT_GT(at_start, bound);
}

TEST(LocalBounds, StronglyConvexAndIdentical) {  // (a)
  constexpr double mu = 0.03, sigma = 2;
  for (const std::size_t H : {std::size_t{1}, std::size_t{5}, std::size_t{20}}) {
    for (const std::size_t T : {4000 * H, 8000 * H}) {
      SCOPED_TRACE(fmt::format("H = {}, T = {}", H, T));
      const Diagonal problem(mu, true, sigma);
      const double L = problem.L(), Gamma = problem.Gamma();
      const double gamma = kAlpha / (4 * L);
      double mean = 0;
      for (std::size_t seed = 1; seed <= kSeeds; ++seed)
        mean += distance_sq(problem, run(problem, H, gamma, T, seed), true) / kSeeds;
      const Vector start(kDim, kStart);
      const double first =
          std::pow(1 - gamma * mu / Gamma, static_cast<double>(T)) * distance_sq(problem, start, true);
      const double noise = gamma * sigma * sigma * Gamma / (kAlpha * mu * kClients);
      const double drift =
          2 * L * Gamma * gamma * gamma * static_cast<double>(H - 1) * sigma * sigma / (kAlpha * kAlpha * mu);
      expect_bounded(mean, distance_sq(problem, start, true), first + noise + drift);
    }
  }
}

TEST(LocalBounds, ConvexAndIdentical) {  // (b)
  constexpr double sigma = 2;
  for (const std::size_t H : {std::size_t{1}, std::size_t{5}, std::size_t{20}}) {
    for (const std::size_t T : {4000 * H, 8000 * H}) {
      SCOPED_TRACE(fmt::format("H = {}, T = {}", H, T));
      double mean = 0, bound = 0, at_start = 0;
      for (std::size_t seed = 1; seed <= kSeeds; ++seed) {
        const Diagonal problem(0, true, sigma);
        const double L = problem.L();
        const double gamma = kAlpha / (4 * L);
        run(problem, H, gamma, T, seed);
        mean += problem.gap(problem.average()) / kSeeds;
        at_start = problem.gap(Vector(kDim, kStart));
        const double first = distance_sq(problem, Vector(kDim, kStart), false);
        bound = 2 * problem.Gamma() * first / (gamma * static_cast<double>(T)) +
                2 * gamma * sigma * sigma / (kAlpha * kClients) +
                4 * gamma * gamma * L * static_cast<double>(H - 1) * sigma * sigma / (kAlpha * kAlpha);
      }
      expect_bounded(mean, at_start, bound);
    }
  }
}

TEST(LocalBounds, ConvexAndHeterogeneous) {  // (c)
  constexpr double sigma = 2;
  for (const std::size_t H : {std::size_t{1}, std::size_t{5}, std::size_t{20}}) {
    for (const std::size_t T : {4000 * H, 8000 * H}) {
      SCOPED_TRACE(fmt::format("H = {}, T = {}", H, T));
      double mean = 0, bound = 0, at_start = 0;
      for (std::size_t seed = 1; seed <= kSeeds; ++seed) {
        const Diagonal problem(0, false, sigma);
        const double L = problem.L(), drift = static_cast<double>(H - 1);
        const double gamma = H == 1 ? kAlpha / (4 * L) : std::min(kAlpha / (4 * L), kAlpha / (8 * L * drift));
        run(problem, H, gamma, T, seed);
        mean += problem.gap(problem.average()) / kSeeds;
        at_start = problem.gap(Vector(kDim, kStart));
        const double first = distance_sq(problem, Vector(kDim, kStart), false);
        bound = 4 * problem.Gamma() * first / (gamma * static_cast<double>(T)) +
                20 * gamma * problem.sigma_dif_sq() / (kAlpha * kClients) +
                16 * gamma * gamma * L * drift * drift * problem.sigma_dif_sq() / (kAlpha * kAlpha);
      }
      expect_bounded(mean, at_start, bound);
    }
  }
}

}  // namespace
}  // namespace laconic::testing
