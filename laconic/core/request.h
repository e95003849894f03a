// SPDX-License-Identifier: Apache-2.0
// What a run is asked for while it goes on, by a signal for instance.
#pragma once

#include <cstdint>

namespace laconic {

/// A larger one includes a smaller one.
enum class Request : std::uint8_t {
  none,
  checkpoint,  // save one and go on
  interrupt,   // save one and end, for the user
  terminate,   // the same, for the system
};

}  // namespace laconic
