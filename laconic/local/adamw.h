// SPDX-License-Identifier: Apache-2.0
// AdamW (Loshchilov, Hutter 2019, arXiv 1711.05101, Algorithm 2, no schedule): Adam with decoupled weight
// decay.
#pragma once

#include <cstddef>

#include "laconic/core/vec.h"

namespace laconic {

struct AdamW {
  double beta1 = 0.9;    // 0 <= beta1 < 1
  double beta2 = 0.999;  // 0 <= beta2 < 1
  double epsilon = 1e-8;
  double decay = 0;  // >= 0

  /// The t-th step, t = 1, 2, ..., of length gamma, by the gradient g; elementwise, `to` may be `from`:
  ///   m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2
  ///   to = from - gamma ((m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) + decay from)
  void step(std::size_t t, double gamma, View g, MutView m, MutView v, View from, MutView to) const;
};

}  // namespace laconic
