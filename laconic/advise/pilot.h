// SPDX-License-Identifier: Apache-2.0
// The pilot of a method: short runs with several steps in lockstep (laconic/sweep/lockstep.h). A Meter for
// each run adds up the time of its rounds on a link. Rounds, gradients and the link decide which run is the
// best and when runs end, and never a time that is measured on this machine.
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include "laconic/advise/advice.h"
#include "laconic/advise/costs.h"
#include "laconic/advise/target.h"
#include "laconic/core/parallel.h"
#include "laconic/cost/clock.h"
#include "laconic/cost/link.h"
#include "laconic/sweep/lockstep.h"
#include "laconic/sweep/plan.h"

namespace laconic {

/// The rows of all clients.
double rows_of(const Problem& problem);

/// The cost of a message, by its content.
struct MessageCosts {
  MessageCost whole;       // an uncompressed vector, and any message that is at least as long
  MessageCost said;        // the method's message in most rounds
  bool remembers = false;  // whether a client also adds its message to its own memory
};

/// Adds up the time of rounds: the seconds of the modelled clock, and the costs of messages.
class Meter {
 public:
  /// Uses the links and the stragglers of the config, and these seconds a gradient.
  Meter(const Config& config, const std::vector<double>& seconds_a_gradient, const MessageCosts& costs);

  void hear(std::size_t round, const Ledger& ledger);
  /// Uplink bits of a client in round 0.
  [[nodiscard]] double bits_of_start() const { return bits_of_start_; }
  [[nodiscard]] const RoundCost& start() const { return start_; }
  [[nodiscard]] const RoundCost& rounds() const { return rounds_; }
  [[nodiscard]] double seconds() const { return start_.total() + rounds_.total(); }

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

/// Limits of runs: a run that exceeds both of them ends.
struct CostLimit {
  double link_seconds = std::numeric_limits<double>::infinity();  // of the modelled clock of the run
  double gradients = std::numeric_limits<double>::infinity();     // a client
};

class Pilot {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// A run for each config; all evaluate equally often. `seconds_a_gradient` (of each client in turn) and the
  /// costs are for the predicted seconds only. The runs share the threads of the pool. The last four
  /// arguments must outlive this object.
  Pilot(const std::vector<Config>& configs, std::shared_ptr<const OpenedProblem> problem,
        const std::vector<double>& seconds_a_gradient, const MessageCosts& costs, const Target& target,
        ThreadPool& pool, Observer& observer);
  Pilot(const Pilot&) = delete;
  Pilot& operator=(const Pilot&) = delete;

  /// Advances the runs until a run has won, all have ended, they have computed `gradients` more, or the
  /// deadline is over. After 8, 16 and 32 rounds, or passes over the rows, the worse half of the runs ends;
  /// two always remain. Throws Interrupted if the observer asks for the end.
  void advance(double gradients, const CostLimit& limit, Deadline deadline);
  [[nodiscard]] bool over() const { return runs_.live().empty(); }
  /// Gradients of a sample so far, over all clients and runs. Gradients of the evaluations count where they
  /// are more, and a message counts as kMessage.
  [[nodiscard]] double gradients() const;
  /// Ends all runs. The result is that of the best: the first to reach the target; else the nearest to it.
  PilotResult result();

 private:
  static constexpr double kMessage = 20;  // the gradients that take as long as to encode and decode a message

  [[nodiscard]] bool halving_is_due(const LockstepRun& run) const;
  void halve();

  SweepPlan plan_;
  std::shared_ptr<const OpenedProblem> problem_;
  MessageCosts costs_;
  const Target& target_;
  ThreadPool& pool_;
  Observer& observer_;
  std::vector<Meter> meters_;
  std::vector<std::vector<Reached>> paths_;  // of each run
  ProblemOfRun problem_of_run_;
  LockstepCell runs_;
  std::size_t halvings_ = 0;
};

}  // namespace laconic
