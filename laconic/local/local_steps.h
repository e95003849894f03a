// SPDX-License-Identifier: Apache-2.0
// Local steps: what a node does by itself between two rounds of talking.
#pragma once

#include <cstddef>

#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/problem/oracle.h"

namespace laconic {

/// y_0 = x, then for k = 0 .. steps-1: g = g(y) drawn at key.step = k, and step(k, from, g, y), which goes
/// from y_k, the view `from`, to y_{k+1}, in place but for the first; it may change g.
template <class Step>
void take_local_steps(const Oracle& oracle, Key key, std::size_t steps, View x, MutView y, Vector& g,
                      Step&& step) {
  g.resize(y.size());
  for (std::size_t k = 0; k < steps; ++k) {
    key.step = static_cast<std::uint32_t>(k);
    const View from = k == 0 ? x : View(y);
    oracle.gradient(key, from, g);
    step(k, from, g, y);
  }
}

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

/// y_0 = x, then K times y <- y - eta_c (g(y) + c); c empty: 0. The sample h is (1/K) sum g, the first g or the
/// last one. Cost: K gradients, and a pass over vectors for each; two for a mean.
inline void local_steps(const Oracle& oracle, const Key& key, const LocalPlan& plan, View correction, View x,
                        MutView y, Sample sample, LocalScratch& scratch) {
  if (plan.steps == 1) sample = Sample::last;  // the same, without a sum
  scratch.sample.resize(y.size());
  if (sample == Sample::mean) fill(scratch.sample, 0.0);
  const View c = correction;
  take_local_steps(oracle, key, plan.steps, x, y, scratch.gradient,
                   [&](std::size_t k, View from, View g, MutView to) {
                     for (std::size_t j = 0; j < to.size(); ++j)
                       to[j] = from[j] - plan.step * (c.empty() ? g[j] : g[j] + c[j]);
                     if (sample == Sample::mean)
                       axpy(1.0 / static_cast<double>(plan.steps), g, scratch.sample);
                     if (sample == Sample::first && k == 0) copy(g, scratch.sample);
                   });
  if (sample == Sample::last) scratch.sample.swap(scratch.gradient);
}

}  // namespace laconic
