// SPDX-License-Identifier: Apache-2.0
// A random decision that all clients of a round share. Sending it costs at most one bit.
#pragma once

#include "laconic/core/rng.h"

namespace laconic {

/// Heads in round 0, and later with probability p, 0 < p <= 1: MARINA's c_k, and the coin by which VR-DIANA
/// moves its anchor. The result is the same for every client and on every process.
struct SharedCoin {
  double p = 1;
  std::uint32_t step = 0;  // of the address; Key::kDownlink: a coin of the server

  [[nodiscard]] bool heads(const Key& key) const {
    Key common = key.common();
    common.step = step;
    return key.round == 0 || common.stream(Purpose::coin).uniform() < p;
  }
};

}  // namespace laconic
