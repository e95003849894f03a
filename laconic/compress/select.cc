// SPDX-License-Identifier: Apache-2.0
// Exact selection with a guess that is checked. The bits of |v|, read as an integer, order doubles by
// absolute value; that integer is called the `magnitude` of v below. A sample of x gives a magnitude that
// slightly more than `count` entries reach. One pass collects those entries, and the selection continues
// among them. The guess affects the time, never the result.
#include "laconic/compress/select.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <span>

#include "laconic/core/error.h"
#include "laconic/message/wire.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/compress/select.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

using Magnitude = std::int64_t;  // never negative
using Magnitudes = Integers<MostDoubles>;

Magnitude magnitude(double v) {
  return static_cast<Magnitude>(std::bit_cast<std::uint64_t>(v) & ~(std::uint64_t{1} << 63));
}

struct Extent {
  Magnitude least, most;
};

Extent extent_of(std::span<const Magnitude> from) {
  Extent extent{from[0], from[0]};
  for (const Magnitude m : from) extent = {std::min(extent.least, m), std::max(extent.most, m)};
  return extent;
}

/// The part of `from` that contains its rank-th largest number, moved to the front: one of at most 2048
/// ranges of equal width. `rank` becomes the rank in that part.
std::span<Magnitude> narrowed(std::span<Magnitude> from, std::size_t& rank) {
  std::array<std::uint32_t, 2048> count;  // NOLINT: the used part is cleared
  const auto [least, most] = extent_of(from);
  const auto width = static_cast<std::uint64_t>(most - least);
  const int shift = std::max(0, static_cast<int>(std::bit_width(width)) - 11);
  const auto bucket_of = [least = least, shift](Magnitude m) {
    return static_cast<std::size_t>((m - least) >> shift);
  };
  std::fill_n(count.begin(), (width >> shift) + 1, 0U);
  for (const Magnitude m : from) ++count[bucket_of(m)];
  std::size_t bucket = width >> shift;
  for (; rank > count[bucket]; --bucket) rank -= count[bucket];
  std::size_t kept = 0;
  for (const Magnitude m : from) {
    from[kept] = m;
    kept += bucket_of(m) == bucket ? 1 : 0;
  }
  return from.first(kept);
}

struct Parted {
  std::size_t above;      // how many numbers exceed the bound
  Magnitude least_above;  // the least of these
  Magnitude below;        // the largest of the others
};

/// Of numbers on both sides of the bound.
Parted part(std::span<const Magnitude> from, Magnitude bound) {
  constexpr std::size_t kCount = kLanesOf<MostDoubles>;
  const Magnitudes none_above = Magnitudes{} + INT64_MAX;
  const Magnitudes none_below = Magnitudes{} - 1;
  const Magnitudes bounds = Magnitudes{} + bound;
  Magnitudes above{}, least_above = none_above, below = none_below;
  const auto add = [&](Magnitudes m) {
    const Magnitudes is_above = m > bounds;
    const Magnitudes high = is_above != 0 ? m : none_above;
    const Magnitudes low = is_above != 0 ? none_below : m;
    above -= is_above;
    least_above = high < least_above ? high : least_above;
    below = low > below ? low : below;
  };
  std::size_t i = 0;
  for (; i + kCount <= from.size(); i += kCount) add(load<Magnitudes>(from.data() + i));
  if (i < from.size()) {
    Magnitude last[kCount];
    std::fill_n(last, kCount, Magnitude{-1});  // below every number
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(i), from.end(), last);
    add(load<Magnitudes>(last));
  }
  Parted parted{0, INT64_MAX, -1};
  for (std::size_t l = 0; l < kCount; ++l) {
    parted.above += static_cast<std::size_t>(above[l]);
    parted.least_above = std::min<Magnitude>(parted.least_above, least_above[l]);
    parted.below = std::max<Magnitude>(parted.below, below[l]);
  }
  return parted;
}

/// A number that at most `rank` of `from` exceed and at least `rank` reach, 1 <= rank <= size. Reorders and
/// overwrites `from`.
Magnitude separator(std::span<Magnitude> from, std::size_t rank) {
  constexpr std::size_t kFew = 2048;  // a bisection of so many costs less than a pass of narrowed()
  std::size_t before = from.size() + 1;
  while (from.size() > kFew && from.size() < before) {
    before = from.size();
    from = narrowed(from, rank);
  }
  auto [low, high] = extent_of(from);  // at least `rank` numbers reach low, at most `rank` exceed high
  while (low < high) {
    const Parted parted = part(from, low + (high - low) / 2);
    if (parted.above == rank) return parted.below;
    if (parted.above > rank) {
      low = parted.least_above;
    } else {
      high = parted.below;
    }
  }
  return low;
}

/// Values of a vector in memory.
template <class Real>
struct Stored {
  std::span<const Real> x;

  [[nodiscard]] std::size_t size() const { return x.size(); }
  double operator[](std::size_t j) const { return static_cast<double>(x[j]); }
  /// The entries from j on.
  [[nodiscard]] MostDoubles from(std::size_t j) const { return doubles_at<MostDoubles>(x.data() + j); }
};

/// A difference that is computed when it is read: to store it costs more than to compute it twice.
template <class Real>
struct Difference {
  std::span<const Real> a, b;

  [[nodiscard]] std::size_t size() const { return a.size(); }
  double operator[](std::size_t j) const { return static_cast<double>(a[j]) - static_cast<double>(b[j]); }
  [[nodiscard]] MostDoubles from(std::size_t j) const {
    return doubles_at<MostDoubles>(a.data() + j) - doubles_at<MostDoubles>(b.data() + j);
  }
};

/// The selected entries: all above the threshold, and the first `ties` entries equal to it.
struct Cut {
  Magnitude threshold = 0;
  std::size_t ties = 0;
};

constexpr std::size_t kTile = 64;

/// Bit l: magnitude(x[begin + l]) > bound, for 64 entries. With a bound of -1 all bits are set.
template <class Source>
std::uint64_t above(const Source& x, std::size_t begin, Magnitude bound) {
  const Magnitudes magnitude_bits = Magnitudes{} + INT64_MAX;
  const Magnitudes bounds = Magnitudes{} + bound;
  std::uint64_t bits = 0;
  for (std::size_t l = 0; l < kTile; l += kLanesOf<MostDoubles>) {
    const auto v = reinterpret_cast<Magnitudes>(x.from(begin + l));
    bits |= lanes_above(v & magnitude_bits, bounds) << l;
  }
  return bits;
}

/// The same for at most 64 entries, from `begin` to `end`.
template <class Source>
std::uint64_t above(const Source& x, std::size_t begin, std::size_t end, Magnitude bound) {
  if (end - begin == kTile) return above(x, begin, bound);
  std::uint64_t bits = 0;
  for (std::size_t j = begin; j < end; ++j) bits |= std::uint64_t{magnitude(x[j]) > bound} << (j - begin);
  return bits;
}

/// out = the entries that the cut selects from x; there are `count`.
template <class Source>
void take(const Source& x, Cut cut, std::size_t count, Entries& out) {
  out.index.resize(count);
  out.value.resize(count);
  std::size_t taken = 0;
  for (std::size_t begin = 0; begin < x.size(); begin += kTile) {
    const std::size_t end = std::min(begin + kTile, x.size());
    std::uint64_t bits = above(x, begin, end, cut.ties > 0 ? cut.threshold - 1 : cut.threshold);
    for (; bits != 0; bits &= bits - 1) {
      const std::size_t j = begin + static_cast<std::size_t>(std::countr_zero(bits));
      if (magnitude(x[j]) == cut.threshold) {
        if (cut.ties == 0) continue;  // all ties were taken earlier in this tile
        --cut.ties;
      }
      out.index[taken] = static_cast<std::uint32_t>(j);
      out.value[taken++] = x[j];
    }
  }
}

/// Working memory, reused so that a round does not allocate.
struct Scratch {
  std::vector<Magnitude> magnitudes;
  Entries candidates;
};

/// The cut for a small count. Keeps the `count` largest entries seen so far, with room for as many more. Once
/// the room is used up, only entries larger than the least of the largest are read. In most orders these soon
/// become very few.
template <class Source>
Cut cut_of_few(const Source& x, std::size_t count, Scratch& scratch) {
  std::vector<Magnitude>& kept = scratch.magnitudes;
  kept.clear();
  Magnitude threshold = -1;  // once it is >= 0, at least `count` entries reach it
  const auto forget_the_least = [&] {
    const auto least = kept.begin() + static_cast<std::ptrdiff_t>(count) - 1;
    std::nth_element(kept.begin(), least, kept.end(), std::greater<>());
    threshold = *least;
    kept.resize(count);
  };
  for (std::size_t begin = 0; begin < x.size(); begin += kTile) {
    std::uint64_t bits = above(x, begin, std::min(begin + kTile, x.size()), threshold);
    for (; bits != 0; bits &= bits - 1)
      kept.push_back(magnitude(x[begin + static_cast<std::size_t>(std::countr_zero(bits))]));
    if (kept.size() >= 2 * count) forget_the_least();
  }
  forget_the_least();
  const auto larger = std::count_if(kept.begin(), kept.end(), [&](Magnitude m) { return m > threshold; });
  return {threshold, count - static_cast<std::size_t>(larger)};
}

constexpr std::size_t kSample = 32768;
constexpr std::size_t kShort = 2 * kSample;  // without a guess

/// The cut from all entries: for short vectors, and after a failed guess.
template <class Source>
Cut exact_cut(const Source& x, std::size_t count, Scratch& scratch) {
  if (count <= x.size() / (x.size() < kShort ? 64 : 8)) return cut_of_few(x, count, scratch);
  scratch.magnitudes.resize(x.size());
  for (std::size_t j = 0; j < x.size(); ++j) scratch.magnitudes[j] = magnitude(x[j]);
  const Magnitude threshold = separator(scratch.magnitudes, count);
  Magnitude larger = 0;
  for (std::size_t j = 0; j < x.size(); ++j) larger += magnitude(x[j]) > threshold ? 1 : 0;
  return {threshold, count - static_cast<std::size_t>(larger)};
}

/// A magnitude that very probably at least `count` entries reach and few more exceed: the quantile of the
/// sample, plus a margin of four standard deviations. 0 if the margin includes all entries.
template <class Source>
Magnitude guess(const Source& x, std::size_t count, Scratch& scratch) {
  scratch.magnitudes.resize(kSample);
  for (std::size_t s = 0; s < kSample; ++s) {
    // One entry of each interval, at a pseudo-random position (a hash of s), independent of patterns in the
    // data.
    const std::uint64_t from = s * x.size() / kSample;
    const std::uint64_t length = (s + 1) * x.size() / kSample - from;
    const std::uint64_t hash = (s + 1) * 0x9E3779B97F4A7C15U;
    scratch.magnitudes[s] = magnitude(x[from + ((hash >> 32) * length >> 32)]);
  }
  const double share = static_cast<double>(count) / static_cast<double>(x.size());
  const double expected = share * kSample;
  const auto rank = static_cast<std::size_t>(expected + 4 * std::sqrt(expected * (1 - share)) + 4);
  return rank > kSample ? 0 : separator(scratch.magnitudes, rank);
}

/// Entries with large magnitudes, in their order, at the front of `entries`.
struct Collection {
  Entries& entries;
  std::size_t size = 0;
  std::size_t read = 0;  // entries of x that were read

  /// Adds the entries of x above the bound, until all are read or the size exceeds `most`.
  template <class Source>
  void add(const Source& x, Magnitude bound, std::size_t most) {
    constexpr std::size_t kBlock = 32 * kTile;
    constexpr std::size_t kUsual = 4;  // few tiles have more
    if (std::min(entries.index.size(), entries.value.size()) < most + kBlock + kUsual) {
      entries.index.resize(most + kBlock + kUsual);
      entries.value.resize(most + kBlock + kUsual);
    }
    while (read < x.size() && size <= most) {
      const std::size_t end = std::min(read + kBlock, x.size());
      const std::size_t first = size;
      for (std::size_t begin = read; begin < end; begin += kTile) {
        std::uint64_t bits = above(x, begin, std::min(begin + kTile, end), bound);
        std::uint32_t* to = entries.index.data() + size;
        const auto from = static_cast<std::uint32_t>(begin);
        size += static_cast<std::size_t>(std::popcount(bits));
        // Without a branch for the usual number; the size tells how many count.
        for (std::size_t i = 0; i < kUsual; ++i, bits &= bits - 1)
          *to++ = from + static_cast<std::uint32_t>(std::countr_zero(bits));
        for (; bits != 0; bits &= bits - 1) *to++ = from + static_cast<std::uint32_t>(std::countr_zero(bits));
      }
      for (std::size_t i = first; i < size; ++i) entries.value[i] = x[entries.index[i]];
      read = end;
    }
  }

  [[nodiscard]] Stored<double> values() const { return {View(entries.value).first(size)}; }
};

/// Collects the entries that reach the guess, until `count` of them equal it: no more of these are selected.
/// Then collects those that exceed it. Returns whether the `count` largest entries are collected.
template <class Source>
bool collect(const Source& x, Magnitude guess, std::size_t count, Collection& collected) {
  const std::size_t room = std::min(count + kSample, x.size());
  collected.add(x, guess - 1, std::min(count + room, x.size()));
  if (collected.read < x.size()) {
    const View values = collected.values().x;
    const auto ties =
        std::count_if(values.begin(), values.end(), [&](double v) { return magnitude(v) == guess; });
    if (static_cast<std::size_t>(ties) < count) return false;
    collected.add(x, guess, std::min(collected.size + room, x.size()));
  }
  return collected.read == x.size() && collected.size >= count;
}

template <class Source>
void choose(const Source& x, std::size_t count, Entries& out) {
  check(count <= x.size() && x.size() < kDimLimit, "largest_entries needs count <= size < 2^32");
  thread_local Scratch scratch;
  if (count == 0) {
    out.index.clear();
    out.value.clear();
    return;
  }
  if (x.size() >= kShort) {
    Collection collected{scratch.candidates};
    if (collect(x, guess(x, count, scratch), count, collected)) {
      const Stored<double> values = collected.values();
      take(values, exact_cut(values, count, scratch), count, out);
      for (std::uint32_t& j : out.index) j = scratch.candidates.index[j];
      return;
    }
  }
  take(x, exact_cut(x, count, scratch), count, out);
}

}  // namespace

void largest_entries(AnyView x, std::size_t count, Entries& out) {
  std::visit([&]<class Real>(std::span<const Real> reals) { choose(Stored<Real>{reals}, count, out); }, x);
}

void largest_entries_of_difference(AnyView a, AnyView b, std::size_t count, Entries& out) {
  check(a.index() == b.index() && size_of(a) == size_of(b),
        "a difference is of vectors of one length and width");
  std::visit(
      [&]<class Real>(std::span<const Real> reals) {
        choose(Difference<Real>{reals, std::get<std::span<const Real>>(b)}, count, out);
      },
      a);
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {

namespace {

HWY_EXPORT(largest_entries);
HWY_EXPORT(largest_entries_of_difference);

}  // namespace

void largest_entries(AnyView x, std::size_t count, Entries& out) {
  HWY_DYNAMIC_DISPATCH(largest_entries)(x, count, out);
}

void largest_entries_of_difference(AnyView a, AnyView b, std::size_t count, Entries& out) {
  HWY_DYNAMIC_DISPATCH(largest_entries_of_difference)(a, b, count, out);
}

}  // namespace laconic
#endif
