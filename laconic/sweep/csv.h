// SPDX-License-Identifier: Apache-2.0
// sweep.csv: a line for each run of a sweep that has ended. cells.csv: a line for each cell, of its best setting.
#pragma once

#include <string>

#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"

namespace laconic {

/// Columns: run (its number in the grid, from 0), problem, clients, split, method, step_rule, seed, the other
/// axes by their names, why (it ended), then those of trace.csv at its last row. In the order of the grid,
/// texts with commas quoted as in RFC 4180; no clock in it.
std::string sweep_csv(const SweepPlan& plan, const RunOutcomes& outcomes);

/// Columns: problem, clients, split, method, step_rule and the other axes but for seeds, with the values of the
/// cell's best setting; runs (its seeds), score and deviation by the sweep's measure. Score, deviation and the
/// tuned axes are empty where no setting of the cell has a score. In the order of the grid.
std::string cells_csv(const SweepPlan& plan, const RunOutcomes& outcomes);

/// What that holds of a sweep of the same plan. Throws InputError where it is not such a file.
RunOutcomes read_sweep_csv(const SweepPlan& plan, const std::string& path);

}  // namespace laconic
