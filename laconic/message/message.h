// SPDX-License-Identifier: Apache-2.0
// What travels: encoded bytes, and the one way to read them. The formats are described in
// docs/wire_format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "laconic/core/rng.h"
#include "laconic/core/vec.h"

namespace laconic {

/// The width of values in messages. The state is double everywhere; what a message loses, both ends lose.
enum class Wire : std::uint8_t { f32, f64 };

constexpr std::size_t bytes_of(Wire wire) { return wire == Wire::f32 ? 4 : 8; }

/// One encoded vector: a header of at most 4 bytes, then the payload, which may be messages again (a pair of
/// very long ones has a header of 12). Round, worker and length are the transport's envelope and not in here.
/// The buffer keeps its capacity, so that a message can be written again without allocating.
struct Message {
  std::vector<std::uint8_t> bytes;

  [[nodiscard]] std::size_t bits() const { return 8 * bytes.size(); }
};

/// acc += weight * (the vector that the message says). The key is the one it was encoded with: indices that
/// both ends can draw are not sent. Uses + and * only, so that unlike CPUs agree. Throws RunError when the
/// bytes are not a message for a vector of acc.size() coordinates: acc is then unchanged or partly added to,
/// never wrongly sized.
void decode_add(const Key& key, const Message& message, double weight, MutView acc);

/// Whether the message says a vector itself, where others of its sender say what to add to a memory: whoever
/// keeps that memory sets it to 0 before decode_add. False of bytes that are no message.
bool starts_over(const Message& message);

/// The key of the first (0) or second (1) message in a pair that is said under `key`:
/// their draws are independent.
constexpr Key key_of_part(const Key& key, unsigned part) {
  Key result = key;
  result.step = 2 * key.step + 1 + part;
  return result;
}

/// Values in the message as the papers count them, in floats of its wire width: no indices, flags or headers;
/// what is less than a float counts by its bits: a power of two 9/32 (f32) or 12/64 (f64), a sign 1/32 or
/// 1/64, a level with its sign as many as it has (those of uniform levels only where they are not zero).
double counted_floats(const Message& message, std::size_t dim);

}  // namespace laconic
