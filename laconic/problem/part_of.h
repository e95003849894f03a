// SPDX-License-Identifier: Apache-2.0
// Problems made of parts of others, for runs in which some clients lie (participation/attack.h): the last
// clients then count in no objective, and their labels may be false.
#pragma once

#include <cstddef>
#include <memory>

#include "laconic/problem/problem.h"

namespace laconic {

/// The mean over the first `shards` shards of a problem, 1 <= shards <= problem.shards(). A process must keep
/// the data of the shards that it owns in the smaller problem.
std::unique_ptr<Problem> first_shards(std::shared_ptr<const Problem> problem, std::size_t shards);

/// `problem` for the shards below `first`, and `last` for the others. Both have the same shards and the same
/// dimension. Constants are those of `problem`.
std::unique_ptr<Problem> with_last_shards(std::shared_ptr<const Problem> problem,
                                          std::shared_ptr<const Problem> last, std::size_t first);

}  // namespace laconic
