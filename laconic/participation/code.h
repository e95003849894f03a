// SPDX-License-Identifier: Apache-2.0
// The coded gradient of a client: one linear combination of the gradients that it can compute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "laconic/participation/allocation.h"

namespace laconic {

/// A subset and the coefficient of its gradient.
struct Term {
  std::uint32_t subset = 0;
  double coefficient = 0;
};

/// B in R^(N x M): client i sends sum_k B_ik g_k, where B_ik = 0 unless it holds subset k.
class Code {
 public:
  /// rows[i]: the terms of client i, by ascending subset.
  explicit Code(std::vector<std::vector<Term>> rows) : rows_(std::move(rows)) {}

  [[nodiscard]] std::size_t clients() const { return rows_.size(); }
  [[nodiscard]] std::span<const Term> row(std::size_t i) const { return rows_[i]; }

 private:
  std::vector<std::vector<Term>> rows_;
};

/// h_i = sum_k S_ik g_k / d_k. The sum over all clients is the sum of all g_k that at least one client holds:
/// stochastic gradient coding (arXiv 1905.05383) and 1-bit gradient coding (arXiv 2403.14716).
Code share_code(const Allocation& allocation);

/// sum_k S_ik g_k: Bernoulli gradient coding (arXiv 1711.06771), and exact codes by fractional repetition
/// (arXiv 1612.03301, section 3.1).
Code sum_code(const Allocation& allocation);

/// The exact code by cyclic repetition (arXiv 1612.03301, Algorithm 2) for any `tolerated` stragglers: client
/// i holds subsets i .. i + tolerated. Its rows are in the null space of a random matrix H with rows that sum
/// to 0. H is uniform here instead of normal, so that it needs no libm; any distribution with a density
/// works. tolerated < clients. For `tolerated` = s the cost is N solutions of s equations.
Code cyclic_code(std::size_t clients, std::size_t tolerated, std::uint64_t seed);

}  // namespace laconic
