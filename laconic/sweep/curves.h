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

/// Runs the best setting of each method again (with plan.draws_cells: of each cell), with all its seeds and for
/// as many rounds as in the sweep. Each run writes the usual files of a run into a folder of its own under
/// `folder`: ef21-1, ef21-1-seed-2, ... If no run reached the target, the setting that ended with the smallest
/// gradient is drawn. If all runs diverged, there is no curve. Returns the folders of each workload.
/// `problem_of_run` is as for LockstepCell.
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
