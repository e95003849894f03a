// SPDX-License-Identifier: Apache-2.0
// What must be known of all shards at once, where a process has the data of its own shards only: constants.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "laconic/core/vec.h"

namespace laconic {

/// Every process of the run asks the same questions, in the same order, and gets the same bits, those
/// that one process alone would get. Each calls of_shard for its own shards, on any of its threads, in
/// any order. (Fleet answers.)
class AllShards {
 public:
  virtual ~AllShards() = default;

  /// of_shard(i) of every shard. A number from each to every process.
  virtual Vector numbers(std::size_t shards, const std::function<double(std::size_t i)>& of_shard) = 0;

  /// out = (1/n) sum of the vectors v that of_shard(i, v) overwrites, added in ascending order. v has
  /// the length of out. Few vectors stand in memory at once; where there are several processes, each
  /// moves as an evaluation would.
  virtual void mean(std::size_t shards, const std::function<void(std::size_t i, MutView v)>& of_shard,
                    MutView out) = 0;

  /// hear(i, v) for every shard, in ascending order, in every process, where of_shard(i, v) has written the
  /// length[i] entries of v. Few vectors stand in memory at once; where there are several processes, each
  /// gets all of them.
  virtual void vectors(const std::vector<std::size_t>& length,
                       const std::function<void(std::size_t i, MutView v)>& of_shard,
                       const std::function<void(std::size_t i, View v)>& hear) = 0;
};

}  // namespace laconic
