// SPDX-License-Identifier: Apache-2.0
// A sweep, from its plan to its files.
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

/// Whether the folder's description is that of a sweep.
bool is_sweep(const std::vector<KeyValue>& settings);

/// Runs all of the plan, on plan.threads threads. `out`, where given, is taken, and gets all files. `outcomes` holds
/// what has ended already; with `goes_on` that is what the folder has. InputError before anything is run, or
/// written; Interrupted where the observer asks for the end: the folder then holds what is done.
SweepResult run_sweep(const SweepPlan& plan, RunFolder* out, RunOutcomes outcomes, bool goes_on,
                      Observer& observer);

/// What a sweep has come to whose runs have all ended: its judgement alone, no report and no figures.
SweepResult judged_again(const SweepPlan& plan, RunOutcomes outcomes);

/// A plan's description, as its folder has it.
std::string description_of(const SweepPlan& plan);

}  // namespace laconic
