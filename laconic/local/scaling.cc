// SPDX-License-Identifier: Apache-2.0
#include "laconic/local/scaling.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace laconic {
namespace {

constexpr ScalingRow kScalings[] = {
    {"adam", "squared gradients, a mean over the past without a bias at the start", false, 0.999},
    {"rmsprop", "squared gradients, a mean over the past", false, 0.99},
    {"adagrad", "squared gradients, their sum", false, 0},
    {"oasis", "Hutchinson's estimate of the Hessian's diagonal, a mean over the past", true, 0.95},
};

}  // namespace

std::span<const ScalingRow> scalings() { return kScalings; }

void Scaling::update(std::size_t t, View statistic, MutView D) const {
  const std::string_view name = row->name;
  if (row->curvature) {
    const double keep = t == 0 ? 0 : beta;
    for (std::size_t j = 0; j < D.size(); ++j) D[j] = keep * D[j] + (1 - keep) * statistic[j];
    return;
  }
  double keep = beta;
  double take = 1 - beta;
  if (name == "adagrad") keep = take = 1;
  if (name == "adam") {
    const double power = std::pow(beta, static_cast<double>(t + 1));
    keep = (beta - power) / (1 - power);
    take = 1 - keep;
  }
  for (std::size_t j = 0; j < D.size(); ++j)
    D[j] = std::sqrt(keep * D[j] * D[j] + take * std::max(statistic[j], 0.0));
}

void Scaling::clip(View D, MutView s) const {
  for (std::size_t j = 0; j < s.size(); ++j) s[j] = std::max(alpha, std::abs(D[j]));
}

}  // namespace laconic
