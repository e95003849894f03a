// SPDX-License-Identifier: Apache-2.0
// What computing, encoding and decoding take on this machine, by its clock: medians of repeated timings on
// the thread that asks. Never the same twice; no run depends on it, only what is said of other runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "laconic/mechanism/mechanism.h"
#include "laconic/problem/problem.h"

namespace laconic {

/// The median of what `work` takes, in seconds: of as many times as fit in `within` seconds, but at least 3
/// and at most 101. Once before them does not count: it warms caches and allocates.
double median_seconds(double within, const std::function<void()>& work);

/// Of a single-sample gradient: the gradient of a shard at the start over its rows, or of `batch` rows of it
/// over those; shards take turns.
double seconds_a_gradient(const Problem& problem, std::optional<std::size_t> batch, double within);

/// Of one message: the client's building it, and anybody's adding it to a vector.
struct MessageCost {
  double encode = 0;
  double decode = 0;
  double bits = 0;
};

/// Of what the first client says about its gradient at the start, in a round in which memories do not start
/// over, where there are such; memories are 0, and the gradient of the round before was about the same.
MessageCost cost_of_message(const Mechanism& mechanism, const Problem& problem, std::uint64_t seed,
                            double within);

}  // namespace laconic
