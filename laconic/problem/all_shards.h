// SPDX-License-Identifier: Apache-2.0
// Computes over all shards, such as the constants of a problem, where each process has only the data of its
// own shards.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "laconic/core/vec.h"

namespace laconic {

/// All calls are collective: every process of the run makes the same calls in the same order, and gets the
/// same bits as a single process would. Each process calls of_shard for its own shards, on any of its
/// threads, in any order. Fleet implements this interface.
class AllShards {
 public:
  virtual ~AllShards() = default;

  /// of_shard(i) of every shard i, sent from each process to all others.
  virtual Vector numbers(std::size_t shards, const std::function<double(std::size_t i)>& of_shard) = 0;

  /// out = (1/n) sum of the vectors v that of_shard(i, v) overwrites, added in ascending order of i. v has
  /// the length of out. Few vectors are in memory at a time. With several processes, each vector is
  /// transferred as in an evaluation.
  virtual void mean(std::size_t shards, const std::function<void(std::size_t i, MutView v)>& of_shard,
                    MutView out) = 0;

  /// Calls hear(i, v) for every shard, in ascending order, in every process, after of_shard(i, v) has written
  /// the length[i] entries of v. Few vectors are in memory at a time. With several processes, each process
  /// receives all vectors.
  virtual void vectors(const std::vector<std::size_t>& length,
                       const std::function<void(std::size_t i, MutView v)>& of_shard,
                       const std::function<void(std::size_t i, View v)>& hear) = 0;
};

}  // namespace laconic
