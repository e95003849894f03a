// SPDX-License-Identifier: Apache-2.0
// The sum of many messages.
#pragma once

#include <cstdint>
#include <span>

#include "laconic/core/parallel.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"
#include "laconic/message/sign_count.h"

namespace laconic {

/// A message, the key it was encoded with, and its weight in a sum.
struct Addend {
  Key key;
  std::span<const std::uint8_t> message;
  double weight = 0;
};

/// acc += the sum of weight * (the message's vector), with the same bits as one decode_add after another. The
/// sum of consecutive messages of signs is computed tile by tile of coordinates, so that acc is read and
/// written once; the threads share the tiles.
///
/// One kind of message is added differently, with other rounding: signs with a scale that every process knows
/// (c = a bound, or 1) and with the same weight as the first of them. These are counted, and enter the sum
/// last, when the caller settles `counted`. So a sum may be computed in several calls, with any messages in
/// each.
void decode_add_all(std::span<const Addend> sum, SignCount& counted, ThreadPool& pool, MutView acc);

}  // namespace laconic
