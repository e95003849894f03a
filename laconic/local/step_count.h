// SPDX-License-Identifier: Apache-2.0
// How many local steps a client takes in a round.
#pragma once

#include <cstddef>

#include "laconic/core/rng.h"

namespace laconic {

class StepCount {
 public:
  /// Every client takes `steps` steps in every round.
  StepCount(std::size_t steps) : least_(steps), most_(steps) {}  // NOLINT(google-explicit-constructor)

  /// Client i takes least + (i mod (most - least + 1)) steps. least <= most.
  static StepCount spread(std::size_t least, std::size_t most) {
    StepCount count(least);
    count.most_ = most;
    return count;
  }

  /// All clients take L steps, where L is 1 plus the number of tails before a coin shows heads with
  /// probability q, 0 < q <= 1. The clients share the coin, so no message is needed.
  static StepCount of_coin(double q) {
    StepCount count(1);
    count.coin_ = q;
    return count;
  }

  /// Of the client and round of the key.
  [[nodiscard]] std::size_t of(const Key& key) const {
    if (coin_ == 0) return least_ + key.client % (most_ - least_ + 1);
    Stream stream = key.common().stream(Purpose::steps);
    std::size_t steps = 1;
    while (stream.uniform() >= coin_) ++steps;
    return steps;
  }

  /// Whether a client takes the same number in each round.
  [[nodiscard]] bool is_fixed() const { return coin_ == 0; }
  [[nodiscard]] std::size_t least() const { return least_; }
  /// The largest number of a client, unless it is random.
  [[nodiscard]] std::size_t most() const { return most_; }

 private:
  std::size_t least_;
  std::size_t most_;
  double coin_ = 0;  // 0: none
};

}  // namespace laconic
