// SPDX-License-Identifier: Apache-2.0
// Times of computing, encoding and decoding on this machine in real time: medians of repeated timings on the
// calling thread. They differ at every call. No run depends on them, only predictions about runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "laconic/mechanism/mechanism.h"
#include "laconic/problem/problem.h"

namespace laconic {

/// The median time of `work` in seconds. It is timed as often as fits in `within` seconds, at least 3 and at
/// most 101 times. A first call is not timed: it warms caches and allocates.
double median_seconds(double within, const std::function<void()>& work);

/// Seconds of a single-sample gradient: the time of a shard's gradient at the start, divided by its rows;
/// with `batch`, the time of `batch` rows, divided by `batch`. Shards take turns.
double seconds_a_gradient(const Problem& problem, std::optional<std::size_t> batch, double within);

/// The cost of one message: encoding by the client, in seconds, adding it to a vector, in seconds, and its
/// bits.
struct MessageCost {
  double encode = 0;
  double decode = 0;
  double bits = 0;
};

/// The cost of the first client's message about its gradient at the start. The round is one in which memories
/// do not restart, if the method has such rounds. Memories are 0, and the previous gradient is nearly equal
/// to the current one.
MessageCost cost_of_message(const Mechanism& mechanism, const Problem& problem, std::uint64_t seed,
                            double within);

}  // namespace laconic
