// SPDX-License-Identifier: Apache-2.0
// Many messages added up at once.
#pragma once

#include <cstdint>
#include <span>

#include "laconic/core/parallel.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"
#include "laconic/message/sign_count.h"

namespace laconic {

/// A message, the key it was encoded with, and how it counts in a sum.
struct Addend {
  Key key;
  std::span<const std::uint8_t> message;
  double weight = 0;
};

/// acc += the sum of weight * (what each message says), to the bit as one decode_add after another. Of
/// consecutive messages of signs the sum is made a tile of coordinates at a time, and acc read and written
/// once; the threads share the tiles.
///
/// Other bits have the messages of signs with a multiple that all know (c = a bound, or 1) and with the
/// weight of the first of them: they are counted, and come last, when the caller settles `counted`. So a sum
/// may be made in several calls, whatever messages each of them has.
void decode_add_all(std::span<const Addend> sum, SignCount& counted, ThreadPool& pool, MutView acc);

}  // namespace laconic
