// SPDX-License-Identifier: Apache-2.0
// A sweep in a folder.
#pragma once

#include <string>
#include <vector>

#include "cli/description.h"
#include "cli/out_folder.h"
#include "cli/standings.h"
#include "cli/sweep_plan.h"
#include "laconic/transport/transport.h"

namespace laconic::cli {

/// Whether the folder's description is that of a sweep.
bool is_sweep(const std::vector<Setting>& settings);

/// A sweep is done by one process: InputError where there are several.
void require_alone(const Transport& transport);

/// What a sweep has come to.
struct Swept {
  std::string report;  // for the terminal, no newline at its end
  std::vector<std::string> figures;
  std::vector<std::string> lost_figures;  // why: a figure is no reason to lose a sweep
  std::vector<Judged> judged;
  double seconds = 0;
};
/// From a plan to the end. `out`, where given, is taken, and gets all files. `outcomes` holds what has ended
/// already; with `goes_on` that is what the folder has. Throws InputError before anything is run, or written.
Swept carry_out(const SweepPlan& plan, OutFolder* out, Outcomes outcomes, bool goes_on);

/// What a sweep has come to whose runs have all ended: its judgement alone, no report and no figures.
Swept judged_again(const SweepPlan& plan, const Outcomes& outcomes);

/// A plan's description, as its folder has it.
std::string description_of(const SweepPlan& plan);

/// Goes on with the sweep in a folder that is taken; threads= may change.
int resume_sweep(OutFolder& out, const std::vector<std::string>& words);

}  // namespace laconic::cli
