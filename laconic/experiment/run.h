// SPDX-License-Identifier: Apache-2.0
// A run, from an experiment or a config to its files.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "laconic/core/observer.h"
#include "laconic/core/vec.h"
#include "laconic/experiment/experiment.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/report/checkpoint.h"
#include "laconic/rounds/method.h"
#include "laconic/solve.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// What has come of a run. The same on all ranks but for `sentences`.
struct RunResult {
  Summary summary;
  Vector x;  // the final point
  std::vector<std::string>
      sentences;       // what a user may not expect: the method's warnings, late clients. Of rank 0
  bool saved = false;  // whether a checkpoint is there, to go on from; of a run that was interrupted

  [[nodiscard]] bool diverged() const { return summary.why == Summary::Why::diverged; }
  [[nodiscard]] bool interrupted() const { return summary.why == Summary::Why::interrupted; }
};

/// Where a run keeps what it writes, and whether it goes on there.
struct RunFiles {
  RunFolder* out = nullptr;  // rank 0's, where there is a folder. It is taken already
  bool goes_on = false;      // from the checkpoint in it
};

/// Runs the experiment. Collective: rank 0 alone writes files, but for its part of a checkpoint. SharedFailure on all
/// ranks for what is wrong before round 0; what fails later may be thrown on one rank only.
RunResult run(const Experiment& experiment, Fleet& fleet, Observer& observer, const RunFiles& files = {});

/// Opens the config and runs it, also by a real clock (served). `neighbours`: how many ranks share the processors of
/// this machine. Collective.
RunResult run(const Config& config, Transport& transport, std::size_t neighbours, Observer& observer,
              const RunFiles& files = {});

bool saves_checkpoints(const SolveOptions& options);
/// Why a run that was interrupted could not save a checkpoint: "no out=".
const char* why_not_saved(const Config& config);

/// What a served run adds to a run.
struct RunHooks {
  /// Called when the folder is in order; with where the run goes on, or nullptr.
  std::function<void(const Progress* from)> on_files = {};
  /// What the result says besides, a sentence each.
  std::function<std::vector<std::string>()> sentences = {};
  /// What the run was asked for besides the observer's requests.
  std::function<Request()> asked = {};
  std::size_t ranks = 1;  // for summary.json
};
/// run() of a method that is made already.
RunResult run_method(const Experiment& experiment, Method& method, Fleet& fleet, Observer& observer,
                     const RunFiles& files, const RunHooks& hooks);

}  // namespace laconic
