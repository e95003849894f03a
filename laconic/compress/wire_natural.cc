// SPDX-License-Identifier: Apache-2.0
// Natural compression on the wire: signed powers of two, split into planes so that no value straddles a byte.
//   f32: d bytes, the code of each value (0: zero, e: 2^(e - 127)), then a plane of ceil(d/8) bytes of signs.
//   f64: the top 12 bits of each double (sign and exponent): d bytes of their low 8, then ceil(d/2) bytes of
//   nibbles.
// A double holds its power of two in its exponent, so rounding is one addition: random bits are added to the
// mantissa, and the carry into the exponent comes with the probability mantissa / 2^52. No logarithm, no
// branch.
#include <algorithm>
#include <array>
#include <bit>

#include "laconic/compress/formats.h"
#include "laconic/compress/wire.h"

namespace laconic {
namespace {

constexpr std::size_t kHeader = 1;
constexpr unsigned kMantissaBits = 52;
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;
constexpr std::uint64_t kBias = 1023 - 127;  // an f32 code + this = the exponent field of a double
constexpr std::uint64_t kTiny = (kBias + 1) << kMantissaBits;  // the bits of 2^-126
constexpr std::uint64_t kLargestExponent = 2046;               // of a finite double

/// 32 random bits on top of the mantissa, and half of what they cannot say: the carry then has the right
/// probability to 2^-33, and a power of two never moves.
std::uint64_t dither(std::uint32_t word) {
  return std::uint64_t{word} << (kMantissaBits - 32) | std::uint64_t{1} << (kMantissaBits - 33);
}

/// The f32 code of |v|. Below 2^-126, powers of two have no code: there |v| becomes 0 or 2^-126, by the same
/// addition after adding 2^-126, which puts |v| / 2^-126 into the mantissa. Above 2^128: the code of 2^128.
std::uint64_t code_f32(double v, std::uint32_t word) {
  const double size = std::bit_cast<double>(std::bit_cast<std::uint64_t>(v) & ~kSignBit);
  const bool tiny = size < 0x1p-126;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(tiny ? size + 0x1p-126 : size);
  const std::uint64_t code = ((bits + dither(word)) >> kMantissaBits) - (tiny ? kBias + 1 : kBias);
  return std::min<std::uint64_t>(code, 255);
}

/// Sign and exponent of v rounded, 12 bits. Subnormals become 0 or 2^-1022 by the same carry; values above
/// 2^1023 become 2^1023, the largest power of two that is a double.
std::uint64_t code_f64(double v, std::uint32_t word) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(v);
  const std::uint64_t exponent = ((bits & ~kSignBit) + dither(word)) >> kMantissaBits;
  return std::min(exponent, kLargestExponent) | bits >> 63 << 11;
}

double power_f32(std::uint64_t code, std::uint64_t sign) {
  return std::bit_cast<double>((code == 0 ? 0 : (code + kBias) << kMantissaBits) | sign << 63);
}

double power_f64(std::uint64_t code) { return std::bit_cast<double>(code << kMantissaBits); }

constexpr std::size_t kTile = 256;  // values at a time: their random words stay in the first-level cache

std::size_t planes_length(Wire wire, std::size_t dim) {
  return kHeader + dim + (wire == Wire::f32 ? (dim + 7) / 8 : (dim + 1) / 2);
}

}  // namespace

void write_natural(Wire wire, const Stream& stream, View x, Message& out) {
  const std::size_t dim = x.size();
  std::uint8_t* const low = begin_message(Format::natural, wire, planes_length(wire, dim), out);
  std::uint8_t* const high = low + dim;
  std::array<std::uint32_t, kTile> words;  // NOLINT: filled before it is read
  for (std::size_t begin = 0; begin < dim; begin += kTile) {
    const std::size_t n = std::min(kTile, dim - begin);
    stream.fill(begin / 4, std::span(words).first(n));
    const double* v = x.data() + begin;
    if (wire == Wire::f32) {
      for (std::size_t i = 0; i < n; ++i)
        low[begin + i] = static_cast<std::uint8_t>(code_f32(v[i], words[i]));
      for (std::size_t i = 0; i < n; i += 8) {
        unsigned signs = 0;
        for (std::size_t l = 0; l < std::min<std::size_t>(8, n - i); ++l) {
          signs |= static_cast<unsigned>(std::bit_cast<std::uint64_t>(v[i + l]) >> 63) << l;
        }
        high[(begin + i) / 8] = static_cast<std::uint8_t>(signs);
      }
    } else {
      std::array<std::uint8_t, kTile + 1> nibble;
      nibble[n] = 0;  // pads the last byte of an odd dim
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t code = code_f64(v[i], words[i]);
        low[begin + i] = static_cast<std::uint8_t>(code);
        nibble[i] = static_cast<std::uint8_t>(code >> 8);
      }
      for (std::size_t i = 0; i < n; i += 2) {
        high[(begin + i) / 2] = static_cast<std::uint8_t>(nibble[i] | nibble[i + 1] << 4);
      }
    }
  }
}

void add_natural(const Incoming& message, double weight, MutView acc) {
  const std::size_t dim = acc.size();
  message.need_length(planes_length(message.wire, dim));
  const std::uint8_t* const low = message.bytes.data() + kHeader;
  const std::uint8_t* const high = low + dim;
  if (message.wire == Wire::f32) {
    if (dim % 8 != 0 && high[dim / 8] >> (dim % 8) != 0) message.fail("a padding bit is set");
    std::size_t j = 0;
    for (; j + 8 <= dim; j += 8) {
      const std::uint64_t signs = high[j / 8];
      for (std::size_t l = 0; l < 8; ++l) acc[j + l] += weight * power_f32(low[j + l], signs >> l & 1);
    }
    for (; j < dim; ++j) acc[j] += weight * power_f32(low[j], high[j / 8] >> (j % 8) & 1);
  } else {
    if (dim % 2 != 0 && high[dim / 2] >> 4 != 0) message.fail("a padding bit is set");
    std::size_t j = 0;
    for (; j + 2 <= dim; j += 2) {
      acc[j] += weight * power_f64(low[j] | std::uint64_t{high[j / 2] & 15U} << 8);
      acc[j + 1] += weight * power_f64(low[j + 1] | std::uint64_t{high[j / 2]} >> 4 << 8);
    }
    if (j < dim) acc[j] += weight * power_f64(low[j] | std::uint64_t{high[j / 2] & 15U} << 8);
  }
}

double floats_natural(const Incoming& message) {
  message.need_length(planes_length(message.wire, message.dim));
  return static_cast<double>(message.dim) * (message.wire == Wire::f32 ? 9.0 / 32 : 12.0 / 64);
}

}  // namespace laconic
