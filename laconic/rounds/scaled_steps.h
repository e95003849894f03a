// SPDX-License-Identifier: Apache-2.0
// The scale of local steps as a method keeps it (rounds/local.h): the diagonal D, when it is refreshed, and
// the statistics from which it is made.
#pragma once

#include <cstddef>
#include <memory>

#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/local/scaling.h"
#include "laconic/problem/oracle.h"

namespace laconic {

struct ScalingPlan {
  Scaling scaling;
  bool local = false;             // each client has its own D
  bool mean_of_squares = false;   // S^2 is the mean of the g_m^2, not the square of the mean
  std::size_t refresh = 1;        // q >= 1: after every q-th round
  bool refresh_at_start = true;   // otherwise D = 1 until the first refresh
  std::size_t start_probes = 10;  // >= 1: curvature probes at the start; their mean is the first D
  bool shared_probes = false;     // v_m is the same for all clients

  [[nodiscard]] double first() const { return refresh_at_start ? 0.0 : 1.0; }  // of all entries of D
  /// Whether D is updated after round t (0: at the start).
  [[nodiscard]] bool refreshes_after(std::size_t t) const {
    return t == 0 ? refresh_at_start : t % refresh == 0;
  }
  /// The number of updates before that of round t.
  [[nodiscard]] std::size_t refreshes_before(std::size_t t) const {
    return t == 0 ? 0 : (refresh_at_start ? 1 : 0) + (t - 1) / refresh;
  }
};

/// Scratch of statistic_of().
struct StatisticScratch {
  Vector statistic;
  Vector probe;
  Vector product;
};

/// The statistic of client key.client at x, in the scratch: the curvature along random signs, the gradient,
/// or its square (if the squares are taken before the mean, or no mean is taken). `before`: the number of
/// updates of D so far. key.step is the first step with unused draws. Adds to `calls` the gradients that
/// it costs.
View statistic_of(const ScalingPlan& plan, const Oracle& oracle, Key key, View x, std::size_t before,
                  std::size_t& calls, StatisticScratch& scratch);

}  // namespace laconic
