// SPDX-License-Identifier: Apache-2.0
// A method's pilot: short runs with several steps in lockstep (laconic/sweep/lockstep.h), and beside each an ear that
// adds up what its rounds would take on a link.
#pragma once

#include <cstddef>
#include <vector>

#include "laconic/advise/advice.h"
#include "laconic/advise/costs.h"
#include "laconic/core/parallel.h"
#include "laconic/cost/clock.h"
#include "laconic/cost/link.h"
#include "laconic/sweep/lockstep.h"
#include "laconic/sweep/plan.h"

namespace laconic {

/// What one message costs, by what it says.
struct MessageCosts {
  MessageCost whole;       // a vector as it is; so are all that are at least as long
  MessageCost said;        // what the method says in most rounds
  bool remembers = false;  // whether who says it adds it to a memory of its own
};

/// Adds up what rounds take: the modelled clock's seconds, and messages at their costs.
class Meter {
 public:
  /// Of the description's links, seconds a gradient and stragglers.
  Meter(const Config& config, const MessageCosts& costs);

  void hear(std::size_t round, const Ledger& ledger);
  /// Of a client, in round 0.
  [[nodiscard]] double bits_of_start() const { return bits_of_start_; }
  [[nodiscard]] const RoundCost& start() const { return start_; }
  [[nodiscard]] const RoundCost& rounds() const { return rounds_; }

 private:
  void add_messages(const Turn& turn, RoundCost& to);

  Clock clock_;
  Clock links_;    // gradients take no time
  Clock endless_;  // and bandwidths have no end
  MessageCosts costs_;
  std::vector<double> encoding_, decoding_;  // of each client in a turn
  double bits_of_start_ = 0;
  RoundCost start_;
  RoundCost rounds_;
};

/// Carries on the runs of the plan's only cell until one has won it, none can, the modelled time of those left
/// is over `enough`, or so many seconds are over here. After 16, 32 and 64 rounds, or a fifth, two and three
/// of the time, the half of them that is behind ends; three are always left. Runs share the threads of the pool. Throws
/// Interrupted when the observer asks for the end.
PilotResult run_pilot(const SweepPlan& plan, const std::shared_ptr<const OpenedProblem>& problem,
                      const MessageCosts& costs, double seconds, double enough, ThreadPool& pool,
                      Observer& observer);

}  // namespace laconic
