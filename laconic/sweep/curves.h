// SPDX-License-Identifier: Apache-2.0
// Curves of the best runs of a sweep. The table of the sweep has only their last rows.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "laconic/core/parallel.h"
#include "laconic/sweep/lockstep.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"

namespace laconic {

/// Runs the best setting of each cell again, with the first of its seeds and for as many rounds as in the
/// sweep. Each run writes the usual files of a run into a folder of its own under `folder`. If no run of a
/// cell reached the target, the run that ended with the smallest gradient represents the cell. If all runs
/// diverged, the cell has no curve. Returns the folders of each workload. `problem_of_run` is as for
/// LockstepCell.
struct Curves {
  std::size_t workload = 0;  // in SweepPlan::workloads
  std::vector<std::string> folders;
};
std::vector<Curves> record_curves(const SweepPlan& plan, const RunOutcomes& outcomes,
                                  const ProblemOfRun& problem_of_run, ThreadPool& pool,
                                  const std::string& folder, Observer& observer);

/// Draws one figure for each workload, to path, then path-2, ... Returns their paths. Uses gnuplot, see
/// report/gnuplot.h.
std::vector<std::string> draw_curves(const SweepPlan& plan, const std::vector<Curves>& curves,
                                     const std::string& path);

}  // namespace laconic
