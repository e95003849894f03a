// SPDX-License-Identifier: Apache-2.0
// Internals of the wire formats, shared by their writers (wire.h) and readers. All other code includes
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

/// The low bits of a message's first byte. Part of the wire format: append new values, never renumber. Zero
/// is not used, so that zeroed memory is not a message.
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
  // Messages that contain other messages.
  pair = 11,
  reset = 12,
  uncounted = 13,
  // Further encodings of signs.
  known_sign = 14,
  block_sign = 15,
  // Matrices.
  low_rank = 16,
  // Further encodings of levels.
  sparse_levels = 17,
  sparse_power_levels = 18,
  // Further encodings of matrices.
  sketch = 19,
  // Further encodings of a choice of coordinates.
  owned = 20,
  clustered = 21,
  // Formats of the caller's own.
  registered = 22,
};

/// Set in the first byte if values are f64.
inline constexpr std::uint8_t kWideValues = 0x80;

constexpr std::uint8_t first_byte(Format format, Wire wire) {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(format) | (wire == Wire::f64 ? kWideValues : 0));
}

/// Calls f(float{}) or f(double{}), by the type of a value on the wire.
template <class F>
decltype(auto) with_value_type(Wire wire, F&& f) {
  return wire == Wire::f32 ? f(float{}) : f(double{});
}

/// Rounds values to the wire's width and writes them. Returns a pointer just past the last byte written.
template <class Real>
std::uint8_t* store_values(Wire wire, std::span<const Real> values, std::uint8_t* to) {
  with_value_type(wire, [&]<class Value>(Value) {
    for (std::size_t i = 0; i < values.size(); ++i)
      store_le(static_cast<Value>(values[i]), to + i * sizeof(Value));
  });
  return to + values.size() * bytes_of(wire);
}

inline constexpr std::size_t kHeader = 1;       // format and width
inline constexpr std::size_t kCountHeader = 4;  // the same and a number of three bytes

/// Writes the three-byte number of a header. Returns a pointer just past the last byte written.
inline std::uint8_t* store_count(std::size_t count, std::uint8_t* to) {
  for (int b = 0; b < 3; ++b) *to++ = static_cast<std::uint8_t>(count >> (8 * b));
  return to;
}

/// The bytes of a number below 2^32 in groups of 7 bits, the lowest first; the highest bit of a byte tells
/// that a group follows (LEB128).
constexpr std::size_t number_length(std::size_t number) {
  std::size_t length = 1;
  for (; number >= 0x80; number >>= 7) ++length;
  return length;
}
/// Writes it. Returns a pointer just past the last byte written.
inline std::uint8_t* store_number(std::size_t number, std::uint8_t* to) {
  for (; number >= 0x80; number >>= 7) *to++ = static_cast<std::uint8_t>(number | 0x80);
  *to++ = static_cast<std::uint8_t>(number);
  return to;
}

/// Sets the message's length and first byte. Returns a pointer to its second byte.
inline std::uint8_t* begin_message(Format format, Wire wire, std::size_t length, Message& out) {
  // The message lengths of one compressor vary a little between rounds. The spare capacity avoids an
  // allocation in each round.
  if (length > out.bytes.capacity()) out.bytes.reserve(length + length / 8 + 16);
  out.bytes.resize(length);
  out.bytes[0] = first_byte(format, wire);
  return out.bytes.data() + 1;
}

/// acc += term, in doubles: the sum is rounded to the width of acc.
template <class Real>
void add_to(Real& acc, double term) {
  acc = static_cast<Real>(static_cast<double>(acc) + term);
}

/// A message as its reader receives it.
struct Incoming {
  const Key& key;
  std::string_view format;
  Wire wire;
  std::span<const std::uint8_t> bytes;  // the whole message; bytes[0] has already been decoded
  std::size_t dim;

  /// Throws a RunError with the format, width and length of the message, then `problem`.
  [[noreturn]] void fail(std::string_view problem) const;
  /// Calls fail() unless the message is exactly `need` bytes long.
  void need_length(std::size_t need) const;
  /// The three-byte number after the first byte.
  [[nodiscard]] std::size_t header_count() const;
  /// A number in groups of 7 bits, at bytes[at]. Moves `at` behind it.
  [[nodiscard]] std::size_t read_number(std::size_t& at) const;
  /// The value, of the wire's width, at bytes[at]. The message must contain all its bytes.
  [[nodiscard]] double value_at(std::size_t at) const;
};

/// Bytes of a plane of signs, one bit per coordinate.
constexpr std::size_t plane_bytes(std::size_t dim) { return (dim + 7) / 8; }

/// A checked message of signs: coordinate j is scale_at(j) times the sign in the plane.
struct SignPlane {
  const std::uint8_t* plane = nullptr;  // one bit per coordinate, set for -
  // whether every process knows the scale without reading it from the message
  bool known = false;
  double scale = 0;                      // of all coordinates, if there are no `scales`
  const std::uint8_t* scales = nullptr;  // one scale on the wire for each block
  std::size_t block = 0;                 // coordinates per block, a multiple of 8
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

/// acc += weight * (each message's vector), one message after another, for these coordinates only. The first
/// coordinate is a multiple of 8. acc has all coordinates; floats are rounded once. Defined for double and
/// float.
template <class Real>
void add_signs(std::span<const WeightedSigns> sum, Range coordinates, std::span<Real> acc);

// Each of these fills one row of the table in message.cc: acc += weight * the vector, and its counted floats.
// Defined for double and float.
template <class Real>
void add_dense(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_seeded_subset(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_permutation_block(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_owned(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_clustered(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_sparse(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_bitmap(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_natural(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_nothing(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_uniform_levels(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_power_levels(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_sparse_levels(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_sparse_power_levels(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_low_rank(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_sketch(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_registered(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>
void add_pair(const Incoming& message, double weight, std::span<Real> acc);
template <class Real>  // reset, uncounted
void add_dense_behind(const Incoming& message, double weight, std::span<Real> acc);

double floats_dense(const Incoming& message);
double floats_seeded_subset(const Incoming& message);
double floats_permutation_block(const Incoming& message);
double floats_owned(const Incoming& message);
double floats_clustered(const Incoming& message);
double floats_sparse(const Incoming& message);
double floats_bitmap(const Incoming& message);
double floats_natural(const Incoming& message);
double floats_nothing(const Incoming& message);
double floats_sign(const Incoming& message);
double floats_known_sign(const Incoming& message);
double floats_block_sign(const Incoming& message);
double floats_uniform_levels(const Incoming& message);
double floats_power_levels(const Incoming& message);
double floats_sparse_levels(const Incoming& message);
double floats_sparse_power_levels(const Incoming& message);
double floats_low_rank(const Incoming& message);
double floats_sketch(const Incoming& message);
double floats_registered(const Incoming& message);
double floats_pair(const Incoming& message);
double floats_reset(const Incoming& message);
double floats_uncounted(const Incoming& message);

/// counted_floats for a message that is part of another.
double floats_of_bytes(const Key& key, std::span<const std::uint8_t> bytes, std::size_t dim);
/// Empty if the bytes are not a message of signs.
std::optional<SignPlane> signs_in_bytes(const Key& key, std::span<const std::uint8_t> bytes, std::size_t dim);

}  // namespace laconic
