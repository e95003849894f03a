// SPDX-License-Identifier: Apache-2.0
#include "laconic/methods/theory.h"

#include <algorithm>
#include <cmath>

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

Theorem gd_theorem(const Constants& c) {
  return {.name = "gradient descent on L-smooth functions (descent lemma)",
          .step_rule = "1 / L_minus",
          .step = 1 / c.L_minus,
          .promise = kMeanGradient,
          .mean_gradient_factor = 2};
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
