// SPDX-License-Identifier: Apache-2.0
#include "laconic/local/adamw.h"

#include <cmath>

#include "laconic/core/power.h"

namespace laconic {

void AdamW::step(std::size_t t, double gamma, View g, MutView m, MutView v, View from, MutView to) const {
  const double first = 1 - power(beta1, t);
  const double second = 1 - power(beta2, t);
  for (std::size_t j = 0; j < to.size(); ++j) {
    m[j] = beta1 * m[j] + (1 - beta1) * g[j];
    v[j] = beta2 * v[j] + (1 - beta2) * g[j] * g[j];
    to[j] = from[j] - gamma * (m[j] / first / (std::sqrt(v[j] / second) + epsilon) + decay * from[j]);
  }
}

}  // namespace laconic
