// SPDX-License-Identifier: Apache-2.0
#include "laconic/methods/theorem.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

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

std::optional<Theorem> tight_theorem(const Constants& c, double alpha, std::string promise) {
  if (!c.mu_min || *c.mu_min <= 0) return {};
  const double L = c.L_max;
  const double mu = *c.mu_min;
  const double e = std::sqrt(1 - alpha);
  const double step = 2 / (L + mu) * (1 - e) / (1 + e);
  const double gap = L - mu;
  const double lambda =
      step / (L + mu) *
      ((1 - e) * gap + (1 + e) * std::sqrt(gap * gap + 16 * L * mu * e / ((1 + e) * (1 + e))));
  const double rate = e + (1 + e) * gap * lambda / 4;
  return Theorem{.name = "the tight step on strongly convex functions (arXiv 2506.05271)",
                 .step_rule = "2 / (L_max + mu_min) (1 - sqrt(1 - alpha)) / (1 + sqrt(1 - alpha))",
                 .step = step,
                 .promise = fmt::format("{} contracts by {:.6g} in each round", promise, rate)};
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
