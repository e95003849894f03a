// SPDX-License-Identifier: Apache-2.0
// A method's pilot: short runs with several steps in lockstep (cli/contest.h), and beside each an ear that
// adds up what its rounds would take on a link.
#pragma once

#include <cstddef>
#include <vector>

#include "cli/advice.h"
#include "cli/contest.h"
#include "cli/costs.h"
#include "cli/sweep_plan.h"
#include "laconic/core/parallel.h"
#include "laconic/network/link.h"
#include "laconic/rounds/clock.h"

namespace laconic::cli {

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
  Meter(const Description& description, const MessageCosts& costs);

  void hear(std::size_t round, const Ledger& ledger);
  /// Of a client, in round 0.
  [[nodiscard]] double bits_of_start() const { return bits_of_start_; }
  [[nodiscard]] const Spending& start() const { return start_; }
  [[nodiscard]] const Spending& rounds() const { return rounds_; }

 private:
  void add_messages(const Turn& turn, Spending& to);

  Clock clock_;
  Clock links_;    // gradients take no time
  Clock endless_;  // and bandwidths have no end
  MessageCosts costs_;
  std::vector<double> encoding_, decoding_;  // of each client in a turn
  double bits_of_start_ = 0;
  Spending start_;
  Spending rounds_;
};

/// Carries on the runs of the plan's only cell until one has won it, none can, the modelled time of those left
/// is over `enough`, or so many seconds are over here. After 16, 32 and 64 rounds, or a fifth, two and three
/// of the time, the half of them that is behind ends; three are always left. Runs share the threads of the pool. Throws
/// Interrupted when the process is asked to end.
Prospect fly(const SweepPlan& plan, const SharedProblem& problem, const MessageCosts& costs, double seconds,
             double enough, ThreadPool& pool);

}  // namespace laconic::cli
