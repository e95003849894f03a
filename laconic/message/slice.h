// SPDX-License-Identifier: Apache-2.0
// Dense messages can be sliced: the values of consecutive coordinates are themselves a dense message for a
// shorter vector. So the addition of many long messages can be divided by coordinates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "laconic/core/range.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"

namespace laconic {

/// Bytes of one value of a dense message, from the message's first byte. 0 if the message has another format.
std::size_t dense_value_bytes(std::uint8_t first_byte);

/// The length in bytes of a dense message with this number of coordinates.
constexpr std::size_t dense_bytes(std::size_t coordinates, std::size_t value_bytes) {
  return 1 + coordinates * value_bytes;
}

/// Writes the dense message with these coordinates of `dense`, of dense_bytes() bytes. Returns a pointer just
/// past the last byte written.
std::uint8_t* cut_dense(const Message& dense, Range coordinates, std::uint8_t* to);

/// A message and its weight in a sum.
struct Summand {
  const Message* message = nullptr;
  double weight = 0;
};

/// acc += the sum of weight * (the message's values at these coordinates); acc has these coordinates only.
/// The result has the same bits as one decode_add after another, but acc is read and written only once. All
/// messages must be dense and of one width.
void add_slices(std::span<const Summand> sum, Range coordinates, MutView acc);
/// acc = the sum, with the same bits as add_slices() on an acc of zeros.
void sum_slices(std::span<const Summand> sum, Range coordinates, MutView acc);

}  // namespace laconic
