// SPDX-License-Identifier: Apache-2.0
// Requests to a running run, for instance by a signal.
#pragma once

#include <cstdint>

namespace laconic {

/// A larger value includes the smaller ones.
enum class Request : std::uint8_t {
  none,
  checkpoint,  // save one and continue
  interrupt,   // save one and end, on request of the user
  terminate,   // the same, on request of the system
};

}  // namespace laconic
