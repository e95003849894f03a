// SPDX-License-Identifier: Apache-2.0
// The runs of one cell of a sweep, in lockstep: all of them go the same number of rounds, then those that
// cannot win any more end. Who ends when depends on the cell alone, so a sweep's results are the same on any
// number of threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "laconic/core/parallel.h"
#include "laconic/experiment/experiment.h"
#include "laconic/problem/problem.h"
#include "laconic/solve.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// The problem of each run of a plan.
using ProblemOfRun = std::vector<std::shared_ptr<const OpenedProblem>>;

/// Is told what was said in a round of run r of a plan, when it is over, on the thread that computes it.
using Listener = std::function<void(std::size_t r, std::size_t round, const Ledger& ledger)>;

/// One run, on one thread.
class LockstepRun {
 public:
  // Few enough rounds to end early who cannot win, and enough that the threads, which wait for each other
  // then, do not wait long.
  static constexpr std::size_t kStride = 16;

  /// The run must outlive it, and the observer, which is asked whether to end.
  LockstepRun(const SweepRun& run, std::shared_ptr<const OpenedProblem> problem, Observer& observer,
              std::function<void(std::size_t round, const Ledger& ledger)> listen = {});

  /// So many rounds, or as many as there are left, or until the observer asks for the end. A
  /// point has stopped moving that did not for kPatience times kStride rounds, and whose true gradient moves it no more, but for rounding.
  void advance(std::size_t rounds = kStride);
  void give_up(RunEnd why = RunEnd::beaten) { ended_early_ = why; }

  [[nodiscard]] const SweepRun& run() const { return run_; }
  [[nodiscard]] bool over() const { return ended_early_ || solver_.over(); }
  [[nodiscard]] std::size_t rounds() const { return solver_.summary().rounds; }
  /// So far.
  [[nodiscard]] RunOutcome outcome() const;

 private:
  static constexpr std::size_t kPatience = 8;

  struct Ear final : Recorder {
    explicit Ear(std::function<void(std::size_t)> on_round) : heard(std::move(on_round)) {}
    void record(const Row& /*row*/, const Timing& /*timing*/) override {}
    void tick(std::size_t round) override {
      if (heard) heard(round);
    }
    std::function<void(std::size_t)> heard;
  };

  const SweepRun& run_;
  ThreadPool pool_{1};
  Fleet fleet_{pool_};
  Experiment experiment_;
  Observer& observer_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<const Clock> clock_;
  Ear ear_;
  Solver solver_;
  Vector before_;                // the point at the last look
  std::size_t still_since_ = 0;  // round
  std::optional<RunEnd> ended_early_;
};

class LockstepCell {
 public:
  /// Of all runs of the cell; problem_of_run[r] is that of run r. All must outlive it.
  LockstepCell(const SweepPlan& plan, std::size_t cell, const ProblemOfRun& problem_of_run,
               Observer& observer, const Listener& listen = {});

  /// Those that go on. They may advance at once, on different threads.
  [[nodiscard]] std::vector<LockstepRun*> live() const;
  /// After each has advanced: a run ends when its setting's score can only become worse than one that is
  /// final.
  void settle();
  /// Enters what has come of the runs, once none is live; returns how many they are.
  std::size_t report(RunOutcomes& outcomes) const;

 private:
  const SweepPlan& plan_;
  const std::vector<std::size_t>& runs_;
  std::vector<std::unique_ptr<LockstepRun>> lockstep_;
};

}  // namespace laconic
