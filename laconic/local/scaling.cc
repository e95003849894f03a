// SPDX-License-Identifier: Apache-2.0
#include "laconic/local/scaling.h"

#include <algorithm>
#include <cmath>

#include "laconic/core/power.h"

namespace laconic {
namespace {

Blend keeping(double share) { return {share, 1 - share}; }

Blend adam(double beta, std::size_t t) {
  const double forgotten = power(beta, t + 1);
  return keeping((beta - forgotten) / (1 - forgotten));
}
Blend rmsprop(double beta, std::size_t /*t*/) { return keeping(beta); }
Blend adagrad(double /*beta*/, std::size_t /*t*/) { return {1, 1}; }
Blend oasis(double beta, std::size_t t) { return keeping(t == 0 ? 0 : beta); }

constexpr ScalingRow kScalings[] = {
    {"adam", false, 0.999, adam},
    {"rmsprop", false, 0.99, rmsprop},
    {"adagrad", false, 0, adagrad},
    {"oasis", true, 0.95, oasis},
};

}  // namespace

std::span<const ScalingRow> scalings() { return kScalings; }

void Scaling::update(std::size_t t, View statistic, MutView D) const {
  const auto [keep, take] = row->blend(beta, t);
  if (row->curvature) {
    for (std::size_t j = 0; j < D.size(); ++j) D[j] = keep * D[j] + take * statistic[j];
  } else {
    for (std::size_t j = 0; j < D.size(); ++j)
      D[j] = std::sqrt(keep * D[j] * D[j] + take * std::max(statistic[j], 0.0));
  }
}

void Scaling::clip(View D, MutView s) const {
  for (std::size_t j = 0; j < s.size(); ++j) s[j] = std::max(alpha, std::abs(D[j]));
}

}  // namespace laconic
