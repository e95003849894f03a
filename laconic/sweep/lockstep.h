// SPDX-License-Identifier: Apache-2.0
// The runs of one cell of a sweep, in lockstep. All runs advance by the same number of rounds, then the runs
// that can no longer win are ended. When a run ends depends only on its cell, so the results of a sweep do
// not depend on the number of threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "laconic/core/parallel.h"
#include "laconic/experiment/experiment.h"
#include "laconic/problem/gradients_ahead.h"
#include "laconic/problem/problem.h"
#include "laconic/solve.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// The problem of each run of a plan.
using ProblemOfRun = std::vector<std::shared_ptr<const OpenedProblem>>;

/// Called after each round of run r of a plan with the messages of that round, on the thread that computes
/// the run.
using Listener = std::function<void(std::size_t r, std::size_t round, const Ledger& ledger)>;

/// One run, on one thread.
class LockstepRun {
 public:
  // Rounds between two checks. Small enough to end losing runs early, large enough that threads, which wait
  // for each other at a check, rarely wait long.
  static constexpr std::size_t kStride = 16;

  /// The run and the observer must outlive this object. The observer decides whether to interrupt the run.
  LockstepRun(const SweepRun& run, std::shared_ptr<const OpenedProblem> problem, Observer& observer,
              std::function<void(std::size_t round, const Ledger& ledger)> listen = {});

  /// Advances by `rounds` rounds, or until the run ends or the observer asks for the end. The run ends as
  /// still if its point has not moved for kPatience * kStride rounds and a step along the true gradient would
  /// only change it by rounding. With a target of the consensus, that must not have moved either.
  void advance(std::size_t rounds = kStride);
  /// The same for several runs on one thread. Those that share passes compute their gradients together.
  static void advance(std::span<LockstepRun* const> runs, std::size_t rounds = kStride);
  void give_up(RunEnd why = RunEnd::beaten) { ended_early_ = why; }

  /// Whether the two have one problem, in which passes over the data serve several points.
  [[nodiscard]] bool shares_passes_with(const LockstepRun& other) const;

  [[nodiscard]] const SweepRun& run() const { return run_; }
  [[nodiscard]] bool over() const { return ended_early_ || solver_.over(); }
  [[nodiscard]] std::size_t rounds() const { return solver_.summary().rounds; }
  /// The outcome so far.
  [[nodiscard]] RunOutcome outcome() const;

 private:
  static constexpr std::size_t kPatience = 8;

  /// Ends the run if it stands still.
  void check_motion();

  struct Ear final : Recorder {
    explicit Ear(std::function<void(std::size_t)> on_round) : heard(std::move(on_round)) {}
    void record(const Row& /*row*/, const Timing& /*timing*/) override {}
    void tick(std::size_t round) override {
      if (heard) heard(round);
    }
    std::function<void(std::size_t)> heard;
  };

  const SweepRun& run_;
  std::shared_ptr<const OpenedProblem> opened_;  // of all runs with this problem
  std::shared_ptr<GradientsAhead> ahead_;  // the same problem for this run; nullptr if it shares no passes
  ThreadPool pool_{1};
  Fleet fleet_{pool_};
  Experiment experiment_;
  Observer& observer_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<const Clock> clock_;
  Ear ear_;
  Solver solver_;
  Vector before_;                // the point at the last check
  double consensus_before_ = 0;  // of the last row at the last check
  std::size_t still_since_ = 0;  // the round since which the point stands still
  std::optional<RunEnd> ended_early_;
};

/// Splits runs into groups that advance together: runs that share passes, at most `most` of them.
std::vector<std::vector<LockstepRun*>> grouped(const std::vector<LockstepRun*>& runs, std::size_t most);

class LockstepCell {
 public:
  /// The runs of the cell that have no outcome yet; those with one only compete. problem_of_run[r] is the
  /// problem of run r. All arguments but `outcomes` must outlive this object.
  LockstepCell(const SweepPlan& plan, std::size_t cell, const ProblemOfRun& problem_of_run,
               const RunOutcomes& outcomes, Observer& observer, const Listener& listen = {});

  /// The runs that have not ended. They may advance concurrently on different threads.
  [[nodiscard]] std::vector<LockstepRun*> live() const;
  /// Call after each live run has advanced. Ends a run if the score of its setting can only end up worse than
  /// a score that is final.
  void settle();
  /// Call once no run is live. Stores the outcomes of the runs and returns the number of those that ran here.
  std::size_t report(RunOutcomes& outcomes) const;

 private:
  const SweepPlan& plan_;
  struct Competitor {
    std::size_t number = 0;            // of the run, in the plan
    std::unique_ptr<LockstepRun> run;  // nullptr: it has ended before
    RunOutcome outcome = {};           // if it has ended before

    [[nodiscard]] bool over() const { return run == nullptr || run->over(); }
    [[nodiscard]] RunOutcome now() const { return run == nullptr ? outcome : run->outcome(); }
  };

  std::vector<Competitor> competitors_;
};

}  // namespace laconic
