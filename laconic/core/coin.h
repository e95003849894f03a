// SPDX-License-Identifier: Apache-2.0
// A decision that all workers of a round share, and that costs at most a bit to say.
#pragma once

#include "laconic/core/rng.h"

namespace laconic {

/// Heads at the start (round 0), then with probability p, 0 < p <= 1: MARINA's c_k, and the coin by which
/// VR-DIANA moves its anchor. The same answer for every worker, whoever asks.
struct SharedCoin {
  double p = 1;

  [[nodiscard]] bool heads(const Key& key) const {
    return key.round == 0 || key.common().stream(Purpose::coin).uniform() < p;
  }
};

}  // namespace laconic
