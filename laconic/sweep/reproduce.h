// SPDX-License-Identifier: Apache-2.0
// The experiments of the papers: runs their sweeps one after another and checks their statements.
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
  std::string out = {};                   // a folder, in which each sweep has its own
  std::size_t threads = 0;                // as in a config
  std::vector<std::string> folders = {};  // as in a config
};

/// A sweep of a paper, and its result.
struct PaperSweep {
  const PaperExperiment* paper = nullptr;
  Part part{};
  SweepPlan plan = {};
  std::optional<RunFolder> out = {};
  bool begun = false;  // its folder already holds part of the results
  bool ended = false;  // its folder already holds all results
  std::optional<SweepResult> result = {};
  std::string why_not = {};                     // why it was left out, or failed
  Failure::Kind failure = Failure::Kind::none;  // the kind of failure, if it failed

  /// The number of its statements that hold.
  [[nodiscard]] std::size_t holding() const;
};

/// The plans of all sweeps, with their folders taken. Errors in any of them are thrown before any runs. A
/// sweep that an earlier call began is resumed. A sweep without its data is left out.
std::deque<PaperSweep> sweeps_of(const ReproduceRequest& wanted);

/// Runs the sweep, unless it is left out. A failure is stored in the sweep and not thrown, so that the others
/// still run. Throws Interrupted.
void run_paper_sweep(PaperSweep& sweep, Observer& observer);

/// Writes verdicts.json, which `laconic report` and scripts read. Verdicts of an
/// earlier call on other papers are kept.
void write_verdicts(const ReproduceRequest& wanted, const std::deque<PaperSweep>& sweeps);

}  // namespace laconic
