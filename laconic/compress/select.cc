// SPDX-License-Identifier: Apache-2.0
// Exact selection with a guess that is checked. The bits of |v|, read as an integer, order doubles by
// absolute value; that integer is called the `magnitude` of v below. A sample of x gives a magnitude that
// slightly more than `count` entries exceed. One pass collects those entries, and the selection continues
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
using Magnitudes = SignedBits;

Magnitude magnitude(double v) {
  return static_cast<Magnitude>(std::bit_cast<std::uint64_t>(v) & ~(std::uint64_t{1} << 63));
}

/// The rank-th largest of `from`, 1 <= rank <= size. Reorders and overwrites `from`. Each pass divides the
/// numbers into buckets of equal width and keeps the bucket that contains the result: at most 8 passes,
/// usually 2.
Magnitude kth_largest(std::span<Magnitude> from, std::size_t rank) {
  std::array<std::uint32_t, 2048> count;  // NOLINT: the used part is cleared each turn
  while (true) {
    Magnitude low = from[0];
    Magnitude high = from[0];
    for (const Magnitude m : from) {
      low = std::min(low, m);
      high = std::max(high, m);
    }
    if (low == high) return low;
    const int bucket_bits = from.size() > 4096 ? 11 : 8;  // clearing and reading the counts must not dominate
    const int shift =
        std::max(0, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(high - low))) - bucket_bits);
    const auto buckets = static_cast<std::size_t>((high - low) >> shift) + 1;
    std::fill_n(count.begin(), buckets, 0U);
    for (const Magnitude m : from) ++count[static_cast<std::size_t>((m - low) >> shift)];
    std::size_t bucket = buckets - 1;
    for (; rank > count[bucket]; --bucket) rank -= count[bucket];
    std::size_t kept = 0;
    for (const Magnitude m : from) {
      from[kept] = m;
      kept += static_cast<std::size_t>((m - low) >> shift) == bucket ? 1 : 0;
    }
    from = from.first(kept);
  }
}

/// Values of a vector in memory.
template <class Real>
struct Stored {
  std::span<const Real> x;

  [[nodiscard]] std::size_t size() const { return x.size(); }
  double operator[](std::size_t j) const { return static_cast<double>(x[j]); }
  /// Entries j .. j+3.
  [[nodiscard]] Doubles four(std::size_t j) const { return doubles_at(x.data() + j); }
};

/// A difference that is computed when it is read: to store it costs more than to compute it twice.
template <class Real>
struct Difference {
  std::span<const Real> a, b;

  [[nodiscard]] std::size_t size() const { return a.size(); }
  double operator[](std::size_t j) const { return static_cast<double>(a[j]) - static_cast<double>(b[j]); }
  [[nodiscard]] Doubles four(std::size_t j) const {
    return doubles_at(a.data() + j) - doubles_at(b.data() + j);
  }
};

/// The selected entries: all above the threshold, and the first `ties` entries equal to it.
struct Cut {
  Magnitude threshold = 0;
  std::size_t ties = 0;
};

constexpr std::size_t kTile = 64;
constexpr Magnitudes kMagnitudeBits = Magnitudes{} + INT64_MAX;
constexpr Magnitudes kLaneBit = {1, 2, 4, 8};

/// Bit l: magnitude(x[begin + l]) > bound, for 64 entries. With a bound of -1 all bits are set.
template <class Source>
std::uint64_t above(const Source& x, std::size_t begin, Magnitude bound) {
  // Lane l collects bits l, l + 4, l + 8, ...
  const Magnitudes bounds = Magnitudes{} + bound;
  Magnitudes bits{};
  for (std::size_t j = kTile; j > 0; j -= 4) {
    const auto v = reinterpret_cast<Magnitudes>(x.four(begin + j - 4));
    bits = (bits << 4) | (((v & kMagnitudeBits) > bounds) & kLaneBit);
  }
  return static_cast<std::uint64_t>((bits[0] | bits[1]) | (bits[2] | bits[3]));
}

/// The same for at most 64 entries, from `begin` to `end`.
template <class Source>
std::uint64_t above(const Source& x, std::size_t begin, std::size_t end, Magnitude bound) {
  if (end - begin == kTile) return above(x, begin, bound);
  std::uint64_t bits = 0;
  for (std::size_t j = begin; j < end; ++j) bits |= std::uint64_t{magnitude(x[j]) > bound} << (j - begin);
  return bits;
}

/// out = the entries that the cut selects from x. Returns whether there are exactly `count` of them.
template <class Source>
bool take(const Source& x, Cut cut, std::size_t count, Entries& out) {
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
      if (taken == count) return false;
      out.index[taken] = static_cast<std::uint32_t>(j);
      out.value[taken++] = x[j];
    }
  }
  return taken == count;
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
  if (x.size() >= kShort && count <= x.size() / 8) return cut_of_few(x, count, scratch);
  scratch.magnitudes.resize(x.size());
  for (std::size_t j = 0; j < x.size(); ++j) scratch.magnitudes[j] = magnitude(x[j]);
  Cut cut{kth_largest(scratch.magnitudes, count), count};
  for (std::size_t j = 0; j < x.size(); ++j) cut.ties -= magnitude(x[j]) > cut.threshold ? 1 : 0;
  return cut;
}

/// A magnitude that very probably at least `count` entries reach and few more exceed: the quantile of the
/// sample, plus a margin of four standard deviations. -1 if the margin includes all entries.
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
  return rank > kSample ? -1 : kth_largest(scratch.magnitudes, rank);
}

/// Writes the entries of x above the bound to the front of `candidates`. Returns their number, or some number
/// larger than `most` if there are more than `most`.
template <class Source>
std::size_t collect(const Source& x, Magnitude bound, std::size_t most, Entries& candidates) {
  if (candidates.index.size() < most + kTile) {
    candidates.index.resize(most + kTile);
    candidates.value.resize(most + kTile);
  }
  std::size_t found = 0;
  for (std::size_t begin = 0; begin < x.size() && found <= most; begin += kTile) {
    std::uint64_t bits = above(x, begin, std::min(begin + kTile, x.size()), bound);
    for (; bits != 0; bits &= bits - 1) {
      const std::size_t j = begin + static_cast<std::size_t>(std::countr_zero(bits));
      candidates.index[found] = static_cast<std::uint32_t>(j);
      candidates.value[found++] = x[j];
    }
  }
  return found;
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
    const Magnitude bound = guess(x, count, scratch);
    const std::size_t most = std::min(x.size(), 2 * count + kSample);
    const std::size_t found = collect(x, bound, most, scratch.candidates);
    if (found >= count && found <= most) {
      const Stored<double> values{View(scratch.candidates.value).first(found)};
      take(values, exact_cut(values, count, scratch), count, out);
      for (std::uint32_t& j : out.index) j = scratch.candidates.index[j];
      return;
    }
    // Fewer than `count` entries exceed the guess. On tied input, the first entries equal to the guess
    // complete them.
    if (found < count && take(x, {bound, count - found}, count, out)) return;
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
