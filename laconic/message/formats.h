// SPDX-License-Identifier: Apache-2.0
// The inside of the wire formats: what their writers (wire.h) and readers share. Everyone else includes
// wire.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "laconic/core/range.h"
#include "laconic/message/bits.h"
#include "laconic/message/message.h"

namespace laconic {

/// The low bits of a message's first byte. Part of the wire: append, never renumber. Zero is none of them, so
/// that cleared memory is not a message.
enum class Format : std::uint8_t {
  dense = 1,
  seeded_subset = 2,
  permutation_block = 3,
  sparse = 4,
  bitmap = 5,
  natural = 6,
  nothing = 7,
  sign = 8,
  uniform_levels = 9,
  power_levels = 10,
  // Messages about messages.
  pair = 11,
  afresh = 12,
  assumed = 13,
  // More ways to say signs.
  known_sign = 14,
  block_sign = 15,
};

/// Set in the first byte when values are f64.
inline constexpr std::uint8_t kWideValues = 0x80;

constexpr std::uint8_t first_byte(Format format, Wire wire) {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(format) | (wire == Wire::f64 ? kWideValues : 0));
}

/// f(float{}) or f(double{}): the type of a value on the wire.
template <class F>
decltype(auto) with_value_type(Wire wire, F&& f) {
  return wire == Wire::f32 ? f(float{}) : f(double{});
}

/// Rounds values to the wire's width and writes them; returns the first byte not written.
inline std::uint8_t* store_values(Wire wire, View values, std::uint8_t* to) {
  with_value_type(wire, [&]<class Value>(Value) {
    for (std::size_t i = 0; i < values.size(); ++i)
      store_le(static_cast<Value>(values[i]), to + i * sizeof(Value));
  });
  return to + values.size() * bytes_of(wire);
}

inline constexpr std::size_t kHeader = 1;       // format and width
inline constexpr std::size_t kCountHeader = 4;  // and a number of three bytes

/// Writes the three-byte number of a header; returns the first byte not written.
inline std::uint8_t* store_count(std::size_t count, std::uint8_t* to) {
  for (int b = 0; b < 3; ++b) *to++ = static_cast<std::uint8_t>(count >> (8 * b));
  return to;
}

/// Sets the message's length and first byte; returns where its second byte goes.
inline std::uint8_t* begin_message(Format format, Wire wire, std::size_t length, Message& out) {
  // Lengths of one compressor vary a little from round to round: room to spare, so that
  // a round does not allocate.
  if (length > out.bytes.capacity()) out.bytes.reserve(length + length / 8 + 16);
  out.bytes.resize(length);
  out.bytes[0] = first_byte(format, wire);
  return out.bytes.data() + 1;
}

/// A message as a reader sees it.
struct Incoming {
  const Key& key;
  std::string_view format;
  Wire wire;
  std::span<const std::uint8_t> bytes;  // all of it; bytes[0] has been understood
  std::size_t dim;

  /// Throws a RunError that says which message, then `problem`.
  [[noreturn]] void fail(std::string_view problem) const;
  /// fail() unless the message is `need` bytes long.
  void need_length(std::size_t need) const;
  /// The three-byte number after the first byte.
  [[nodiscard]] std::size_t header_count() const;
  /// The value of the wire's width whose first byte is bytes[at]; it must be there.
  [[nodiscard]] double value_at(std::size_t at) const;
};

/// What a message of signs says, found to be one: scale_at(j) times the signs of the plane.
struct SignPlane {
  const std::uint8_t* plane = nullptr;   // a bit a coordinate, set for -
  bool known = false;                    // whether all know the scale without being told
  double scale = 0;                      // of all coordinates, where there is no
  const std::uint8_t* scales = nullptr;  // one on the wire for each
  std::size_t block = 0;                 // of so many coordinates, a multiple of 8
  Wire wire = Wire::f32;

  [[nodiscard]] double scale_at(std::size_t coordinate) const {
    if (scales == nullptr) return scale;
    const std::uint8_t* const at = scales + coordinate / block * bytes_of(wire);
    return with_value_type(wire, [at]<class Value>(Value) -> double { return load_le<Value>(at); });
  }
};

struct WeightedSigns {
  SignPlane signs;
  double weight = 0;
};

SignPlane read_sign(const Incoming& message);
SignPlane read_known_sign(const Incoming& message);
SignPlane read_block_sign(const Incoming& message);

/// acc += weight * (what each says), one after another, of these coordinates alone: the first is a multiple
/// of 8. acc has all.
void add_signs(std::span<const WeightedSigns> sum, Range coordinates, MutView acc);

// One row of the table in message.cc each: acc += weight * the vector, and its counted floats.
void add_dense(const Incoming& message, double weight, MutView acc);
void add_seeded_subset(const Incoming& message, double weight, MutView acc);
void add_permutation_block(const Incoming& message, double weight, MutView acc);
void add_sparse(const Incoming& message, double weight, MutView acc);
void add_bitmap(const Incoming& message, double weight, MutView acc);
void add_natural(const Incoming& message, double weight, MutView acc);
void add_nothing(const Incoming& message, double weight, MutView acc);
void add_uniform_levels(const Incoming& message, double weight, MutView acc);
void add_power_levels(const Incoming& message, double weight, MutView acc);
void add_pair(const Incoming& message, double weight, MutView acc);
void add_dense_behind(const Incoming& message, double weight, MutView acc);  // afresh, assumed

double floats_dense(const Incoming& message);
double floats_seeded_subset(const Incoming& message);
double floats_permutation_block(const Incoming& message);
double floats_sparse(const Incoming& message);
double floats_bitmap(const Incoming& message);
double floats_natural(const Incoming& message);
double floats_nothing(const Incoming& message);
double floats_sign(const Incoming& message);
double floats_known_sign(const Incoming& message);
double floats_block_sign(const Incoming& message);
double floats_uniform_levels(const Incoming& message);
double floats_power_levels(const Incoming& message);
double floats_pair(const Incoming& message);
double floats_afresh(const Incoming& message);
double floats_assumed(const Incoming& message);

/// decode_add and counted_floats of bytes that are a message inside another.
void add_bytes(const Key& key, std::span<const std::uint8_t> bytes, double weight, MutView acc);
double floats_of_bytes(const Key& key, std::span<const std::uint8_t> bytes, std::size_t dim);
/// Nothing where they are no message of signs.
std::optional<SignPlane> signs_in_bytes(const Key& key, std::span<const std::uint8_t> bytes, std::size_t dim);

}  // namespace laconic
