// SPDX-License-Identifier: Apache-2.0
// Local steps: the steps of a node between two rounds of communication.
#pragma once

#include <cstddef>
#include <utility>

#include "laconic/core/range.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/problem/oracle.h"

namespace laconic {

/// The steps k = begin .. end-1 of a round: draws g = g(y) at key.step = k, and calls step(k, from, g, y).
/// This step moves y from y_k, the view `from`, to y_{k+1}. `from` is x for the first of them and y itself
/// after that; x may be y. step() may change g. Without steps, y stays as it is.
template <class Step>
void take_local_steps(const Oracle& oracle, Key key, Range steps, View x, MutView y, Vector& g, Step&& step) {
  g.resize(y.size());
  for (std::size_t k = steps.begin; k < steps.end; ++k) {
    key.step = static_cast<std::uint32_t>(k);
    const View from = k == steps.begin ? x : View(y);
    oracle.gradient(key, from, g);
    step(k, from, g, y);
  }
}

/// All steps of a round, from y_0 = x.
template <class Step>
void take_local_steps(const Oracle& oracle, const Key& key, std::size_t steps, View x, MutView y, Vector& g,
                      Step&& step) {
  take_local_steps(oracle, key, Range{0, steps}, x, y, g, std::forward<Step>(step));
}

struct LocalPlan {
  std::size_t steps = 1;  // K >= 1
  double step = 0;        // eta_c
};

/// Which gradient represents the K gradients of a round.
enum class Sample { mean, first, last };

/// Scratch of local_steps(). The caller keeps it, so that a round allocates no memory.
struct LocalScratch {
  Vector gradient;
  Vector sample;  // on return h, the gradient that represents the round's
};

/// y_0 = x, then K times y <- y - eta_c (g(y) + c); an empty c counts as 0. The sample h is (1/K) sum g, the
/// first g or the last g. Cost: K gradients, each with one pass over vectors; two passes for the mean.
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

/// y <- x + eta_s (y - x)
inline void move_from(View x, double eta_s, MutView y) {
  if (eta_s == 1) return;
  for (std::size_t k = 0; k < y.size(); ++k) y[k] = x[k] + eta_s * (y[k] - x[k]);
}

}  // namespace laconic
