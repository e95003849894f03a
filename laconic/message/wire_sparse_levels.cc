// SPDX-License-Identifier: Apache-2.0
// Levels that are not zero: s, their number K, the value that is the unit of the levels, then one string of
// bits: K gaps between the coordinates in Golomb's code, K signs, K levels in the code of their family.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "laconic/message/bits.h"
#include "laconic/message/formats.h"
#include "laconic/message/levels.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

constexpr std::size_t kSparseHeader = kCountHeader + 4;  // format, s, K

std::size_t head_of(Wire wire) { return kSparseHeader + bytes_of(wire); }

}  // namespace

std::size_t least_sparse_levels_bytes(Wire wire, std::size_t dim, std::size_t count, std::size_t level_bits) {
  return head_of(wire) + (GapCodes::least_bits(count, dim) + count + level_bits + 7) / 8;
}

template <class Family>
bool write_sparse_levels(Wire wire, std::size_t s, double value, std::size_t dim, const LevelList& levels,
                         std::size_t level_bits, std::size_t limit, Message& out) {
  const std::size_t count = levels.support.size();
  std::size_t bits = count + level_bits;
  for_each_gap(dim, levels.support,
               [&](const GapCode& code, std::uint32_t gap) { bits += code.length(gap); });
  const std::size_t length = head_of(wire) + (bits + 7) / 8;
  if (length >= limit) return false;

  std::uint8_t* to = store_count(s, begin_message(Family::kSparse, wire, length, out));
  store_le(static_cast<std::uint32_t>(count), to);
  BitWriter writer(store_values(wire, View(&value, 1), to + 4));
  for_each_gap(dim, levels.support, [&](const GapCode& code, std::uint32_t gap) { code.put(writer, gap); });
  const auto zero = static_cast<std::uint32_t>(s);
  for (const std::uint32_t code : levels.codes) writer.put(code < zero ? 1 : 0, 1);
  if (s > 1) {
    for (const std::uint32_t code : levels.codes) {
      Family::put(code < zero ? zero - code : code - zero, zero, writer);
    }
  }
  writer.finish();
  return true;
}

template bool write_sparse_levels<UniformLevels>(Wire, std::size_t, double, std::size_t, const LevelList&,
                                                 std::size_t, std::size_t, Message&);
template bool write_sparse_levels<PowerLevels>(Wire, std::size_t, double, std::size_t, const LevelList&,
                                               std::size_t, std::size_t, Message&);

namespace {

/// A message of sparse levels, with everything checked except its string of bits.
template <class Family>
struct SparseLevels {
  const Incoming& message;
  std::uint32_t s;
  std::size_t count = 0;
  double value = 0;
  std::span<const std::uint8_t> string;

  explicit SparseLevels(const Incoming& incoming)
      : message(incoming), s(static_cast<std::uint32_t>(message.header_count())) {
    if (s == 0 || s > Family::kLimit) {
      message.fail(fmt::format("{} levels; need at least 1 and at most {}", s, Family::kLimit));
    }
    const std::size_t head = head_of(message.wire);
    if (message.bytes.size() < head) message.fail(fmt::format("truncated in its header of {} bytes", head));
    count = load_le<std::uint32_t>(message.bytes.data() + kCountHeader);
    if (count > message.dim) {
      message.fail(fmt::format("{} levels that are not zero; need at most {}", count, message.dim));
    }
    value = message.value_at(kSparseHeader);
    if (!(value >= 0) || std::isinf(value)) {
      message.fail(fmt::format("a value of {}; need a finite one >= 0", value));
    }
    string = message.bytes.subspan(head);
    // A gap, a sign and a level have a bit at least. So a forged count cannot reserve much memory.
    if (count * (s > 1 ? 3 : 2) > 8 * string.size()) {
      message.fail(fmt::format("truncated: {} levels do not fit", count));
    }
  }

  /// Calls take(j, q, negative) for each level that is not zero, in the order of the coordinates j.
  template <class Take>
  void for_each(Take&& take) const {
    thread_local std::vector<std::uint32_t> support;  // reused, so that a round does not allocate
    support.resize(count);
    BitReader gaps(string);
    GapCodes codes(count, message.dim);
    std::uint64_t next = 0;  // the least possible next coordinate
    for (std::size_t i = 0; i < count; ++i) {
      next += codes.next(message.dim - next).get(gaps, message.dim);
      if (next >= message.dim || gaps.past_end()) {
        message.fail(fmt::format("index {} is not there or too large", i));
      }
      support[i] = static_cast<std::uint32_t>(next++);
    }
    BitReader signs = gaps;
    BitReader levels = gaps;
    levels.skip(static_cast<unsigned>(count));
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t q = s == 1 ? 1 : Family::get(s, levels);
      if (q == 0 || levels.past_end()) message.fail(fmt::format("level {} is not there or too large", i));
      const bool negative = (signs.window() & 1) != 0;
      signs.skip(1);
      take(support[i], q, negative);
    }
    const std::size_t need = (levels.position() + 7) / 8;
    if (string.size() != need) message.fail(fmt::format("{} bytes of levels; need {}", string.size(), need));
    if (levels.window() != 0) message.fail("a padding bit is set");
  }
};

template <class Family, class Real>
void add_sparse_family(const Incoming& message, double weight, std::span<Real> acc) {
  const SparseLevels<Family> levels(message);
  levels.for_each([&](std::uint32_t j, std::uint32_t q, bool negative) {
    const double size = Family::size(q, levels.s, levels.value);
    add_to(acc[j], weight * (negative ? -size : size));
  });
}

}  // namespace

template <class Real>
void add_sparse_levels(const Incoming& message, double weight, std::span<Real> acc) {
  add_sparse_family<UniformLevels>(message, weight, acc);
}

double floats_sparse_levels(const Incoming& message) {
  const SparseLevels<UniformLevels> levels(message);
  return floats_of_levels(message.wire, levels.s, levels.count);
}

template <class Real>
void add_sparse_power_levels(const Incoming& message, double weight, std::span<Real> acc) {
  add_sparse_family<PowerLevels>(message, weight, acc);
}

double floats_sparse_power_levels(const Incoming& message) {
  const SparseLevels<PowerLevels> levels(message);
  return floats_of_levels(message.wire, levels.s, message.dim);
}

template void add_sparse_levels(const Incoming&, double, MutView);
template void add_sparse_levels(const Incoming&, double, MutFloatView);
template void add_sparse_power_levels(const Incoming&, double, MutView);
template void add_sparse_power_levels(const Incoming&, double, MutFloatView);

}  // namespace laconic
