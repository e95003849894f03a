// SPDX-License-Identifier: Apache-2.0
// Eight planes at a time are added by a tree of carry-save adders. The tree holds the digits for ones, twos
// and fours; its carry, the eights, is added to the higher digits. The constants follow from the cache and
// the prefetcher: more than eight planes, at addresses that differ by multiples of a page, would evict each
// other from the first-level cache, and short pieces end before the CPU begins to prefetch.
#include "laconic/message/sign_count.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "laconic/core/error.h"
#include "laconic/core/range.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/message/sign_count.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

constexpr std::size_t kLine = 64;  // bytes that are read at once
// bytes of a plane: with this distance, no two digits share a cache set
constexpr std::size_t kBlock = 127 * kLine;
constexpr unsigned kTree = 3;  // number of digits that the tree holds
constexpr std::size_t kInputs = std::size_t{1} << kTree;

using Planes = std::span<const std::uint8_t* const>;

/// What is added at once.
using Piece = std::uint64_t __attribute__((vector_size(sizeof(MostDoubles))));

/// digit = the sum digit + a + b; returns the carry.
Piece carry_save(Piece& digit, Piece a, Piece b) {
  const Piece either = digit ^ a;
  const Piece carry = (digit & a) | (either & b);
  digit = either ^ b;
  return carry;
}

/// held += the 2^digits inputs; returns the carry.
template <unsigned digits>
Piece add_tree(Piece* held, const Piece* inputs) {
  if constexpr (digits == 0) {
    return inputs[0];
  } else {
    const Piece a = add_tree<digits - 1>(held, inputs);
    const Piece b = add_tree<digits - 1>(held, inputs + (std::size_t{1} << (digits - 1)));
    return carry_save(held[digits - 1], a, b);
  }
}

/// The digits of the counts: planes at a distance of `apart` bytes.
struct Digits {
  std::uint8_t* first;
  std::size_t count;
  std::size_t apart;
};

/// digits += the inputs, for kLine bytes.
void add_line(const std::array<const std::uint8_t*, kInputs>& inputs, std::size_t at, const Digits& digits) {
  constexpr std::size_t kParts = kLine / sizeof(Piece);
  Piece in[kParts][kInputs];
  for (std::size_t k = 0; k < kInputs; ++k) {
    for (std::size_t p = 0; p < kParts; ++p) in[p][k] = load<Piece>(inputs[k] + at + p * sizeof(Piece));
  }
  for (std::size_t p = 0; p < kParts; ++p) {
    std::uint8_t* digit = digits.first + at + p * sizeof(Piece);
    Piece held[kTree];
    for (unsigned k = 0; k < kTree; ++k) held[k] = load<Piece>(digit + k * digits.apart);
    Piece carry = add_tree<kTree>(held, in[p]);
    for (unsigned k = 0; k < kTree; ++k, digit += digits.apart) std::memcpy(digit, &held[k], sizeof(Piece));
    for (std::size_t k = kTree; k < digits.count; ++k, digit += digits.apart) {
      const Piece before = load<Piece>(digit);
      const Piece sum = before ^ carry;
      carry &= before;
      std::memcpy(digit, &sum, sizeof(Piece));
    }
  }
}

/// digits += at most kInputs planes, for the bytes in `part`.
void add_planes(Planes planes, Range part, const Digits& digits) {
  static constexpr std::array<std::uint8_t, kBlock> kNone{};
  std::array<const std::uint8_t*, kInputs> inputs;  // NOLINT: filled here
  inputs.fill(kNone.data());
  for (std::size_t k = 0; k < planes.size(); ++k) inputs[k] = planes[k] + part.begin;
  const std::size_t whole = part.size() / kLine * kLine;
  for (std::size_t at = 0; at < whole; at += kLine) add_line(inputs, at, digits);
  if (whole == part.size()) return;
  std::array<std::array<std::uint8_t, kLine>, kInputs> last{};
  for (std::size_t k = 0; k < kInputs; ++k) {
    std::copy(inputs[k] + whole, inputs[k] + part.size(), last[k].begin());
    inputs[k] = last[k].data();
  }
  add_line(inputs, 0, {digits.first + whole, digits.count, digits.apart});
}

/// Entry b: the bits of b spread to the lowest bits of eight bytes, the first bit in the lowest byte.
constexpr std::array<std::uint64_t, 256> kSpread = [] {
  std::array<std::uint64_t, 256> spread{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (unsigned b = 0; b < 8; ++b) spread[byte] |= std::uint64_t{byte >> b & 1} << (8 * b);
  }
  return spread;
}();

/// The lowest four bytes, as doubles.
Doubles four_bytes(std::uint64_t bytes) {
  // the bits of the double 2^52; a number in its low bits adds that number
  constexpr std::uint64_t kTwoTo52 = 0x4330000000000000;
  const Bits each = (Bits{} + bytes) >> Bits{0, 8, 16, 24} & 0xff;
  return reinterpret_cast<Doubles>(each | kTwoTo52) - 0x1p52;
}

}  // namespace

/// digits += the planes, for the bytes in `part`.
void count_planes(Planes planes, Range part, std::uint8_t* digits, std::size_t count, std::size_t apart) {
  for (std::size_t p = 0; p < planes.size(); p += kInputs)
    add_planes(planes.subspan(p, std::min(kInputs, planes.size() - p)), part, {digits, count, apart});
}

/// acc += term * (all - 2 * the counts)
void add_counts(const std::uint8_t* digits, std::size_t count, std::size_t apart, double term, double all,
                MutView acc) {
  const auto add_eight = [&](std::size_t byte, double* to) {
    Doubles minus[2]{};
    double unit = 1;
    for (std::size_t first = 0; first < count; first += 8, unit *= 256) {
      std::uint64_t counts = 0;  // the counts by these digits, one byte each
      for (std::size_t k = first; k < std::min(first + 8, count); ++k)
        counts |= kSpread[digits[k * apart + byte]] << (k - first);
      minus[0] += unit * four_bytes(counts);
      minus[1] += unit * four_bytes(counts >> 32);
    }
    for (std::size_t l = 0; l < 2; ++l)
      store(load<Doubles>(to + 4 * l) + term * (all - 2 * minus[l]), to + 4 * l);
  };
  const std::size_t whole = acc.size() / 8;
  for (std::size_t byte = 0; byte < whole; ++byte) add_eight(byte, acc.data() + 8 * byte);
  const MutView rest = acc.subspan(8 * whole);
  if (rest.empty()) return;
  std::array<double, 8> last{};
  std::copy(rest.begin(), rest.end(), last.begin());
  add_eight(whole, last.data());
  std::copy_n(last.begin(), rest.size(), rest.begin());
}
}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {

namespace {

using HWY_NAMESPACE::kBlock;
using HWY_NAMESPACE::kLine;

HWY_EXPORT(count_planes);
HWY_EXPORT(add_counts);

/// The distance between the digit planes for this number of bytes of a plane: whole lines.
std::size_t apart(std::size_t bytes) { return std::min(kBlock, (bytes + kLine - 1) / kLine * kLine); }

}  // namespace

void SignCount::add(std::span<const std::uint8_t* const> planes, std::size_t dim, ThreadPool& pool) {
  if (planes.empty()) return;
  check(term_.has_value(), "signs to count are those that were taken");
  const std::size_t bytes = (dim + 7) / 8;
  blocks_.resize((bytes + kBlock - 1) / kBlock);
  const bool anew = count_ == 0;
  count_ += planes.size();
  const std::size_t digits = std::max<std::size_t>(HWY_NAMESPACE::kTree, std::bit_width(count_));
  const std::size_t stride = apart(bytes);
  pool.for_each(blocks_.size(), [&](std::size_t b) {
    std::vector<std::uint8_t>& block = blocks_[b];
    const Range part{b * kBlock, std::min((b + 1) * kBlock, bytes)};
    if (anew) block.clear();
    block.resize(digits * stride);
    HWY_DYNAMIC_DISPATCH(count_planes)(planes, part, block.data(), digits, stride);
  });
}

void SignCount::settle(ThreadPool& pool, MutView acc) {
  if (count_ == 0) return clear();
  const std::size_t digits = std::bit_width(count_);
  const std::size_t stride = apart((acc.size() + 7) / 8);
  pool.for_each(blocks_.size(), [&](std::size_t b) {
    const std::size_t begin = 8 * kBlock * b;
    const MutView part = acc.subspan(begin, std::min(8 * kBlock, acc.size() - begin));
    HWY_DYNAMIC_DISPATCH(add_counts)
    (blocks_[b].data(), digits, stride, *term_, static_cast<double>(count_), part);
  });
  clear();
}

}  // namespace laconic
#endif
