// SPDX-License-Identifier: Apache-2.0
// Times of computing, encoding and decoding on this machine. A time is the processor time of the calling
// thread, the least of repeated timings, rounded to 1, 2 or 5 times a power of ten. So other programs on the
// machine rarely change it. No run depends on these times, only predictions about runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "laconic/mechanism/mechanism.h"
#include "laconic/problem/problem.h"

namespace laconic {

/// The nearest of 1, 2 and 5 times a power of ten, by ratio; 0 of 0.
double to_one_two_five(double seconds);

/// The least processor time of `work` in seconds, not rounded. It is timed as often as fits in `within`
/// seconds of real time, at least 3 and at most 101 times; short work is repeated within a timing. A first
/// call is not timed: it warms caches and allocates.
double least_seconds(double within, const std::function<void()>& work);

/// Seconds of a single-sample gradient: the time of the first shard's gradient at the start, divided by its
/// rows; with `batch`, the time of `batch` rows, divided by `batch`.
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
