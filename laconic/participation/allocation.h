// SPDX-License-Identifier: Apache-2.0
// Allocation of data to clients, with copies so that clients may be late (gradient coding). There are as many
// subsets as clients: subset k is client k's shard of the split.
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

/// S in {0,1}^(N x M): S_ik = 1 if client i holds subset k.
class Allocation {
 public:
  /// held[i]: the subsets of client i, in any order. Checks that each is below `subsets` and occurs once.
  Allocation(std::size_t subsets, std::vector<std::vector<std::uint32_t>> held);

  [[nodiscard]] std::size_t clients() const { return held_.size(); }
  [[nodiscard]] std::size_t subsets() const { return copies_.size(); }
  /// The subsets of client i, ascending. r_i = held(i).size() is its load.
  [[nodiscard]] std::span<const std::uint32_t> held(std::size_t i) const { return held_[i]; }
  /// d_k, the number of clients that hold subset k.
  [[nodiscard]] std::size_t copies(std::size_t k) const { return copies_[k]; }
  /// The number of subsets that no client holds. Training does not use them.
  [[nodiscard]] std::size_t lost() const;
  /// Whether each client holds its own subset and no other.
  [[nodiscard]] bool is_identity() const;

  /// Statistics of the loads over the clients.
  [[nodiscard]] MinMeanMax loads() const;
  /// For each pair of subsets, how many clients hold both; statistics over all pairs. For pairwise balanced
  /// allocations each value is d_k d_l / N. Costs the sum of the squared loads, and memory for M numbers.
  [[nodiscard]] MinMeanMax overlaps() const;

 private:
  std::vector<std::vector<std::uint32_t>> held_;
  std::vector<std::uint32_t> copies_;
};

/// Each client holds its own subset only.
Allocation no_redundancy(std::size_t clients);

/// Removes the clients `gone` (ascending, without duplicates, not all clients), which then hold nothing. Each
/// subset that only they held is moved, in ascending order, to the remaining client with the fewest subsets
/// at that time; ties go to the first.
Allocation without(const Allocation& allocation, std::span<const std::uint32_t> gone);

/// copies[k] different clients for each subset k, independently; all such sets are equally likely. Pairwise
/// balanced in expectation (Bitar, Wootters, El Rouayheb 2020, arXiv 1905.05383). 1 <= copies[k] <= clients.
Allocation random_allocation(std::size_t clients, std::span<const std::size_t> copies, std::uint64_t seed);

/// The parameters of an allocation.
struct AllocationSetting {
  std::size_t clients = 1;               // the number of clients, and of subsets
  std::uint64_t seed = 1;                // the split seed
  std::optional<Spec> rule = {};         // the value of the key allocation=, if given
  std::vector<std::uint32_t> gone = {};  // clients that hold nothing any more: see without()
};

/// The allocation by the setting's rule, or by `fallback` if there is none. `redundancy` >= 1 is the number
/// of clients that hold a subset (with bernoulli: its mean). 1 gives no_redundancy() for every rule. Without
/// a value it means 1, or all clients for `full`. Throws InputError for an unknown rule, for more copies than
/// clients, and if the rule does not support this number. Does not apply without() to the clients that are
/// gone.
Allocation make_allocation(const std::string& fallback, std::optional<std::size_t> redundancy,
                           const AllocationSetting& setting);

/// A row of the table behind make_allocation, for `laconic list`.
struct AllocationRow {
  const char* name;
  const char* usage;
  const char* summary;
  /// 1 <= d <= clients; d = 1 is handled elsewhere.
  Allocation (*make)(std::size_t clients, std::size_t d, std::uint64_t seed);
};
std::span<const AllocationRow> allocations();

}  // namespace laconic
