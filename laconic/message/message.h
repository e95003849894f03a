// SPDX-License-Identifier: Apache-2.0
// Messages: encoded vectors, and the only function that decodes them. docs/wire_format.md describes the
// formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "laconic/core/rng.h"
#include "laconic/core/vec.h"

namespace laconic {

/// The width of values in messages. All state of the library is in doubles; both ends use the value as the
/// message rounds it.
enum class Wire : std::uint8_t { f32, f64 };

constexpr std::size_t bytes_of(Wire wire) { return wire == Wire::f32 ? 4 : 8; }

/// One encoded vector: a header of at most 4 bytes (owned 7, sparse levels 8), for matrices and clusters
/// their layout, then the payload.
/// The payload may contain messages; a pair of very long ones has a header of 12 bytes. Round, client and
/// length are in the transport's envelope, not here. The buffer keeps its capacity, so that a message can be
/// rewritten without an allocation.
struct Message {
  std::vector<std::uint8_t> bytes;

  [[nodiscard]] std::size_t bits() const { return 8 * bytes.size(); }
};

/// acc += weight * (the vector that the message encodes). The key must be the one used for encoding: indices
/// that both ends can draw are not sent. Uses + and * only, so that different CPUs give the same bits. Throws
/// RunError if the bytes are not a message for a vector of acc.size() coordinates. acc is then unchanged or
/// partly updated; its size never changes. Cost: one pass over what the message encodes.
void decode_add(const Key& key, std::span<const std::uint8_t> bytes, double weight, MutView acc);
/// The same for floats: acc_j = acc_j + weight * value, computed in doubles and rounded once, for each value
/// that the message has for coordinate j. That is one value in all formats but pairs, which add the first
/// message and then the second.
void decode_add(const Key& key, std::span<const std::uint8_t> bytes, double weight, MutFloatView acc);

inline void decode_add(const Key& key, const Message& message, double weight, MutView acc) {
  decode_add(key, std::span(message.bytes), weight, acc);
}
inline void decode_add(const Key& key, const Message& message, double weight, MutFloatView acc) {
  decode_add(key, std::span(message.bytes), weight, acc);
}

/// Whether the message encodes a vector itself, while other messages of its sender encode an increment of a
/// memory. The owner of that memory must set it to 0 before decode_add. False if the bytes are not a message.
bool starts_over(const Message& message);

/// The key of the first (0) or second (1) message in a pair that is encoded under `key`. Their draws are
/// independent.
constexpr Key key_of_part(const Key& key, unsigned part) {
  Key result = key;
  result.step = 2 * key.step + 1 + part;
  return result;
}

/// The number of values in the message as the papers count them, in floats of its wire width. Indices, flags
/// and headers do not count. Values shorter than a float count by their bits: a power of two is 9/32 (f32) or
/// 12/64 (f64) of a float, a sign 1/32 or 1/64, and a level with its sign the number of its bits / 32 or / 64
/// (uniform levels count only if they are not zero).
double counted_floats(const Message& message, std::size_t dim);

}  // namespace laconic
