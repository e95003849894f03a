// SPDX-License-Identifier: Apache-2.0
// Local steps: what a node does by itself between two rounds of talking.
#pragma once

#include <cstddef>

#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/problem/oracle.h"

namespace laconic {

struct LocalPlan {
  std::size_t steps = 1;  // K >= 1
  double step = 0;        // eta_c
};

/// Which gradient stands for the K of a round.
enum class Sample { mean, first, last };

/// Where local_steps() works; kept by the caller, so that a round allocates nothing.
struct LocalScratch {
  Vector gradient;
  Vector sample;  // on return h, the gradient that stands for the round's
};

/// y = x - eta (g + c), where y may be x; c empty: 0.
inline void corrected_step(View x, double eta, View g, View c, MutView y) {
  for (std::size_t j = 0; j < y.size(); ++j) y[j] = x[j] - eta * (c.empty() ? g[j] : g[j] + c[j]);
}

/// y_0 = x, then K times y <- y - eta_c (g(y) + c), with the gradient of step k drawn at key.step = k; c empty:
/// 0. The sample h is (1/K) sum g, the first g or the last one. Cost: K gradients, and a pass over vectors for
/// each; two for a mean.
inline void local_steps(const Oracle& oracle, Key key, const LocalPlan& plan, View correction, View x,
                        MutView y, Sample sample, LocalScratch& scratch) {
  if (plan.steps == 1) sample = Sample::last;  // the same, without a sum
  scratch.gradient.resize(y.size());
  scratch.sample.resize(y.size());
  if (sample == Sample::mean) fill(scratch.sample, 0.0);
  for (std::size_t k = 0; k < plan.steps; ++k) {
    key.step = static_cast<std::uint32_t>(k);
    const View from = k == 0 ? x : View(y);
    oracle.gradient(key, from, scratch.gradient);
    corrected_step(from, plan.step, scratch.gradient, correction, y);
    if (sample == Sample::mean) axpy(1.0 / static_cast<double>(plan.steps), scratch.gradient, scratch.sample);
    if (sample == Sample::first && k == 0) copy(scratch.gradient, scratch.sample);
  }
  if (sample == Sample::last) scratch.sample.swap(scratch.gradient);
}

}  // namespace laconic
