// SPDX-License-Identifier: Apache-2.0
// The tables of a sweep. sweep.csv has a line for each run that has ended. cells.csv has a line for each
// cell, about its best setting.
#pragma once

#include <string>

#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"

namespace laconic {

/// Columns: run (its number in the grid, from 0), problem, clients, split, method, step_rule, seed, the other
/// axes by name, why (the reason the run ended), then the columns of trace.csv at the last row of the run.
/// Lines are in the order of the grid. Texts with commas are quoted as in RFC 4180. No column holds elapsed
/// real time.
std::string sweep_csv(const SweepPlan& plan, const RunOutcomes& outcomes);

/// Columns: problem, clients, split, method, step_rule and the other axes except seeds, with the values of
/// the cell's best setting; runs (its number of seeds); score and deviation by the sweep's measure; edge (at
/// which ends of tuned axes that setting lies: "largest step"). Score, deviation and the tuned axes are empty if no setting of the cell has a score. Lines are in the order of
/// the grid.
std::string cells_csv(const SweepPlan& plan, const RunOutcomes& outcomes);

/// The outcomes that a sweep.csv of the same plan holds. Throws InputError if the file is not such a file.
RunOutcomes read_sweep_csv(const SweepPlan& plan, const std::string& path);

}  // namespace laconic
