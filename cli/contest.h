// SPDX-License-Identifier: Apache-2.0
// The runs of one cell of a sweep, in lockstep: all of them go the same number of rounds, then those that
// cannot win any more end. Who ends when depends on the cell alone, so a sweep's results are the same on any
// number of threads.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "cli/prepared.h"
#include "cli/standings.h"
#include "cli/sweep_plan.h"
#include "laconic/core/parallel.h"
#include "laconic/problem/problem.h"
#include "laconic/solve.h"
#include "laconic/transport/fleet.h"

namespace laconic::cli {

/// A problem that many runs share.
struct SharedProblem {
  std::unique_ptr<Problem> problem;
  Known known;
};

/// One run, on one thread.
class Contender {
 public:
  /// All must outlive it.
  Contender(const SweepRun& run, const SharedProblem& problem);

  /// kStride rounds, or as many as there are left. A point has stopped moving that did not for kPatience
  /// times that, and whose true gradient moves it no more, but for rounding.
  void advance();
  void give_up() { ended_early_ = kBeaten; }

  [[nodiscard]] const SweepRun& run() const { return run_; }
  [[nodiscard]] bool over() const { return ended_early_ != nullptr || solver_.over(); }
  [[nodiscard]] std::size_t rounds() const { return solver_.summary().rounds; }
  /// So far.
  [[nodiscard]] Outcome outcome() const;

 private:
  // Few enough rounds to end early who cannot win, and enough that the threads, which wait for each other
  // then, do not wait long.
  static constexpr std::size_t kStride = 16;
  static constexpr std::size_t kPatience = 8;

  struct NoRecorder final : Recorder {
    void record(const Row& /*row*/, const Timing& /*timing*/) override {}
  };

  const SweepRun& run_;
  ThreadPool pool_{1};
  Fleet fleet_{pool_};
  Assembly assembly_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<const Clock> clock_;
  NoRecorder recorder_;
  Solver solver_;
  Vector before_;                // the point at the last look
  std::size_t still_since_ = 0;  // round
  const char* ended_early_ = nullptr;
};

class Contest {
 public:
  /// Of all runs of the cell; problem_of_run[r] is that of run r. All must outlive it.
  Contest(const SweepPlan& plan, std::size_t cell, const std::vector<const SharedProblem*>& problem_of_run);

  /// Those that go on. They may advance at once, on different threads.
  [[nodiscard]] std::vector<Contender*> live() const;
  /// After each has advanced: a run ends when its setting's score can only become worse than one that is
  /// final.
  void settle();
  /// Enters what has come of the runs, once none is live; returns how many they are.
  std::size_t report(Outcomes& outcomes) const;

 private:
  const SweepPlan& plan_;
  const std::vector<std::size_t>& runs_;
  std::vector<std::unique_ptr<Contender>> contenders_;
};

}  // namespace laconic::cli
