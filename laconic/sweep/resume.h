// SPDX-License-Identifier: Apache-2.0
// An interrupted sweep, as run_sweep() goes on with it.
#pragma once

#include <string>
#include <vector>

#include "laconic/experiment/run_folder.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/run_end.h"

namespace laconic {

/// The arguments of run_sweep(), besides the folder.
struct SweepToResume {
  SweepPlan plan;
  RunOutcomes outcomes = {};
  bool goes_on =
      false;  // the folder holds these outcomes; false if the sweep was interrupted before it began
};

/// The sweep in a folder that is taken (RunFolder::take_up). `changes` are words `threads=`, which change no bit
/// of the result; `resources` as for plan_of(). Throws InputError for other changes, and if a file of the folder
/// is not that of a sweep.
SweepToResume sweep_to_resume(const RunFolder& folder, const std::vector<std::string>& changes,
                              const Resources& resources = {});

}  // namespace laconic
