// SPDX-License-Identifier: Apache-2.0
// Who holds which data, where several workers hold the same so that one may be late (gradient coding).
// Workers and subsets are equally many: subset k is client k's shard of the split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "laconic/core/min_mean_max.h"
#include "laconic/core/spec.h"

namespace laconic {

/// S in {0,1}^(N x M): S_ik = 1 where worker i holds subset k.
class Allocation {
 public:
  /// held[i]: the subsets of worker i, in any order. Checks that each is below `subsets` and named once.
  Allocation(std::size_t subsets, std::vector<std::vector<std::uint32_t>> held);

  [[nodiscard]] std::size_t workers() const { return held_.size(); }
  [[nodiscard]] std::size_t subsets() const { return copies_.size(); }
  /// Of worker i, ascending; r_i = held(i).size() is its load.
  [[nodiscard]] std::span<const std::uint32_t> held(std::size_t i) const { return held_[i]; }
  /// d_k, how many workers hold subset k.
  [[nodiscard]] std::size_t copies(std::size_t k) const { return copies_[k]; }
  /// Subsets that nobody holds: what is learned does not know of them.
  [[nodiscard]] std::size_t lost() const;
  /// Whether each worker holds its own subset and no other.
  [[nodiscard]] bool is_identity() const;

  /// Over the workers.
  [[nodiscard]] MinMeanMax loads() const;
  /// How many workers hold both of two subsets, over all pairs; pairwise balanced allocations have d_k d_l /
  /// N for each. Costs the sum of the squared loads, and memory for M numbers.
  [[nodiscard]] MinMeanMax overlaps() const;

 private:
  std::vector<std::vector<std::uint32_t>> held_;
  std::vector<std::uint32_t> copies_;
};

/// Each worker holds its own.
Allocation no_redundancy(std::size_t workers);

/// Without the workers that are gone (ascending, each named once, not all), which hold nothing any more.
/// Subsets that only they held are taken over, in ascending order, each by the worker left that holds fewest
/// then, the first of them.
Allocation without(const Allocation& allocation, std::span<const std::uint32_t> gone);

/// copies[k] different workers for each subset, all such sets equally likely, drawn apart for each k:
/// pairwise balanced in the mean (Bitar, Wootters, El Rouayheb 2020, arXiv 1905.05383). 1 <= copies[k] <=
/// workers.
Allocation random_allocation(std::size_t workers, std::span<const std::size_t> copies, std::uint64_t seed);

/// What an allocation is drawn for.
struct AllocationSetting {
  std::size_t workers = 1;               // and subsets
  std::uint64_t seed = 1;                // the split seed
  std::optional<Spec> rule = {};         // the key allocation=, where it is given
  std::vector<std::uint32_t> gone = {};  // workers that hold nothing any more: see without()
};

/// The allocation by the setting's rule, or else by `fallback`. `redundancy` >= 1 says how many hold a subset
/// (with bernoulli: in the mean); 1 is no_redundancy() whatever the rule, and nothing says 1, or all for
/// `full`. InputError for an unknown rule, for more copies than workers, and where the rule cannot have so
/// many. Not yet without() those that are gone.
Allocation make_allocation(const std::string& fallback, std::optional<std::size_t> redundancy,
                           const AllocationSetting& setting);

/// A row of the table behind make_allocation, for `laconic list`.
struct AllocationRow {
  const char* name;
  const char* usage;
  const char* summary;
  /// 1 <= d <= workers; d = 1 does not come here.
  Allocation (*make)(std::size_t workers, std::size_t d, std::uint64_t seed);
};
std::span<const AllocationRow> allocations();

}  // namespace laconic
