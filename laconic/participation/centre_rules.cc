// SPDX-License-Identifier: Apache-2.0
// Rules that move a centre z towards the vectors, a few times, with a small weight for distant ones.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "laconic/participation/aggregation_rules.h"

namespace laconic {
namespace {

std::vector<bool> usable(std::span<const View> vectors, std::size_t dim, ThreadPool& pool) {
  const Vector norms_sq = sums_of_blocks(dim, vectors.size(), pool, [&](Range range, MutView terms) {
    for (std::size_t i = 0; i < vectors.size(); ++i) terms[i] = norm_sq(part(vectors[i], range));
  });
  std::vector<bool> is(vectors.size());
  std::transform(norms_sq.begin(), norms_sq.end(), is.begin(), is_usable);
  return is;
}

/// Repeats `steps` times: move(range) moves the coordinates of z, for each block, then weigh(distances) is
/// called with |v_i - z| of all i, to change how the next move goes. A last move ends it. Each repetition is
/// one pass over the vectors.
template <class Move, class Weigh>
void move_centre(std::span<const View> vectors, std::size_t steps, ThreadPool& pool, View z, Move move,
                 Weigh weigh) {
  for (std::size_t step = 0; step < steps; ++step) {
    Vector distances = sums_of_blocks(z.size(), vectors.size(), pool, [&](Range range, MutView terms) {
      move(range);
      for (std::size_t i = 0; i < vectors.size(); ++i)
        terms[i] = distance_sq(part(vectors[i], range), part(z, range));
    });
    for (double& distance : distances) distance = std::sqrt(distance);
    weigh(distances);
  }
  for_each_block(z.size(), pool, [&](std::size_t /*b*/, Range range) { move(range); });
}

/// The smoothed Weiszfeld algorithm for the geometric median: z = the mean, then `steps` times
///   z <- sum_i b_i v_i / sum_i b_i,  b_i = 1 / max(|v_i - z|, nu)
/// (RFA: Pillutla, Kakade, Harchaoui, "Robust aggregation for federated learning", 2019, arXiv 1912.13445,
/// Algorithm 2). f vectors that move the mean far away keep some influence: each step divides it by about
/// n/f - 1.
class GeometricMedian final : public Aggregator {
 public:
  GeometricMedian(std::size_t clients, std::size_t steps, double nu)
      : Aggregator(clients), steps_(steps), nu_(nu) {}

 private:
  void combine(std::span<const View> vectors, const Key& /*common*/, ThreadPool& pool,
               std::span<Vector> /*memory*/, MutView out) const override {
    const std::vector<bool> counts = usable(vectors, out.size(), pool);
    if (std::find(counts.begin(), counts.end(), true) == counts.end())
      return fill(out, std::numeric_limits<double>::quiet_NaN());
    Vector weights(counts.begin(), counts.end());
    normalise(weights);
    move_centre(
        vectors, steps_, pool, out, [&](Range range) { add_up(vectors, weights, range, part(out, range)); },
        [&](const Vector& distances) {
          for (std::size_t i = 0; i < clients(); ++i)
            weights[i] = counts[i] ? 1 / std::max(distances[i], nu_) : 0;
          normalise(weights);
        });
  }

  static void normalise(Vector& weights) {
    double sum = 0;
    for (const double weight : weights) sum += weight;
    for (double& weight : weights) weight /= sum;
  }

  std::size_t steps_;
  double nu_;
};

/// Centred clipping (Karimireddy, He, Jaggi, "Learning from history for Byzantine robust optimization", ICML
/// 2021, arXiv 2012.10333): `steps` times
///   z <- z + (1/n) sum_i min(1, tau / |v_i - z|) (v_i - z),  with z of the last round at the start.
class CentredClipping final : public Aggregator {
 public:
  CentredClipping(std::size_t clients, std::size_t steps, double tau)
      : Aggregator(clients), steps_(steps), tau_(tau) {}
  std::size_t memory() const override { return 1; }

 private:
  void combine(std::span<const View> vectors, const Key& /*common*/, ThreadPool& pool,
               std::span<Vector> memory, MutView out) const override {
    const std::vector<bool> counts = usable(vectors, out.size(), pool);
    Vector& z = memory[0];
    Vector weights(clients(), 0.0);  // so the first move only measures the distances
    move_centre(
        vectors, steps_, pool, z,
        [&](Range range) {
          const MutView centre = part(MutView(z), range);
          double moved[kBlock] = {};
          for (std::size_t i = 0; i < clients(); ++i) {
            if (weights[i] == 0) continue;
            const View v = part(vectors[i], range);
            for (std::size_t j = 0; j < v.size(); ++j) moved[j] += weights[i] * (v[j] - centre[j]);
          }
          axpy(1, View(moved, centre.size()), centre);
        },
        [&](const Vector& distances) {
          for (std::size_t i = 0; i < clients(); ++i) {
            const double share = std::min(1.0, tau_ / distances[i]);
            weights[i] = counts[i] ? share / static_cast<double>(clients()) : 0;
          }
        });
    copy(z, out);
  }

  std::size_t steps_;
  double tau_;
};

}  // namespace

std::unique_ptr<Aggregator> make_rfa(Arguments& arguments, std::size_t clients) {
  const std::size_t steps = arguments.whole("steps", 8);
  const double nu = arguments.number_in("nu", 1e-6, kPositive);
  return std::make_unique<GeometricMedian>(clients, steps, nu);
}

std::unique_ptr<Aggregator> make_clip(Arguments& arguments, std::size_t clients) {
  const double tau = arguments.required_number_in("tau", kPositive, 0, "its tau is missing, as in clip(10)");
  const std::size_t steps = arguments.whole("steps", 3);
  return std::make_unique<CentredClipping>(clients, steps, tau);
}

}  // namespace laconic
