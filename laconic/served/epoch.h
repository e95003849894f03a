// SPDX-License-Identifier: Apache-2.0
// Shared by both sides of a served star: the checks of an epoch's method, and the time.
#pragma once

#include <chrono>

#include "laconic/core/error.h"
#include "laconic/served/served.h"

namespace laconic {

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
