// SPDX-License-Identifier: Apache-2.0
// Natural compression on the wire: signed powers of two, divided into planes so that no value crosses a byte
// boundary.
//   f32: d bytes, the code of each value (0: zero, e: 2^(e - 127)), then a plane of ceil(d/8) bytes of signs.
//   f64: the top 12 bits of each double (sign and exponent): d bytes with their low 8 bits, then ceil(d/2)
//     bytes of nibbles.
// The exponent of a double is its power of two, so rounding is one addition: random bits are added to the
// mantissa, and the carry into the exponent has the probability mantissa / 2^52. It needs no logarithm and no
// branch.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "laconic/message/formats.h"
#include "laconic/message/wire.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/message/wire_natural.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

constexpr unsigned kMantissaBits = 52;
constexpr std::uint64_t kMantissa = (std::uint64_t{1} << kMantissaBits) - 1;
constexpr std::uint64_t kBias = 1023 - 127;  // f32 code + kBias = the exponent field of a double
constexpr std::uint64_t kTiny = (kBias + 1) << kMantissaBits;  // the bits of 2^-126
constexpr std::int64_t kLargestExponent = 2046;                // of a finite double

using Bytes = std::uint8_t __attribute__((vector_size(4)));

/// The numbers added to the mantissas of eight values. Their top 32 bits are random, so that the carry has
/// the right probability to 2^-32.
struct Dither {
  Bits first;   // for four values
  Bits second;  // for the next four

  /// Computed from eight random words, two in each lane. `first` uses the lower word, followed by half a
  /// unit. `second` uses both words, the upper word on top; the bits below the top 32 hardly matter. Thus
  /// neither rounds down on average.
  explicit Dither(const std::uint32_t* words) {
    Bits pairs = load<Bits>(words);
    if constexpr (std::endian::native == std::endian::big) pairs = pairs << 32 | pairs >> 32;
    first = (pairs << (kMantissaBits - 32) & kMantissa) | std::uint64_t{1} << (kMantissaBits - 33);
    second = pairs >> (64 - kMantissaBits);
  }
};

/// The f32 codes of sizes |v|, in the low byte of each lane. Powers of two below 2^-126 have no code: such a
/// |v| becomes 0 or 2^-126. For these, 2^-126 is added first, which puts |v| / 2^-126 into the mantissa, and
/// then the same addition rounds. Above 2^128 the code is that of 2^128.
Bits codes_f32(Bits size, Bits dither) {
  const Doubles v = reinterpret_cast<Doubles>(size);
  const Bits tiny = reinterpret_cast<Bits>(v < 0x1p-126);  // all bits of a lane set, or none
  const Bits moved = reinterpret_cast<Bits>(v + reinterpret_cast<Doubles>(tiny & kTiny));
  const Bits code = ((moved + dither) >> kMantissaBits) - kBias + tiny;  // a lane with all bits set is -1
  return code | reinterpret_cast<Bits>(reinterpret_cast<SignedBits>(code) > 255);
}

/// The f64 codes of sizes |v|: exponents. Subnormals become 0 or 2^-1022 by the same carry. Values above
/// 2^1023 become 2^1023, the largest power of two that is a double.
Bits codes_f64(Bits size, Bits dither) {
  const Bits exponent = (size + dither) >> kMantissaBits;
  const Bits too_large = reinterpret_cast<Bits>(reinterpret_cast<SignedBits>(exponent) > kLargestExponent);
  return (too_large & static_cast<std::uint64_t>(kLargestExponent)) | (~too_large & exponent);
}

constexpr std::size_t kGroup = 32;  // values with codes that are packed together

/// to[4k + l] = byte k of lane l.
void store_bytes(Bits packed, std::uint8_t* to) {
  if constexpr (std::endian::native == std::endian::little) {
    using Group = std::uint8_t __attribute__((vector_size(kGroup)));
    const Group bytes = reinterpret_cast<Group>(packed);
    const Group ordered =
        __builtin_shufflevector(bytes, bytes, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27,  //
                                4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
    std::memcpy(to, &ordered, kGroup);
  } else {
    for (std::size_t v = 0; v < kGroup; ++v) to[v] = static_cast<std::uint8_t>(packed[v % 4] >> (v / 4 * 8));
  }
}

/// Writes the codes of 32 values: one byte each to `low`, the signs to 4 bytes of `high`.
template <class Real>
void encode_f32(const Real* x, const std::uint32_t* words, std::uint8_t* low, std::uint8_t* high) {
  constexpr Bits kLane = {0, 1, 2, 3};
  Bits codes{};
  Bits signs{};
  const auto encode = [&](std::size_t j, Bits dither) {
    const Bits bits = reinterpret_cast<Bits>(doubles_at(x + j));
    codes = codes << 8 | (codes_f32(bits & ~kSignBit, dither) & 0xff);
    signs = signs << 4 | bits >> 63 << kLane;
  };
  for (std::size_t j = kGroup; j > 0;) {  // backwards, because the last value packed gets the lowest bits
    j -= 8;
    const Dither dither(words + j);
    encode(j + 4, dither.second);
    encode(j, dither.first);
  }
  store_bytes(codes, low);
  store_le(static_cast<std::uint32_t>(any_lane(signs)), high);
}

/// Writes the codes of 32 values: their low bytes to `low`, their nibbles to 16 bytes of `high`.
template <class Real>
void encode_f64(const Real* x, const std::uint32_t* words, std::uint8_t* low, std::uint8_t* high) {
  constexpr Bits kNibble = {0, 4, 8, 12};
  Bits codes{};
  Bits nibbles{};
  const auto encode = [&](std::size_t j, Bits dither) {
    const Bits bits = reinterpret_cast<Bits>(doubles_at(x + j));
    const Bits exponent = codes_f64(bits & ~kSignBit, dither);
    codes = codes << 8 | (exponent & 0xff);
    nibbles = nibbles << 16 | (exponent >> 8 | bits >> 63 << 3) << kNibble;
  };
  for (std::size_t j = kGroup; j > 0;) {
    j -= 8;
    const Dither dither(words + j);
    encode(j + 4, dither.second);
    encode(j, dither.first);
    // Sixteen nibbles fill the lanes; the nibbles of the previous half are shifted out at the top.
    if (j % 16 == 0) store_le(any_lane(nibbles), high + j / 2);
  }
  store_bytes(codes, low);
}

/// acc += weight * four values, given as bit patterns of doubles.
template <class Real>
void add(Bits values, double weight, Real* acc) {
  store(doubles_at(acc) + weight * reinterpret_cast<Doubles>(values), acc);
}

/// Adds 8 values, from 8 bytes of codes and one byte of signs.
template <class Real>
void add_f32(const std::uint8_t* low, const std::uint8_t* high, double weight, Real* acc) {
  const Bits signs = Bits{} + *high;
  for (unsigned half = 0; half < 8; half += 4) {
    const Bits code = __builtin_convertvector(load<Bytes>(low + half), Bits);
    const Bits power = (code + kBias) << kMantissaBits & reinterpret_cast<Bits>(code != 0);
    const Bits to_top = Bits{63, 62, 61, 60} - half;
    add(power | (signs << to_top & kSignBit), weight, acc + half);
  }
}

/// Adds 8 values, from 8 bytes of codes and 4 bytes of nibbles.
template <class Real>
void add_f64(const std::uint8_t* low, const std::uint8_t* high, double weight, Real* acc) {
  const Bits nibbles = Bits{} + load_le<std::uint32_t>(high);
  for (unsigned half = 0; half < 8; half += 4) {
    const Bits code = __builtin_convertvector(load<Bytes>(low + half), Bits);
    const Bits to_top = Bits{60, 56, 52, 48} - std::uint64_t{4} * half;
    // the sign and the high bits of the exponent
    const Bits top = nibbles << to_top & ~(~std::uint64_t{0} >> 4);
    add(top | code << kMantissaBits, weight, acc + half);
  }
}

/// Values per byte of the high plane.
std::size_t per_byte_of(Wire wire) { return wire == Wire::f32 ? 8 : 2; }

template <auto add_eight, std::size_t per_byte, class Real>
void add_planes(const std::uint8_t* low, const std::uint8_t* high, double weight, std::span<Real> acc) {
  std::size_t j = 0;
  for (; j + 8 <= acc.size(); j += 8) add_eight(low + j, high + j / per_byte, weight, acc.data() + j);
  if (j == acc.size()) return;
  // The remaining values, padded with zeros to eight.
  const std::size_t left = acc.size() - j;
  std::array<std::uint8_t, 8> last_low{};
  std::array<std::uint8_t, 8> last_high{};
  std::array<Real, 8> last{};
  std::copy_n(low + j, left, last_low.begin());
  std::copy_n(high + j / per_byte, (left + per_byte - 1) / per_byte, last_high.begin());
  std::copy_n(acc.data() + j, left, last.begin());
  add_eight(last_low.data(), last_high.data(), weight, last.data());
  std::copy_n(last.begin(), left, acc.data() + j);
}

/// acc += weight * the values of both planes; `low` begins the first.
template <class Real>
void add_both_planes(Wire wire, const std::uint8_t* low, double weight, std::span<Real> acc) {
  const std::uint8_t* const high = low + acc.size();
  if (wire == Wire::f32) {
    add_planes<add_f32<Real>, 8>(low, high, weight, acc);
  } else {
    add_planes<add_f64<Real>, 2>(low, high, weight, acc);
  }
}

/// Writes both planes.
template <class Real>
void put_planes(Wire wire, const Stream& stream, std::span<const Real> x, std::uint8_t* low) {
  constexpr std::size_t kTile =
      8 * kGroup;  // values per tile: their random words stay in the first-level cache
  const std::size_t dim = x.size();
  const std::size_t per_byte = per_byte_of(wire);
  const auto encode = wire == Wire::f32 ? encode_f32<Real> : encode_f64<Real>;
  std::uint8_t* const high = low + dim;
  std::array<std::uint32_t, kTile> words;  // NOLINT: filled before it is read
  for (std::size_t begin = 0; begin < dim; begin += kTile) {
    const std::size_t end = std::min(begin + kTile, dim);
    const std::size_t whole = begin + (end - begin) / kGroup * kGroup;
    stream.fill(begin / 4, std::span(words).first((end - begin + kGroup - 1) / kGroup * kGroup));
    for (std::size_t j = begin; j < whole; j += kGroup) {
      encode(x.data() + j, words.data() + (j - begin), low + j, high + j / per_byte);
    }
    if (whole == end) continue;
    // The remaining values as a group padded with zeros. The codes of zeros are the zero bits that pad the
    // planes.
    std::array<Real, kGroup> last{};
    std::array<std::uint8_t, kGroup> last_low;   // NOLINT: written by encode
    std::array<std::uint8_t, kGroup> last_high;  // NOLINT: written by encode
    std::copy_n(x.data() + whole, end - whole, last.begin());
    encode(last.data(), words.data() + (whole - begin), last_low.data(), last_high.data());
    std::copy_n(last_low.begin(), end - whole, low + whole);
    std::copy_n(last_high.begin(), (end - whole + per_byte - 1) / per_byte, high + whole / per_byte);
  }
}

}  // namespace

void put_planes_of(Wire wire, const Stream& stream, AnyView x, std::uint8_t* low) {
  std::visit([&](auto reals) { put_planes(wire, stream, reals, low); }, x);
}

void add_planes_to_doubles(Wire wire, const std::uint8_t* low, double weight, MutView acc) {
  add_both_planes(wire, low, weight, acc);
}

void add_planes_to_floats(Wire wire, const std::uint8_t* low, double weight, MutFloatView acc) {
  add_both_planes(wire, low, weight, acc);
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {

namespace {

using HWY_NAMESPACE::per_byte_of;

HWY_EXPORT(put_planes_of);
HWY_EXPORT(add_planes_to_doubles);
HWY_EXPORT(add_planes_to_floats);

std::size_t planes_length(Wire wire, std::size_t dim) {
  const std::size_t per_byte = per_byte_of(wire);
  return kHeader + dim + (dim + per_byte - 1) / per_byte;
}

}  // namespace

void write_natural(Wire wire, const Stream& stream, AnyView x, Message& out) {
  std::uint8_t* const low = begin_message(Format::natural, wire, planes_length(wire, size_of(x)), out);
  HWY_DYNAMIC_DISPATCH(put_planes_of)(wire, stream, x, low);
}

template <class Real>
void add_natural(const Incoming& message, double weight, std::span<Real> acc) {
  const std::size_t dim = acc.size();
  message.need_length(planes_length(message.wire, dim));
  const std::uint8_t* const low = message.bytes.data() + kHeader;
  const std::uint8_t* const high = low + dim;
  const std::size_t per_byte = per_byte_of(message.wire);
  if (dim % per_byte != 0 && high[dim / per_byte] >> (8 / per_byte * (dim % per_byte)) != 0) {
    message.fail("a padding bit is set");
  }
  if constexpr (std::is_same_v<Real, double>) {
    HWY_DYNAMIC_DISPATCH(add_planes_to_doubles)(message.wire, low, weight, acc);
  } else {
    HWY_DYNAMIC_DISPATCH(add_planes_to_floats)(message.wire, low, weight, acc);
  }
}

double floats_natural(const Incoming& message) {
  message.need_length(planes_length(message.wire, message.dim));
  return static_cast<double>(message.dim) * (message.wire == Wire::f32 ? 9.0 / 32 : 12.0 / 64);
}

template void add_natural(const Incoming&, double, MutView);
template void add_natural(const Incoming&, double, MutFloatView);

}  // namespace laconic
#endif
