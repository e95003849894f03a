// SPDX-License-Identifier: Apache-2.0
// Dense messages can be cut: the values of some consecutive coordinates are themselves a dense message, for a
// shorter vector. So the work of adding many long messages can be shared by coordinates.
#pragma once

#include <cstddef>
#include <cstdint>

#include "laconic/compress/message.h"
#include "laconic/core/range.h"

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

}  // namespace laconic
