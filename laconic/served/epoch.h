// SPDX-License-Identifier: Apache-2.0
// Shared by both sides of a served star: the keys and checks of an epoch.
#pragma once

#include <chrono>
#include <cstdint>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"
#include "laconic/served/letters.h"
#include "laconic/served/served.h"

namespace laconic {

/// The key of the draws in the order's round.
inline Key key_of(std::uint64_t seed, const Order& order) {
  const std::uint64_t of_epoch =
      order.epoch == 0 ? seed : Key{.seed = seed, .round = order.epoch}.stream(Purpose::epoch).next64();
  return {of_epoch, order.round - order.start};
}

/// Returns the method after checks: std::logic_error if a part is missing or a served star cannot use it.
inline EpochMethod checked(EpochMethod method) {
  check(method.problem != nullptr, "a served star needs a problem");
  require_parts(*method.problem, method.parts);
  check(!method.parts.anchor, "a served star has no anchor");
  check(method.parts.downlink.kind == DownlinkPlan::Kind::direction, "a served star sends its point whole");
  return method;
}

using RealTime = std::chrono::steady_clock;

inline double seconds_since(RealTime::time_point begin) {
  return std::chrono::duration<double>(RealTime::now() - begin).count();
}

}  // namespace laconic
