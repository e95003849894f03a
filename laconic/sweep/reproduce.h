// SPDX-License-Identifier: Apache-2.0
// The experiments of papers: their sweeps, one after the other, and which statements hold.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "laconic/core/failure.h"
#include "laconic/core/observer.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/sweep/papers.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/sweep.h"

namespace laconic {

struct ReproduceRequest {
  std::vector<const PaperExperiment*> papers = {};
  bool quick = false;
  bool force = false;
  std::string out = {};     // a folder, which will hold one for each sweep
  std::size_t threads = 0;  // as in a config
};

/// A sweep of a paper, and what has come of it.
struct PaperSweep {
  const PaperExperiment* paper = nullptr;
  Part part{};
  SweepPlan plan = {};
  std::optional<RunFolder> out = {};
  bool begun = false;  // its folder has some of it
  bool ended = false;  // or all
  std::optional<SweepResult> result = {};
  std::string why_not = {};                     // where it is left out, or failed
  Failure::Kind failure = Failure::Kind::none;  // where it failed

  /// How many of its statements hold.
  [[nodiscard]] std::size_t holding() const;
};

/// The sweeps, each with its plan and its folder taken: nothing has run when something is wrong with one of them. A
/// sweep that an earlier call began is gone on with. A sweep without its data is left out.
std::deque<PaperSweep> sweeps_of(const ReproduceRequest& wanted);

/// Runs it, unless it is left out. A failure is kept in it: it is no reason to leave out the others. Throws
/// Interrupted.
void run_paper_sweep(PaperSweep& sweep, Observer& observer);

/// Writes verdicts.json, which `laconic report` and scripts read, and returns its path. What an earlier call found of
/// other papers stays.
std::string write_verdicts(const ReproduceRequest& wanted, const std::deque<PaperSweep>& sweeps);

}  // namespace laconic
