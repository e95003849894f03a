// SPDX-License-Identifier: Apache-2.0
// Runs on one problem that advance together share passes over the data: their gradients are computed ahead,
// at the points of all runs at once. Each run has a problem that finds these gradients where it is asked for
// them, and computes all others. So what is computed ahead changes the time, and never a result.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "laconic/problem/like.h"

namespace laconic {

class GradientsAhead final : public Like {
 public:
  explicit GradientsAhead(std::shared_ptr<const Problem> problem);

  /// Whether it is worth while: passes can be shared, and the gradients need little memory.
  static bool pays(const Problem& problem);

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override;

  /// Whether the run asks for the gradients of all shards at the point for which they were last computed
  /// ahead.
  [[nodiscard]] bool is_used() const { return !has_point() || found_ >= shards(); }

  /// A run, and its point.
  struct Run {
    GradientsAhead* problem;
    View x;
  };
  /// Computes the gradients of all shards at the points of the runs, which have one problem. Not while one of
  /// the runs is in a round.
  static void compute(std::span<const Run> runs);

 private:
  [[nodiscard]] bool has_point() const { return !x_.empty(); }

  Vector x_;                        // empty before compute()
  Vector gradients_;                // at x_, shard by shard
  std::vector<Measured> measured_;  // the same
  mutable std::atomic<std::size_t> found_ = 0;
};

}  // namespace laconic
