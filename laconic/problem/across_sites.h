// SPDX-License-Identifier: Apache-2.0
// The problem of a run across sites: each site has the rows of one shard, and the server has none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "laconic/problem/problem.h"

namespace laconic {

/// At a site: a problem of which shard k has rows[k] rows, and shard `own` is shard 0 of `problem`. Gradients
/// are available for that shard alone. No constants are known.
std::unique_ptr<Problem> at_site(std::shared_ptr<const Problem> problem, std::vector<std::uint32_t> rows,
                                 std::size_t own);

/// At the server: the same without gradients. `problem` gives the dimension, the start and the test set.
std::unique_ptr<Problem> at_server(std::shared_ptr<const Problem> problem, std::vector<std::uint32_t> rows);

}  // namespace laconic
