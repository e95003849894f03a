// SPDX-License-Identifier: Apache-2.0
// Signs on the wire: their scale, then a plane of ceil(d/8) bytes with one bit per coordinate. The scale is a
// value (sign), one value per block (block sign), or, if every process knows it, three bytes of the header
// (known sign). The signs are those of the entries, or random; that is the only difference between the two
// kinds of writers.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/message/formats.h"
#include "laconic/message/wire.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/message/wire_sign.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

constexpr std::size_t kSignGroup = 32;  // values with signs that are packed together
constexpr Bits kLane = {1, 2, 4, 8};

/// plane = signs_of(j) for the groups of 32 entries from j on, the first entry in the lowest bit.
/// last_signs(j, count) gives the signs of the remaining `count` entries, followed by zeros.
template <class Signs, class LastSigns>
void pack(std::size_t dim, std::uint8_t* plane, Signs&& signs_of, LastSigns&& last_signs) {
  const std::size_t whole = dim / kSignGroup * kSignGroup;
  for (std::size_t j = 0; j < whole; j += kSignGroup)
    store_le(static_cast<std::uint32_t>(signs_of(j)), plane + j / 8);
  if (whole == dim) return;
  std::array<std::uint8_t, 4> signs{};
  store_le(static_cast<std::uint32_t>(last_signs(whole, dim - whole)), signs.data());
  std::copy_n(signs.begin(), plane_bytes(dim - whole), plane + whole / 8);
}

/// The signs of 32 values, the first in the lowest bit. Adds their absolute values to the sums.
template <class Real>
std::uint64_t take_signs(const Real* x, RunningSums& sums) {
  Bits signs{};
  for (std::size_t j = kSignGroup; j > 0;) {  // backwards, because the last value packed gets the lowest bits
    j -= 4;
    const Doubles v = doubles_at(x + j);
    signs = signs << 4 | (reinterpret_cast<Bits>(v < 0.0) & kLane);
    sums[j / 4] += reinterpret_cast<Doubles>(reinterpret_cast<Bits>(v) & ~kSignBit);
  }
  return any_lane(signs);
}

/// plane = the signs of x; returns the mean of |x_j|.
template <class Real>
double put_signs(std::span<const Real> x, std::uint8_t* plane) {
  RunningSums sums;
  pack(
      x.size(), plane, [&](std::size_t j) { return take_signs(x.data() + j, sums); },
      [&](std::size_t j, std::size_t count) {
        std::array<Real, kSignGroup> last{};  // padded with zeros: their sign bits pad the plane
        std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(j), count, last.begin());
        return take_signs(last.data(), sums);
      });
  return sums.total() / static_cast<double>(x.size());
}

/// 32 signs, the first in the lowest bit: + if a random 32-bit word is below the threshold (1/2 + x_j / (2
/// c)) 2^32, rounded to an integer. word < round(t) is computed as word + 1/2 <= t.
template <class Real>
std::uint64_t draw_signs(const Real* x, const std::uint32_t* words, double c) {
  using Words = std::uint32_t __attribute__((vector_size(16)));
  // the bits of the double 2^52; a word in its low bits adds it
  constexpr std::uint64_t kTwoTo52 = 0x4330000000000000;
  Bits signs{};
  for (std::size_t j = kSignGroup; j > 0;) {
    j -= 4;
    const Doubles threshold = (0.5 + 0.5 * (doubles_at(x + j) / c)) * 0x1p32;
    const Bits word = __builtin_convertvector(load<Words>(words + j), Bits) | kTwoTo52;
    const Doubles middle = reinterpret_cast<Doubles>(word) - (0x1p52 - 0.5);
    signs = signs << 4 | (reinterpret_cast<Bits>(middle > threshold) & kLane);
  }
  return any_lane(signs);
}

/// plane = signs of x, drawn with the words of the stream from `first` on, a multiple of 4.
template <class Real>
void put_drawn_signs(const Stream& stream, std::size_t first, double c, std::span<const Real> x,
                     std::uint8_t* plane) {
  constexpr std::size_t kTile = 512;       // words per tile: they stay in the first-level cache
  std::array<std::uint32_t, kTile> words;  // NOLINT: filled before it is read
  const double unit = c > 0 ? c : 1;       // for a zero vector any unit will do: the message encodes 0
  for (std::size_t begin = 0; begin < x.size(); begin += kTile) {
    const std::size_t count = std::min(kTile, x.size() - begin);
    stream.fill((first + begin) / 4, std::span(words).first(count));
    const Real* const from = x.data() + begin;
    pack(
        count, plane + begin / 8, [&](std::size_t j) { return draw_signs(from + j, words.data() + j, unit); },
        [&](std::size_t j, std::size_t left) {
          std::array<Real, kSignGroup> last{};
          std::array<std::uint32_t, kSignGroup> last_words{};
          std::copy_n(from + j, left, last.begin());
          std::copy_n(words.data() + j, left, last_words.begin());
          return draw_signs(last.data(), last_words.data(), unit) & ((std::uint64_t{1} << left) - 1);
        });
  }
}

/// largest_size() of one width.
template <class Real>
double largest_of(std::span<const Real> x) {
  // The bits of absolute values have the same order as the values, with NaN above all.
  SignedBits largest{};
  std::size_t j = 0;
  for (; j + 4 <= x.size(); j += 4) {
    const auto size =
        reinterpret_cast<SignedBits>(reinterpret_cast<Bits>(doubles_at(x.data() + j)) & ~kSignBit);
    largest = size > largest ? size : largest;
  }
  std::int64_t result = std::max({largest[0], largest[1], largest[2], largest[3]});
  for (; j < x.size(); ++j)
    result = std::max(result, std::bit_cast<std::int64_t>(std::abs(static_cast<double>(x[j]))));
  return std::bit_cast<double>(result);
}

constexpr std::size_t kSumTile = 32;  // coordinates with sums in registers

/// For each m in order: tile += terms[m], or -= where signs_of(m) has a set bit (the first coordinate in the
/// lowest bit).
template <class Real, class SignsOf>
void add_tile(std::span<const double> terms, Real* tile, SignsOf&& signs_of) {
  constexpr std::size_t kFours = kSumTile / 4;
  Doubles sums[kFours];
  for (std::size_t k = 0; k < kFours; ++k) sums[k] = doubles_at(tile + 4 * k);
  for (std::size_t m = 0; m < terms.size(); ++m) {
    const double t = terms[m];
    const auto term = reinterpret_cast<Bits>(Doubles{t, t, t, t});
    // Shifts the highest four bits to the sign bits of doubles, then the next four.
    Bits signs = (Bits{} + signs_of(m)) << Bits{35, 34, 33, 32};
    for (std::size_t k = kFours; k > 0; signs <<= 4)
      sums[--k] += reinterpret_cast<Doubles>(term ^ (signs & kSignBit));
  }
  for (std::size_t k = 0; k < kFours; ++k) store(sums[k], tile + 4 * k);
}

template <class Real>
void add_all_signs(std::span<const WeightedSigns> sum, Range coordinates, std::span<Real> acc) {
  thread_local std::vector<double> terms;  // reused, so that a round does not allocate
  terms.resize(sum.size());
  for (std::size_t begin = coordinates.begin; begin < coordinates.end;) {
    std::size_t end = coordinates.end;  // the end of the range with constant terms
    for (std::size_t m = 0; m < sum.size(); ++m) {
      const SignPlane& signs = sum[m].signs;
      terms[m] = sum[m].weight * signs.scale_at(begin);
      if (signs.scales != nullptr) end = std::min(end, (begin / signs.block + 1) * signs.block);
    }
    for (; begin + kSumTile <= end; begin += kSumTile) {
      add_tile(terms, acc.data() + begin,
               [&](std::size_t m) { return load_le<std::uint32_t>(sum[m].signs.plane + begin / 8); });
    }
    if (begin == end) continue;
    std::array<Real, kSumTile> last{};
    std::copy(acc.data() + begin, acc.data() + end, last.begin());
    add_tile(terms, last.data(), [&](std::size_t m) {
      std::array<std::uint8_t, kSumTile / 8> bytes{};
      std::copy_n(sum[m].signs.plane + begin / 8, plane_bytes(end - begin), bytes.begin());
      return load_le<std::uint32_t>(bytes.data());
    });
    std::copy_n(last.begin(), end - begin, acc.data() + begin);
    begin = end;
  }
}

}  // namespace

double put_signs_of(AnyView x, std::uint8_t* plane) {
  return std::visit([&](auto reals) { return put_signs(reals, plane); }, x);
}

void put_drawn_signs_of(const Stream& stream, std::size_t first, double c, AnyView x, std::uint8_t* plane) {
  std::visit([&](auto reals) { put_drawn_signs(stream, first, c, reals, plane); }, x);
}

double largest_size(AnyView x) {
  return std::visit([](auto reals) { return largest_of(reals); }, x);
}

void add_signs_to_doubles(std::span<const WeightedSigns> sum, Range coordinates, MutView acc) {
  add_all_signs(sum, coordinates, acc);
}

void add_signs_to_floats(std::span<const WeightedSigns> sum, Range coordinates, MutFloatView acc) {
  add_all_signs(sum, coordinates, acc);
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {

namespace {

HWY_EXPORT(put_signs_of);
HWY_EXPORT(put_drawn_signs_of);
HWY_EXPORT(largest_size);
HWY_EXPORT(add_signs_to_doubles);
HWY_EXPORT(add_signs_to_floats);

/// plane = the signs of x; returns the mean of |x_j|.
double put_signs(AnyView x, std::uint8_t* plane) { return HWY_DYNAMIC_DISPATCH(put_signs_of)(x, plane); }

/// plane = signs of x, drawn with the words of the stream from `first` on, a multiple of 4.
void put_drawn_signs(const Stream& stream, std::size_t first, double c, AnyView x, std::uint8_t* plane) {
  HWY_DYNAMIC_DISPATCH(put_drawn_signs_of)(stream, first, c, x, plane);
}

std::size_t sign_length(Wire wire, std::size_t dim) { return kHeader + bytes_of(wire) + plane_bytes(dim); }
std::size_t known_sign_length(std::size_t dim) { return kCountHeader + plane_bytes(dim); }
std::size_t blocks_of(std::size_t dim, std::size_t block) { return (dim + block - 1) / block; }
std::size_t block_sign_length(Wire wire, std::size_t block, std::size_t dim) {
  return kCountHeader + blocks_of(dim, block) * bytes_of(wire) + plane_bytes(dim);
}

/// The counted floats of a plane of signs.
double floats_of_plane(const Incoming& message) {
  return static_cast<double>(message.dim) / static_cast<double>(8 * bytes_of(message.wire));
}

/// The least value of the wire's width that is >= c.
double rounded_up(Wire wire, double c) {
  return with_value_type(wire, [&]<class Value>(Value) {
    auto value = static_cast<Value>(c);
    if (static_cast<double>(value) < c) value = std::nextafter(value, std::numeric_limits<Value>::infinity());
    return static_cast<double>(value);
  });
}

std::size_t bits_of_known(double c) { return std::bit_cast<std::uint32_t>(static_cast<float>(c)) >> 8; }

std::uint8_t* begin_known_sign(Wire wire, double c, std::size_t dim, Message& out) {
  return store_count(bits_of_known(known_scale(c)),
                     begin_message(Format::known_sign, wire, known_sign_length(dim), out));
}

/// put(block's first coordinate, its entries, its bits) writes the bits and returns the block's c.
template <class Put>
void write_blocks(Wire wire, std::size_t block, AnyView x, Put&& put, Message& out) {
  check(block > 0 && block % 8 == 0 && block < kHeaderCountLimit,
        "a block of signs is a multiple of 8 below 2^24");
  const std::size_t dim = size_of(x);
  std::uint8_t* scale =
      store_count(block, begin_message(Format::block_sign, wire, block_sign_length(wire, block, dim), out));
  std::uint8_t* const plane = scale + blocks_of(dim, block) * bytes_of(wire);
  std::visit(
      [&](auto reals) {
        for (std::size_t j = 0; j < dim; j += block) {
          const double c = put(j, reals.subspan(j, std::min(block, dim - j)), plane + j / 8);
          scale = store_values(wire, View(&c, 1), scale);
        }
      },
      x);
}

/// The plane of a message, at offset `at`, after its other content.
const std::uint8_t* plane_at(const Incoming& message, std::size_t at) {
  const std::uint8_t* const plane = message.bytes.data() + at;
  if (message.dim % 8 != 0 && plane[message.dim / 8] >> (message.dim % 8) != 0)
    message.fail("a padding bit is set");
  return plane;
}

double checked_scale(const Incoming& message, std::size_t at) {
  const double c = message.value_at(at);
  if (c < 0) message.fail(fmt::format("a scale of {}; need >= 0", c));
  return c;
}

std::size_t block_of_message(const Incoming& message) {
  const std::size_t block = message.header_count();
  if (block == 0 || block % 8 != 0)
    message.fail(fmt::format("blocks of {} coordinates; need a multiple of 8, at least 8", block));
  message.need_length(block_sign_length(message.wire, block, message.dim));
  return block;
}

}  // namespace

double known_scale(double c) {
  check(c > 0 && c <= 3.2e38, "known_scale: need 0 < c <= 3.2e38");
  const std::uint32_t up = std::bit_cast<std::uint32_t>(static_cast<float>(rounded_up(Wire::f32, c)));
  return static_cast<double>(std::bit_cast<float>((up + 0xff) & ~std::uint32_t{0xff}));
}

double largest_size(AnyView x) { return HWY_DYNAMIC_DISPATCH(largest_size)(x); }

void write_sign(Wire wire, AnyView x, Message& out) {
  std::uint8_t* const scale = begin_message(Format::sign, wire, sign_length(wire, size_of(x)), out);
  const double mean_size = put_signs(x, scale + bytes_of(wire));
  store_values(wire, View(&mean_size, 1), scale);
}

void write_block_sign(Wire wire, std::size_t block, AnyView x, Message& out) {
  write_blocks(
      wire, block, x,
      [](std::size_t, AnyView entries, std::uint8_t* plane) { return put_signs(entries, plane); }, out);
}

void write_known_sign(Wire wire, double c, AnyView x, Message& out) {
  put_signs(x, begin_known_sign(wire, c, size_of(x), out));
}

void write_random_sign(Wire wire, double c, const Stream& stream, AnyView x, Message& out) {
  const double scale = rounded_up(wire, c);
  if (!std::isfinite(scale)) return write_dense(wire, x, out);
  std::uint8_t* const to = begin_message(Format::sign, wire, sign_length(wire, size_of(x)), out);
  std::uint8_t* const plane = store_values(wire, View(&scale, 1), to);
  put_drawn_signs(stream, 0, scale, x, plane);
}

void write_random_block_sign(Wire wire, std::size_t block, const Stream& stream, AnyView x, Message& out) {
  if (!std::isfinite(rounded_up(wire, largest_size(x)))) return write_dense(wire, x, out);
  const auto put = [&](std::size_t first, AnyView entries, std::uint8_t* plane) {
    const double c = rounded_up(wire, largest_size(entries));
    put_drawn_signs(stream, first, c, entries, plane);
    return c;
  };
  write_blocks(wire, block, x, put, out);
}

void write_random_known_sign(Wire wire, double c, double said, const Stream& stream, AnyView x,
                             Message& out) {
  const bool finite = std::visit([](auto reals) { return all_finite(reals); }, x);
  if (!(std::isfinite(c) && finite)) return write_dense(wire, x, out);
  put_drawn_signs(stream, 0, c, x, begin_known_sign(wire, said, size_of(x), out));
}

SignPlane read_sign(const Incoming& message) {
  message.need_length(sign_length(message.wire, message.dim));
  const double c = checked_scale(message, kHeader);
  return {.plane = plane_at(message, kHeader + bytes_of(message.wire)), .scale = c};
}

SignPlane read_known_sign(const Incoming& message) {
  message.need_length(known_sign_length(message.dim));
  const auto c = std::bit_cast<float>(static_cast<std::uint32_t>(message.header_count()) << 8);
  if (!(c > 0 && std::isfinite(c))) message.fail(fmt::format("a scale of {}; need a finite one > 0", c));
  return {.plane = plane_at(message, kCountHeader), .known = true, .scale = static_cast<double>(c)};
}

SignPlane read_block_sign(const Incoming& message) {
  const std::size_t block = block_of_message(message);
  const std::size_t length = blocks_of(message.dim, block) * bytes_of(message.wire);
  for (std::size_t at = 0; at < length; at += bytes_of(message.wire))
    checked_scale(message, kCountHeader + at);
  return {.plane = plane_at(message, kCountHeader + length),
          .scales = message.bytes.data() + kCountHeader,
          .block = block,
          .wire = message.wire};
}

template <>
void add_signs(std::span<const WeightedSigns> sum, Range coordinates, MutView acc) {
  HWY_DYNAMIC_DISPATCH(add_signs_to_doubles)(sum, coordinates, acc);
}

template <>
void add_signs(std::span<const WeightedSigns> sum, Range coordinates, MutFloatView acc) {
  HWY_DYNAMIC_DISPATCH(add_signs_to_floats)(sum, coordinates, acc);
}

double floats_sign(const Incoming& message) {
  message.need_length(sign_length(message.wire, message.dim));
  return 1 + floats_of_plane(message);
}

double floats_known_sign(const Incoming& message) {
  message.need_length(known_sign_length(message.dim));
  return floats_of_plane(message);
}

double floats_block_sign(const Incoming& message) {
  return static_cast<double>(blocks_of(message.dim, block_of_message(message))) + floats_of_plane(message);
}

}  // namespace laconic
#endif
