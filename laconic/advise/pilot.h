// SPDX-License-Identifier: Apache-2.0
// The pilot of a method: short runs with several steps in lockstep (laconic/sweep/lockstep.h). A Meter for
// each run adds up the time of its rounds on a link.
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

/// The cost of a message, by its content.
struct MessageCosts {
  MessageCost whole;       // an uncompressed vector, and any message that is at least as long
  MessageCost said;        // the method's message in most rounds
  bool remembers = false;  // whether a client also adds its message to its own memory
};

/// Adds up the time of rounds: the seconds of the modelled clock, and the costs of messages.
class Meter {
 public:
  /// Uses the links, the compute times and the stragglers of the config.
  Meter(const Config& config, const MessageCosts& costs);

  void hear(std::size_t round, const Ledger& ledger);
  /// Uplink bits of a client in round 0.
  [[nodiscard]] double bits_of_start() const { return bits_of_start_; }
  [[nodiscard]] const RoundCost& start() const { return start_; }
  [[nodiscard]] const RoundCost& rounds() const { return rounds_; }

 private:
  void add_messages(const Turn& turn, RoundCost& to);

  Clock clock_;
  Clock links_;    // the same links, with gradients that take no time
  Clock endless_;  // in addition, with infinite bandwidths
  MessageCosts costs_;
  std::vector<double> encoding_, decoding_;  // seconds of each client in a turn
  double bits_of_start_ = 0;
  RoundCost start_;
  RoundCost rounds_;
};

/// Runs the configs, of which only the best counts, until a run has won, no run can win, the modelled time of
/// all remaining runs exceeds `enough`, or `seconds` of real time are over. After 16, 32 and 64 rounds, or
/// after one, two and three fifths of the time, the worse half of the runs ends; at least three always remain.
/// The runs share the threads of the pool. Throws Interrupted if the observer asks for the end.
PilotResult run_pilot(const std::vector<Config>& configs, const std::shared_ptr<const OpenedProblem>& problem,
                      const MessageCosts& costs, double seconds, double enough, ThreadPool& pool,
                      Observer& observer);

}  // namespace laconic
