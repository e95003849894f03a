// SPDX-License-Identifier: Apache-2.0
// Weights of edges for the fastest averaging: Xiao, Boyd, "Fast linear iterations for distributed averaging",
// Systems and Control Letters 53, 2004, problem (17).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "laconic/core/vec.h"

namespace laconic {

struct Edge {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
};

/// The weights w of the edges for which rho = |W - J| is least, where W has w_ab = w_ba = w, and own weights
/// that make rows sum to 1; weights may be negative. rho exceeds the least one by at most 1e-9, and w is the
/// same for edges that a symmetry of the graph exchanges, up to rounding. The graph is connected, and the
/// weight `start` on all edges gives rho < 1. Deterministic. With m edges, about 60 times n^3 + m^3 / 3 work
/// and O(n^2 + m^2) memory.
Vector fastest_weights(std::size_t nodes, std::span<const Edge> edges, double start);

}  // namespace laconic
