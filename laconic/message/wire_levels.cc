// SPDX-License-Identifier: Apache-2.0
// Levels on the wire: s, the value that is the unit of the levels, then a code of b = 1 + ceil(log2(s + 1))
// bits per coordinate. The code is s + q, where q = -s .. s is the signed level. So zero has no sign, and
// rounding needs no absolute value. The writers here replace this form by the sparse one
// (wire_sparse_levels.cc) where that is shorter.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/message/bits.h"
#include "laconic/message/formats.h"
#include "laconic/message/levels.h"
#include "laconic/message/wire.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/message/wire_levels.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

/// Coordinates per tile, so that their random words and codes stay in the first-level cache.
constexpr std::size_t kTile = 512;
using Codes = std::span<std::uint16_t>;

std::size_t levels_length(Wire wire, std::size_t s, std::size_t dim) {
  return kCountHeader + bytes_of(wire) + (dim * bits_per_level(s) + 7) / 8;
}

// Both functions work on a local copy of their writer or reader, which then stays in registers.

void put_codes(Codes codes, unsigned bits, BitWriter& to) {
  BitWriter writer = to;
  std::size_t i = 0;
  if (bits <= 8) {
    for (; i + 4 <= codes.size(); i += 4) {
      const std::uint64_t low = codes[i] | std::uint64_t{codes[i + 1]} << bits;
      const std::uint64_t high = codes[i + 2] | std::uint64_t{codes[i + 3]} << bits;
      writer.put(low | high << (2 * bits), 4 * bits);
    }
  }
  for (; i < codes.size(); ++i) writer.put(codes[i], bits);
  to = writer;
}

void get_codes(BitReader& from, unsigned bits, Codes codes) {
  BitReader reader = from;
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  const auto next_codes = [&](std::size_t i, std::size_t count) {
    const std::uint64_t window = reader.window();
    for (std::size_t c = 0; c < count; ++c) {
      codes[i + c] = static_cast<std::uint16_t>(window >> (c * bits) & mask);
    }
    reader.skip(static_cast<unsigned>(count) * bits);
  };
  std::size_t i = 0;
  if (bits <= 8) {
    for (; i + 4 <= codes.size(); i += 4) next_codes(i, 4);
  }
  for (; i < codes.size(); ++i) next_codes(i, 1);
  from = reader;
}

/// |x / unit|^2
template <class Real>
double squares(std::span<const Real> x, double unit) {
  RunningSums sums;
  std::size_t j = 0;
  for (; j + 16 <= x.size(); j += 16) {
    for (std::size_t k = 0; k < 4; ++k) {
      const Doubles v = doubles_at(x.data() + j + 4 * k) * (1 / unit);
      sums[k] += v * v;
    }
  }
  for (; j < x.size(); ++j) {
    const double v = static_cast<double>(x[j]) / unit;
    sums[0][0] += v * v;
  }
  return sums.total();
}

/// |x|, also if squares overflow or underflow. Never below the largest |x_j|: units are powers of two, and
/// every step of the sum and the root is correctly rounded.
template <class Real>
double norm(std::span<const Real> x) {
  const double plain = squares(x, 1);
  if (plain > 1e-280 && plain < 1e300) return std::sqrt(plain);
  const double unit = plain < 1 ? 0x1p-600 : 0x1p600;
  return std::sqrt(squares(x, unit)) * unit;
}

/// The least value of the wire's width such that s times it is at least the norm.
template <class Value>
double least_step(double norm, std::size_t s) {
  const auto steps = static_cast<double>(s);
  auto step = static_cast<Value>(norm / steps);
  if (static_cast<double>(step) * steps < norm) {
    step = std::nextafter(step, std::numeric_limits<Value>::infinity());
  }
  return static_cast<double>(step);
}

/// What the length of the sparse form depends on, apart from the coordinates of the levels.
template <class Family>
struct Tally {
  std::size_t nonzeros = 0;
  std::size_t marks = 0;

  void add(Codes codes, std::size_t s) {
    const auto zero = static_cast<std::int32_t>(s);
    std::uint32_t tile_nonzeros = 0;
    std::uint32_t tile_marks = 0;
    for (const std::uint16_t code : codes) {
      const std::int32_t level = code - zero;
      const auto q = static_cast<std::uint32_t>(level < 0 ? -level : level);
      tile_nonzeros += q != 0 ? 1 : 0;
      tile_marks += Family::mark(q);
    }
    nonzeros += tile_nonzeros;
    marks += tile_marks;
  }
};

/// Calls take(codes, begin) tile by tile, with the codes of the coordinates from `begin` on. Returns a reader
/// of the bits behind them.
template <class Take>
BitReader for_each_tile(std::span<const std::uint8_t> from, std::size_t dim, std::size_t s, Take&& take) {
  BitReader reader(from);
  std::array<std::uint16_t, kTile> tile;  // NOLINT: filled before it is read
  for (std::size_t begin = 0; begin < dim; begin += kTile) {
    const Codes codes = Codes(tile).first(std::min(kTile, dim - begin));
    get_codes(reader, bits_per_level(s), codes);
    take(codes, begin);
  }
  return reader;
}

/// Collects the levels that are not zero.
class LevelCollector {
 public:
  LevelCollector(std::size_t s, LevelList& levels) : s_(static_cast<std::uint16_t>(s)), levels_(levels) {}

  /// Adds those of the codes of the coordinates from `begin` on, at most kTile.
  void add(Codes codes, std::size_t begin) {
    constexpr std::size_t kGroup = 32;
    if (std::min(levels_.support.size(), levels_.codes.size()) < size_ + kTile + 1) {
      levels_.support.resize(2 * size_ + kTile + 1);  // one more, which is written without a branch
      levels_.codes.resize(2 * size_ + kTile + 1);
    }
    for (std::size_t first = 0; first < codes.size(); first += kGroup) {
      const Codes group = codes.subspan(first, std::min(kGroup, codes.size() - first));
      std::uint16_t differs = 0;
      for (const std::uint16_t code : group) differs |= static_cast<std::uint16_t>(code ^ s_);
      if (differs == 0) continue;
      for (std::size_t k = 0; k < group.size(); ++k) {
        levels_.support[size_] = static_cast<std::uint32_t>(begin + first + k);
        levels_.codes[size_] = group[k];
        size_ += group[k] != s_ ? 1 : 0;
      }
    }
  }

  const LevelList& finish() {
    levels_.support.resize(size_);
    levels_.codes.resize(size_);
    return levels_;
  }

 private:
  std::uint16_t s_;
  LevelList& levels_;
  std::size_t size_ = 0;
};

/// Writes the codes of the coordinates 0 .. dim-1, of which the list has those that are not zero.
void put_codes_of(const LevelList& levels, std::size_t s, std::size_t dim, BitWriter& writer) {
  std::array<std::uint16_t, kTile> tile;  // NOLINT: filled before it is read
  std::size_t i = 0;
  for (std::size_t begin = 0; begin < dim; begin += kTile) {
    const Codes codes = Codes(tile).first(std::min(kTile, dim - begin));
    std::fill(codes.begin(), codes.end(), static_cast<std::uint16_t>(s));
    for (; i < levels.support.size() && levels.support[i] < begin + codes.size(); ++i)
      codes[levels.support[i] - begin] = levels.codes[i];
    put_codes(codes, bits_per_level(s), writer);
  }
}

/// `steps` times the message's value is the norm. code_of(v, word) is the code of an entry v, in units of the
/// value, with a random word. Levels that are not zero are listed for as long as the sparse form of the
/// coordinates so far may be the shorter one.
template <class Family, class Real, class CodeOf>
void write_levels(Wire wire, std::size_t s, std::size_t steps, const Stream& stream, std::span<const Real> x,
                  CodeOf&& code_of, Message& out) {
  const double length = norm(x);
  const double value =
      with_value_type(wire, [&]<class Value>(Value) { return least_step<Value>(length, steps); });
  if (!std::isfinite(value)) return write_dense(wire, x, out);

  const double unit = value > 0 ? value : 1;  // the zero vector can use any unit
  Tally<Family> tally;
  const auto level_bits = [&] { return Family::bits(tally.marks, tally.nonzeros, s); };
  const auto may_be_sparse = [&](std::size_t dim) {
    return least_sparse_levels_bytes(wire, dim, tally.nonzeros, level_bits()) < levels_length(wire, s, dim);
  };
  const auto begin_dense = [&] {
    std::uint8_t* to = begin_message(Family::kDense, wire, levels_length(wire, s, x.size()), out);
    return BitWriter(store_values(wire, View(&value, 1), store_count(s, to)));
  };
  thread_local LevelList levels;  // reused, so that a round does not allocate
  LevelCollector collector(s, levels);
  std::optional<BitWriter> dense;
  std::array<std::uint32_t, kTile> words;  // NOLINT: filled before it is read
  std::array<std::uint16_t, kTile> tile;   // NOLINT: filled before it is read
  for (std::size_t begin = 0; begin < x.size(); begin += kTile) {
    const Codes codes = Codes(tile).first(std::min(kTile, x.size() - begin));
    stream.fill(begin / 4, std::span(words).first(codes.size()));
    for (std::size_t i = 0; i < codes.size(); ++i)
      codes[i] = code_of(static_cast<double>(x[begin + i]) / unit, words[i]);
    tally.add(codes, s);
    if (!dense && !may_be_sparse(begin + codes.size())) {
      dense = begin_dense();
      put_codes_of(collector.finish(), s, begin, *dense);
    }
    if (dense) {
      put_codes(codes, bits_per_level(s), *dense);
    } else {
      collector.add(codes, begin);
    }
  }

  const std::size_t dense_bytes = levels_length(wire, s, x.size());
  const auto write_sparse = [&](const LevelList& list) {
    return write_sparse_levels<Family>(wire, s, value, x.size(), list, level_bits(), dense_bytes, out);
  };
  if (!dense) {
    if (write_sparse(collector.finish())) return;
    dense = begin_dense();
    put_codes_of(levels, s, x.size(), *dense);
    dense->finish();
    return;
  }
  dense->finish();
  if (!may_be_sparse(x.size())) return;
  LevelCollector all(s, levels);
  for_each_tile(std::span(out.bytes).subspan(kCountHeader + bytes_of(wire)), x.size(), s,
                [&](Codes codes, std::size_t begin) { all.add(codes, begin); });
  write_sparse(all.finish());
}

/// A message of levels, with everything checked except its codes.
template <class Family>
struct Levels {
  const Incoming& message;
  std::size_t s;
  double value;

  explicit Levels(const Incoming& incoming) : message(incoming), s(message.header_count()) {
    if (s == 0 || s > Family::kLimit) {
      message.fail(fmt::format("{} levels; need at least 1 and at most {}", s, Family::kLimit));
    }
    message.need_length(levels_length(message.wire, s, message.dim));
    value = message.value_at(kCountHeader);
    if (value < 0) message.fail(fmt::format("a value of {}; need >= 0", value));
  }

  /// Calls take(codes, begin) tile by tile, with the codes of the coordinates from `begin` on.
  template <class Take>
  void for_each(Take&& take) const {
    const auto from = message.bytes.subspan(kCountHeader + bytes_of(message.wire));
    const BitReader rest = for_each_tile(from, message.dim, s, [&](Codes codes, std::size_t begin) {
      std::uint16_t highest = 0;
      for (const std::uint16_t code : codes) highest = std::max(highest, code);
      if (highest > 2 * s) message.fail(fmt::format("a code of {}; need at most {}", highest, 2 * s));
      take(codes, begin);
    });
    if (rest.window() != 0) message.fail("a padding bit is set");
  }
};

}  // namespace

void write_uniform_levels(Wire wire, std::size_t s, const Stream& stream, AnyView x, Message& out) {
  check(s >= 1 && s <= kUniformLevelLimit, "uniform levels need 1 <= s < 2^15");
  // floor(v + s + u), where u is uniform on the midpoints of 2^31 equal parts of [0, 1). |v| is at most s, up
  // to rounding far below one part, so the code is from 0 to 2 s.
  const double middle = static_cast<double>(s) + 0x1p-32;
  const auto code_of = [middle](double v, std::uint32_t word) {
    const double u = static_cast<double>(static_cast<std::int32_t>(word >> 1)) * 0x1p-31;
    return static_cast<std::uint16_t>(static_cast<std::int32_t>(v + (u + middle)));
  };
  std::visit([&](auto reals) { write_levels<UniformLevels>(wire, s, s, stream, reals, code_of, out); }, x);
}

template <class Real>
void add_uniform(const Incoming& message, double weight, std::span<Real> acc) {
  const Levels<UniformLevels> levels(message);
  const auto s = static_cast<std::int32_t>(levels.s);
  levels.for_each([&](Codes codes, std::size_t begin) {
    for (std::size_t i = 0; i < codes.size(); ++i) {
      add_to(acc[begin + i], weight * (static_cast<double>(codes[i] - s) * levels.value));
    }
  });
}

double floats_uniform_levels(const Incoming& message) {
  const Levels<UniformLevels> levels(message);
  std::size_t count = 0;
  levels.for_each([&](Codes codes, std::size_t) {
    count += codes.size() - static_cast<std::size_t>(std::count(codes.begin(), codes.end(), levels.s));
  });
  return floats_of_levels(message.wire, levels.s, count);
}

void write_power_levels(Wire wire, std::size_t s, const Stream& stream, AnyView x, Message& out) {
  check(s >= 1 && s <= kPowerLevelLimit, "power levels need 1 <= s < 2^7");
  constexpr unsigned kMantissaBits = 52;
  // As in wire_natural.cc, rounding is an addition to the mantissa: the carry into the exponent has the right
  // probability. Below the least power, adding that power first puts |v| / least into the mantissa.
  const std::uint64_t least_exponent = 1023 - (s - 1);
  const double least = power_of_two(least_exponent);
  const auto code_of = [=](double v, std::uint32_t word) {
    const double size = std::abs(v);
    const bool tiny = size < least;
    const auto moved = std::bit_cast<std::uint64_t>(size + (tiny ? least : 0));
    const std::uint64_t dither = (2 * std::uint64_t{word} + 1) << (kMantissaBits - 33);
    const std::uint64_t exponent = (moved + dither) >> kMantissaBits;
    const std::uint64_t level = exponent - least_exponent + (tiny ? 0 : 1);
    return static_cast<std::uint16_t>(v < 0 ? s - level : s + level);
  };
  std::visit([&](auto reals) { write_levels<PowerLevels>(wire, s, 1, stream, reals, code_of, out); }, x);
}

template <class Real>
void add_powers(const Incoming& message, double weight, std::span<Real> acc) {
  const Levels<PowerLevels> levels(message);
  const auto s = static_cast<std::uint32_t>(levels.s);
  std::array<double, 2 * kPowerLevelLimit + 1> terms;  // increment for each code; NOLINT: 2 s + 1 are filled
  for (std::uint32_t level = 0; level <= s; ++level) {
    const double size = PowerLevels::size(level, s, levels.value);
    terms[s - level] = weight * -size;
    terms[s + level] = weight * size;  // of level 0 this is the term
  }
  levels.for_each([&](Codes codes, std::size_t begin) {
    for (std::size_t i = 0; i < codes.size(); ++i) add_to(acc[begin + i], terms[codes[i]]);
  });
}

double floats_power_levels(const Incoming& message) {
  const Levels<PowerLevels> levels(message);
  levels.for_each([](Codes, std::size_t) {});
  return floats_of_levels(message.wire, levels.s, message.dim);
}

void add_uniform_to_doubles(const Incoming& message, double weight, MutView acc) {
  add_uniform(message, weight, acc);
}
void add_uniform_to_floats(const Incoming& message, double weight, MutFloatView acc) {
  add_uniform(message, weight, acc);
}
void add_powers_to_doubles(const Incoming& message, double weight, MutView acc) {
  add_powers(message, weight, acc);
}
void add_powers_to_floats(const Incoming& message, double weight, MutFloatView acc) {
  add_powers(message, weight, acc);
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {

namespace {

HWY_EXPORT(write_uniform_levels);
HWY_EXPORT(write_power_levels);
HWY_EXPORT(add_uniform_to_doubles);
HWY_EXPORT(add_uniform_to_floats);
HWY_EXPORT(add_powers_to_doubles);
HWY_EXPORT(add_powers_to_floats);
HWY_EXPORT(floats_uniform_levels);
HWY_EXPORT(floats_power_levels);

}  // namespace

void write_uniform_levels(Wire wire, std::size_t s, const Stream& stream, AnyView x, Message& out) {
  HWY_DYNAMIC_DISPATCH(write_uniform_levels)(wire, s, stream, x, out);
}

void write_power_levels(Wire wire, std::size_t s, const Stream& stream, AnyView x, Message& out) {
  HWY_DYNAMIC_DISPATCH(write_power_levels)(wire, s, stream, x, out);
}

template <>
void add_uniform_levels(const Incoming& message, double weight, MutView acc) {
  HWY_DYNAMIC_DISPATCH(add_uniform_to_doubles)(message, weight, acc);
}

template <>
void add_uniform_levels(const Incoming& message, double weight, MutFloatView acc) {
  HWY_DYNAMIC_DISPATCH(add_uniform_to_floats)(message, weight, acc);
}

template <>
void add_power_levels(const Incoming& message, double weight, MutView acc) {
  HWY_DYNAMIC_DISPATCH(add_powers_to_doubles)(message, weight, acc);
}

template <>
void add_power_levels(const Incoming& message, double weight, MutFloatView acc) {
  HWY_DYNAMIC_DISPATCH(add_powers_to_floats)(message, weight, acc);
}

double floats_uniform_levels(const Incoming& message) {
  return HWY_DYNAMIC_DISPATCH(floats_uniform_levels)(message);
}

double floats_power_levels(const Incoming& message) {
  return HWY_DYNAMIC_DISPATCH(floats_power_levels)(message);
}

}  // namespace laconic
#endif
