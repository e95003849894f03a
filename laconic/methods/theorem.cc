// SPDX-License-Identifier: Apache-2.0
#include "laconic/methods/theorem.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace laconic {

std::optional<double> bound_on_mean_gradient(const Theorem& theorem, double step, std::size_t rounds,
                                             double gap) {
  if (theorem.mean_gradient_factor == 0 || step > theorem.step || rounds == 0) return {};
  return theorem.mean_gradient_factor * gap / (step * static_cast<double>(rounds));
}

std::optional<double> bound_on_gap(const Theorem& theorem, double step, std::size_t rounds, double gap) {
  if (theorem.contraction == 0 || step > theorem.step) return {};
  return std::pow(1 - step * theorem.contraction, static_cast<double>(rounds)) * gap;
}

double memory_gain(double alpha) {
  const double root = std::sqrt(1 - alpha);
  return root * (1 + root) / alpha;  // accurate also for tiny alpha
}

Theorem gain_theorem(const Constants& c, const Gain& gain, std::string name, std::string step_rule) {
  return {.name = std::move(name),
          .step_rule = std::move(step_rule),
          .step = 1 / (c.L_minus + gain.error),
          .promise = kMeanGradient,
          .mean_gradient_factor = 2,
          .gain = gain};
}

Theorem gd_theorem(const Constants& c) {
  return gain_theorem(c, {.error = 0, .increments = c.L_minus},
                      "gradient descent on L-smooth functions (descent lemma)", "1 / L_minus");
}

std::optional<Theorem> under_pl(const Constants& c, const char* name, const char* step_rule,
                                double inverse_step, double p) {
  if (!c.mu || *c.mu <= 0) return {};
  return Theorem{.name = name,
                 .step_rule = step_rule,
                 .step = std::min(1 / inverse_step, p / (2 * *c.mu)),
                 .promise = kLinear,
                 .contraction = *c.mu};
}

}  // namespace laconic
