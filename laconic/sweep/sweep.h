// SPDX-License-Identifier: Apache-2.0
// Runs the plan of a sweep and writes its files.
#pragma once

#include <string>
#include <vector>

#include "laconic/core/observer.h"
#include "laconic/experiment/config.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"
#include "laconic/sweep/results.h"

namespace laconic {

/// Whether the description in a folder is that of a sweep.
bool is_sweep(const std::vector<KeyValue>& settings);

/// Runs the plan on plan.threads threads. `out`, if given, must be taken; all files go there. `outcomes`
/// holds the runs that have already ended; with `goes_on` the folder already holds them too. Throws
/// InputError before anything runs or is written. Throws Interrupted if the observer asks for the end; the
/// folder then holds the runs that have ended. With plan.grows the plan is widened, in the folder too.
SweepResult run_sweep(SweepPlan& plan, RunFolder* out, RunOutcomes outcomes, bool goes_on,
                      Observer& observer);

/// Judges a sweep in which all runs have ended. Writes no report and no figures.
SweepResult judged_again(const SweepPlan& plan, RunOutcomes outcomes);

/// The description of a plan, as its folder stores it.
std::string description_of(const SweepPlan& plan);

}  // namespace laconic
