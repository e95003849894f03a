// SPDX-License-Identifier: Apache-2.0
// Internals of the formats of levels. wire_levels.cc has the dense forms, with a code for every coordinate;
// wire_sparse_levels.cc has the sparse forms, with a code for every level that is not zero.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "laconic/message/bits.h"
#include "laconic/message/formats.h"
#include "laconic/message/wire.h"

namespace laconic {

/// 2^(exponent - 1023), 0 < exponent < 2047.
inline double power_of_two(std::uint64_t exponent) { return std::bit_cast<double>(exponent << 52); }

// The two families of levels. Both have:
//   size(q, s, v): the size that level q says, 0 <= q <= s, in a message with the value v;
//   mark(q) and bits(marks, nonzeros, s): the bits of all levels in the sparse form, where marks is the sum
//   of mark(q) over all coordinates;
//   put(q, s, writer) and get(s, reader): write and read a level q >= 1 of the sparse form. get() returns 0
//   where the bits encode no level from 1 to s.
// With s = 1 the sparse form has no bits for levels: all are 1.

/// A level says q v. Sparse: Elias' gamma code, floor(log2 q) zeros and then q from its highest bit.
struct UniformLevels {
  static constexpr Format kDense = Format::uniform_levels;
  static constexpr Format kSparse = Format::sparse_levels;
  static constexpr std::size_t kLimit = kUniformLevelLimit;

  static double size(std::uint32_t q, std::uint32_t, double v) { return q * v; }

  // The exponent field of a float is floor(log2 q) + 127, or 0 for q = 0. Compilers vectorise this, and not
  // bit_width.
  static std::uint32_t mark(std::uint32_t q) {
    return std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(q))) >> 23;
  }
  static std::size_t bits(std::size_t marks, std::size_t nonzeros, std::size_t s) {
    return s == 1 ? 0 : 2 * (marks - 127 * nonzeros) + nonzeros;
  }

  static void put(std::uint32_t q, std::uint32_t, BitWriter& writer) {
    const unsigned width = static_cast<unsigned>(std::bit_width(q));
    writer.put(std::uint64_t{reversed(q, width)} << (width - 1), 2 * width - 1);
  }

  static std::uint32_t get(std::uint32_t s, BitReader& reader) {
    const std::uint64_t window = reader.window();
    const auto zeros = static_cast<unsigned>(std::countr_zero(window));
    if (zeros >= 15) return 0;  // kLimit has 15 bits
    reader.skip(2 * zeros + 1);
    const auto q = reversed(static_cast<std::uint32_t>(window >> zeros) & ((2U << zeros) - 1), zeros + 1);
    return q <= s ? q : 0;
  }

 private:
  /// The low `width` <= 16 bits in the opposite order; the higher bits must be zero.
  static std::uint32_t reversed(std::uint32_t bits, unsigned width) {
    bits = (bits >> 1 & 0x5555) | (bits & 0x5555) << 1;
    bits = (bits >> 2 & 0x3333) | (bits & 0x3333) << 2;
    bits = (bits >> 4 & 0x0f0f) | (bits & 0x0f0f) << 4;
    bits = bits >> 8 | (bits & 0xff) << 8;
    return bits >> (16 - width);
  }
};

/// A level q >= 1 says v 2^(q - s). Sparse: unary from the highest level, s - q zeros and then a one.
struct PowerLevels {
  static constexpr Format kDense = Format::power_levels;
  static constexpr Format kSparse = Format::sparse_power_levels;
  static constexpr std::size_t kLimit = kPowerLevelLimit;

  static double size(std::uint32_t q, std::uint32_t s, double v) {
    return q == 0 ? 0 * v : v * power_of_two(1023 - s + q);
  }

  static std::uint32_t mark(std::uint32_t q) { return q; }
  static std::size_t bits(std::size_t marks, std::size_t nonzeros, std::size_t s) {
    return s == 1 ? 0 : (s + 1) * nonzeros - marks;
  }

  static void put(std::uint32_t q, std::uint32_t s, BitWriter& writer) { kUnary.put(writer, s - q); }

  static std::uint32_t get(std::uint32_t s, BitReader& reader) {
    const std::uint64_t below = kUnary.get(reader, s);
    return below < s ? s - static_cast<std::uint32_t>(below) : 0;
  }

 private:
  static constexpr GapCode kUnary{1, 1};  // modulus 1: a number is that many zeros, then a one
};

/// The counted floats of `coordinates` levels, each with its sign, and of the value.
inline double floats_of_levels(Wire wire, std::size_t s, std::size_t coordinates) {
  return 1 + static_cast<double>(coordinates) * bits_per_level(s) / static_cast<double>(8 * bytes_of(wire));
}

/// A vector of levels: those that are not zero, in the order of their coordinates.
struct LevelList {
  std::vector<std::uint32_t> support;
  std::vector<std::uint16_t> codes;  // s + the signed level
};

/// Writes the sparse form if it has fewer bytes than `limit`. Otherwise returns false, and leaves `out` as it
/// is. `level_bits` is Family::bits. Defined for both families.
template <class Family>
bool write_sparse_levels(Wire wire, std::size_t s, double value, std::size_t dim, const LevelList& levels,
                         std::size_t level_bits, std::size_t limit, Message& out);

/// A bound from below on the bytes of the sparse form with `count` levels that are not zero.
std::size_t least_sparse_levels_bytes(Wire wire, std::size_t dim, std::size_t count, std::size_t level_bits);

}  // namespace laconic
