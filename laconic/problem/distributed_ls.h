// SPDX-License-Identifier: Apache-2.0
// Least squares with heterogeneous clients, as in the experiments of K-GT (Liu, Lin, Koloskova, Stich 2023,
// arXiv 2301.01313) and MoTEF (arXiv 2405.20114): for i = 1 .. n
//   f_i(x) = |A_i x - b_i|^2 / 2,   A_i = (i / sqrt(n)) I,   b_i ~ N(0, (zeta^2 / i^2) I),
// so that E|grad f_i(0)|^2 = zeta^2 d / n for every i. The Hessians (i^2 / n) I differ: with equal Hessians
// the mean of the clients' models would not drift. An oracle adds noise N(0, (sigma^2 / d) I) to each
// gradient.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "laconic/core/index_set.h"
#include "laconic/problem/problem.h"

namespace laconic {

struct DistributedLsOptions {
  std::size_t clients = 1;  // >= 1
  std::size_t d = 50;       // 1 .. 2^32 - 1
  double zeta = 10;         // >= 0 and finite: heterogeneity of the clients
  double sigma = 0;         // >= 0 and finite: E|noise|^2 = sigma^2
  std::uint64_t seed = 1;   // of the b_i
};

/// Keeps the b_i of the clients `own` (of all clients where `own` is unset). A gradient costs one pass over x
/// and b_i; rows(shard) = 1. The starting point is (1, ..., 1) / sqrt(d). All constants are exact; f_lower =
/// min f. Throws InputError for an option out of its range.
std::unique_ptr<Problem> make_distributed_ls(const DistributedLsOptions& options,
                                             const std::optional<IndexSet>& own = {});

}  // namespace laconic
