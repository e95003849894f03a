// SPDX-License-Identifier: Apache-2.0
// Dense messages can be cut: the values of some consecutive coordinates are themselves a dense message, for a
// shorter vector. So the work of adding many long messages can be shared by coordinates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "laconic/core/range.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"

namespace laconic {

/// Bytes of one value of a dense message, by the message's first byte; 0 where that begins a
/// message of another format.
std::size_t dense_value_bytes(std::uint8_t first_byte);

/// The bytes of a dense message for so many coordinates.
constexpr std::size_t dense_bytes(std::size_t coordinates, std::size_t value_bytes) {
  return 1 + coordinates * value_bytes;
}

/// Writes the dense message that says the given coordinates of `dense`, dense_bytes() long; returns the first
/// byte not written.
std::uint8_t* cut_dense(const Message& dense, Range coordinates, std::uint8_t* to);

/// A message and how it counts in a sum.
struct Summand {
  const Message* message = nullptr;
  double weight = 0;
};

/// acc += the sum of weight * (what the message says of these coordinates), of which acc has those alone. The
/// bits of as many decode_add, one after another; acc is read and written once. The messages are dense and of
/// one width.
void add_slices(std::span<const Summand> sum, Range coordinates, MutView acc);
/// acc = the sum: the same, where acc held zeros.
void sum_slices(std::span<const Summand> sum, Range coordinates, MutView acc);

}  // namespace laconic
