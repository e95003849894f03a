// SPDX-License-Identifier: Apache-2.0
// The way of the best runs of a sweep, of which its table has the ends alone.
#pragma once

#include <string>
#include <vector>

#include "laconic/core/parallel.h"
#include "laconic/sweep/lockstep.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"

namespace laconic {

/// Runs the best setting of each cell once more, with the first of its seeds and as many rounds as it went in the
/// sweep, each into a folder of its own in `folder`: a run like any other. Where none of a
/// cell got to the target, the one that ended with the least gradient stands for it; where all diverged, none.
/// Returns the folders, scene by scene; `problem_of_run` is as for LockstepCell.
struct Curves {
  std::string scene;
  std::vector<std::string> folders;
};
std::vector<Curves> record_curves(const SweepPlan& plan, const RunOutcomes& outcomes,
                                  const ProblemOfRun& problem_of_run, ThreadPool& pool,
                                  const std::string& folder, Observer& observer);

/// A figure of each scene: path, then path-2, ... Returns their paths. Through gnuplot, see report/gnuplot.h.
std::vector<std::string> draw_curves(const SweepPlan& plan, const std::vector<Curves>& curves,
                                     const std::string& path);

}  // namespace laconic
