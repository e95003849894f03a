// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace laconic {

/// Bytes that a rank has sent to other ranks and received from them.
struct Traffic {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

}  // namespace laconic
