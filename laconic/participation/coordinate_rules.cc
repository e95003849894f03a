// SPDX-License-Identifier: Apache-2.0
// Rules that treat each coordinate alone: the mean, and the median and the trimmed mean of Yin, Chen,
// Ramchandran, Bartlett, "Byzantine-robust distributed learning: towards optimal statistical rates", 2018,
// arXiv 1803.01498, Definitions 1 and 2.
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "laconic/participation/aggregation_rules.h"

namespace laconic {

void add_up(std::span<const View> vectors, View weights, Range range, MutView out) {
  fill(out, 0);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (weights[i] != 0) axpy(weights[i], part(vectors[i], range), out);
  }
}

void add_up(std::span<const View> vectors, View weights, ThreadPool& pool, MutView out) {
  for_each_block(out.size(), pool,
                 [&](std::size_t /*b*/, Range range) { add_up(vectors, weights, range, part(out, range)); });
}

namespace {

class Mean final : public Aggregator {
 public:
  using Aggregator::Aggregator;

 private:
  void combine(std::span<const View> vectors, const Key& /*common*/, ThreadPool& pool,
               std::span<Vector> /*memory*/, MutView out) const override {
    const Vector weights(clients(), 1.0 / static_cast<double>(clients()));
    add_up(vectors, weights, pool, out);
  }
};

/// Sorts the n entries of each coordinate, for many coordinates at once: by the comparisons of Batcher's
/// odd-even merge sort (1968), which do not depend on the values. So the compiler can vectorise over the
/// coordinates, and about n log(n)^2 / 4 comparisons suffice.
class SortedEntries {
 public:
  explicit SortedEntries(std::size_t n) : n_(n) {
    for (std::size_t run = 1; run < n; run *= 2) {  // merges sorted runs of this length in pairs
      for (std::size_t gap = run; gap >= 1; gap /= 2) {
        for (std::size_t first = gap % run; first + gap < n; first += 2 * gap) {
          for (std::size_t i = first; i < first + gap && i + gap < n; ++i) {
            if (i / (2 * run) == (i + gap) / (2 * run)) comparisons_.emplace_back(i, i + gap);
          }
        }
      }
    }
  }

  /// Calls use(j, sorted) for each j of the range: sorted(k) is the k-th smallest of vectors[i][j] over i,
  /// where NaN counts as +infinity, and -0 as +0.
  template <class Use>
  void for_each(std::span<const View> vectors, Range range, Use&& use) const {
    Vector entries(n_ * kTile, 0.0);  // row k: the k-th entries of kTile coordinates
    for (Range tile{range.begin, 0}; tile.begin < range.end; tile.begin = tile.end) {
      tile.end = std::min(tile.begin + kTile, range.end);
      for (std::size_t i = 0; i < n_; ++i) load(part(vectors[i], tile), &entries[i * kTile]);
      for (const auto& [low, high] : comparisons_) order(&entries[low * kTile], &entries[high * kTile]);
      for (std::size_t l = 0; l < tile.size(); ++l)
        use(tile.begin + l, [&](std::size_t k) { return entries[k * kTile + l]; });
    }
  }

 private:
  static constexpr std::size_t kTile = 32;

  static void load(View from, double* to) {
    for (std::size_t l = 0; l < from.size(); ++l) {
      const double entry = from[l] + 0.0;  // -0 becomes +0, so that equal entries have equal bits
      to[l] = entry == entry ? entry : std::numeric_limits<double>::infinity();
    }
  }

  static void order(double* a, double* b) {
    for (std::size_t l = 0; l < kTile; ++l) {
      const double low = a[l] < b[l] ? a[l] : b[l];
      const double high = a[l] < b[l] ? b[l] : a[l];
      a[l] = low;
      b[l] = high;
    }
  }

  std::size_t n_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> comparisons_;
};

/// The mean of the sorted entries first, .., first + count - 1 of each coordinate, added in ascending order
/// of the entries. So it does not depend on the order of the clients.
class MeanOfMiddle final : public Aggregator {
 public:
  MeanOfMiddle(std::size_t clients, std::size_t first, std::size_t count)
      : Aggregator(clients), sorted_(clients), first_(first), count_(count) {}

 private:
  void combine(std::span<const View> vectors, const Key& /*common*/, ThreadPool& pool,
               std::span<Vector> /*memory*/, MutView out) const override {
    for_each_block(out.size(), pool, [&](std::size_t /*b*/, Range range) {
      sorted_.for_each(vectors, range, [&](std::size_t j, const auto& sorted) {
        double sum = sorted(first_);
        for (std::size_t k = 1; k < count_; ++k) sum += sorted(first_ + k);
        out[j] = sum / static_cast<double>(count_);
      });
    });
  }

  SortedEntries sorted_;
  std::size_t first_, count_;
};

}  // namespace

std::unique_ptr<Aggregator> make_mean(Arguments& /*arguments*/, std::size_t clients) {
  return std::make_unique<Mean>(clients);
}

std::unique_ptr<Aggregator> make_median(Arguments& /*arguments*/, std::size_t clients) {
  return std::make_unique<MeanOfMiddle>(clients, (clients - 1) / 2, clients % 2 == 0 ? 2 : 1);
}

std::unique_ptr<Aggregator> make_trimmed_mean(Arguments& arguments, std::size_t clients) {
  arguments.required("b", 0, "trimmed-mean(2)");
  const std::size_t trim = arguments.whole("b", 0, 0, 0);
  if (trim >= clients || 2 * trim >= clients)
    arguments.fail(fmt::format("b = {}; need 2 b < {}, the vectors", trim, clients));
  if (trim == 0) return std::make_unique<Mean>(clients);  // also with the bits of the mean
  return std::make_unique<MeanOfMiddle>(clients, trim, clients - 2 * trim);
}

}  // namespace laconic
