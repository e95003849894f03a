// SPDX-License-Identifier: Apache-2.0
// A problem of one's own: a line through points of which some are wild, by a loss that hardly minds them.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>

#include "laconic/laconic.h"
using namespace laconic;

/// f_i(x) = mean over the rows (a, b) of client i of sqrt(1 + (a'x - b)^2) - 1, the pseudo-Huber loss. |a| =
/// 1.
class RobustRegression final : public Problem {
 public:
  RobustRegression(std::size_t clients, std::size_t rows, View truth)
      : dim_(truth.size()), clients_(clients), rows_(rows) {
    std::mt19937 generator(1);
    std::normal_distribution<double> normal;
    for (std::size_t row = 0; row < clients * rows; ++row) {
      Vector a(dim_);
      for (double& entry : a) entry = normal(generator);
      scale(1 / std::sqrt(norm_sq(a)), a);
      const bool wild = row % 10 == 0;
      labels_.push_back(wild ? 100 : dot(a, truth) + 0.01 * normal(generator));
      features_.insert(features_.end(), a.begin(), a.end());
    }
  }

  std::size_t dim() const override { return dim_; }
  std::size_t shards() const override { return clients_; }
  std::size_t rows(std::size_t) const override { return rows_; }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    fill(g, 0.0);
    const std::size_t count = rows.all ? rows_ : rows.list.size();
    const double weight = 1 / static_cast<double>(count);
    double value = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t row = shard * rows_ + (rows.all ? k : rows.list[k]);
      const View a = View(features_).subspan(row * dim_, dim_);
      const double residual = dot(a, x) - labels_[row];
      const double root = std::sqrt(1 + residual * residual);
      value += weight * (root - 1);
      axpy(weight * residual / root, a, g);
    }
    return {.value = value};
  }

  /// The loss curves by 1 at most and |a| = 1: no gradient, of one row or of many, changes faster than x.
  std::optional<Constants> constants(AllShards&) const override {
    return Constants{.L_minus = 1,
                     .L_plus = 1,
                     .L_pm = 1,
                     .L_tilde = 1,
                     .L_max = 1,
                     .L_sample = 1,
                     .mu = {},
                     .f_lower = 0};
  }

 private:
  std::size_t dim_, clients_, rows_;
  Vector features_, labels_;
};

int main() {
  ThreadPool pool(2);
  Fleet fleet(pool);
  const Vector truth = {3, -1, 4, 1, -5, 9, 2, -6, 5, 3};
  const RobustRegression problem(20, 200, truth);
  const Assembly assembly =
      assemble(parse("marina(rand-k(2))"), {.problem = problem, .constants = problem.constants(fleet)});
  const auto method = assembly.build(resolve(parse_step("theory"), assembly));
  MemoryRecorder trace;
  const Summary summary = solve(problem, *method, fleet, {.rounds = 5000, .target = 1e-8}, trace);

  double error = 0;
  for (std::size_t j = 0; j < truth.size(); ++j)
    error = std::max(error, std::abs(method->point()[j] - truth[j]));
  std::printf("%s after %zu rounds; largest error of a coordinate %.3f\n", summary.reason.c_str(),
              summary.rounds, error);
  return summary.why == Summary::Why::target && error < 0.1 ? 0 : 1;
}
