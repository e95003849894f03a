// SPDX-License-Identifier: Apache-2.0
// A user-defined problem: the point with the smallest mean distance to many others, which is robust to
// outliers.
#include <cmath>
#include <cstdio>

#include "laconic/laconic.h"
using namespace laconic;

/// f_i(x) = mean over the points a of client i of sqrt(1 + |x - a|^2), a smooth distance.
class Median final : public Problem {
 public:
  explicit Median(std::vector<std::vector<Vector>> points) : points_(std::move(points)) {}
  std::size_t dim() const override { return points_[0][0].size(); }
  std::size_t shards() const override { return points_.size(); }
  std::size_t rows(std::size_t shard) const override { return points_[shard].size(); }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    fill(g, 0.0);
    double value = 0;
    const std::size_t count = rows.all ? points_[shard].size() : rows.list.size();
    for (std::size_t k = 0; k < count; ++k) {
      Vector away(x.begin(), x.end());
      axpy(-1, points_[shard][rows.all ? k : rows.list[k]], away);
      const double distance = std::sqrt(1 + norm_sq(away));
      value += distance / static_cast<double>(count);
      axpy(1 / (distance * static_cast<double>(count)), away, g);
    }
    return {.value = value};
  }
  /// No constants, so the user must give steps as numbers.
  std::optional<Constants> constants(AllShards&) const override { return {}; }

 private:
  std::vector<std::vector<Vector>> points_;
};

int main() {
  // Two points of each client lie opposite to each other around (3, -1, 4); the third is an outlier.
  const Median problem({{{4, -1, 4}, {2, -1, 4}, {900, 0, 0}}, {{3, 1, 4}, {3, -3, 4}, {-900, -2, 8}}});
  ThreadPool pool(2);
  Fleet fleet(pool);
  const auto method = make_method(assemble(parse("marina(rand-k(1))"), {.problem = problem}), 0.5);
  MemoryRecorder trace;
  const Summary summary = solve(problem, *method, fleet, {.rounds = 5000, .target = 1e-8}, trace);
  const View x = method->point();
  std::printf("%s: (%.3f, %.3f, %.3f)\n", summary.reason.c_str(), x[0], x[1], x[2]);
  return std::abs(x[0] - 3) + std::abs(x[1] + 1) + std::abs(x[2] - 4) < 0.1 ? 0 : 1;
}
