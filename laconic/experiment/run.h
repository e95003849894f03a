// SPDX-License-Identifier: Apache-2.0
// Runs an experiment or a config and writes its files.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "laconic/core/observer.h"
#include "laconic/core/vec.h"
#include "laconic/experiment/experiment.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/report/checkpoint.h"
#include "laconic/report/trace.h"
#include "laconic/rounds/method.h"
#include "laconic/solve.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// The result of a run. The same on all ranks, except `sentences` and `json`.
struct RunResult {
  Summary summary;
  Vector x;                            // the final point
  std::vector<std::string> sentences;  // on rank 0: warnings of the method, late clients
  std::string json;                    // on rank 0: the content of summary.json; empty if interrupted
  bool saved = false;  // of an interrupted run: whether a checkpoint was saved, from which it can be resumed

  [[nodiscard]] bool diverged() const { return summary.why == Summary::Why::diverged; }
  [[nodiscard]] bool interrupted() const { return summary.why == Summary::Why::interrupted; }
};

/// Where the rows of a run go, and whether it resumes there.
struct RunFiles {
  RunFolder* out = nullptr;      // on rank 0, if there is a folder; must be taken
  bool goes_on = false;          // resumes from the folder's checkpoint
  Recorder* recorder = nullptr;  // receives the rows too, on any rank: a MemoryRecorder, for example
};

/// Runs the experiment. Collective. Only rank 0 writes files, but each rank writes its part of a checkpoint.
/// Errors before round 0 are thrown as SharedFailure on all ranks. Later errors may be thrown on one rank
/// only.
RunResult run(const Experiment& experiment, Fleet& fleet, Observer& observer, const RunFiles& files = {});

/// Opens the config and runs it, in real time if the config is served. `neighbours` is the number of ranks
/// that share the processors of this machine. Collective.
RunResult run(const Config& config, Transport& transport, std::size_t neighbours, Observer& observer,
              const RunFiles& files = {});

/// InputError if the config asks for checkpoints and has no folder for them.
void require_folder(const Config& config);
/// The folder of a new run, taken; nullptr if the config has none. With `force` it may hold an earlier run.
/// Throws InputError if the folder cannot be taken.
std::unique_ptr<RunFolder> new_folder_for(const Config& config, bool force);

bool saves_checkpoints(const SolveOptions& options);
/// Why an interrupted run could not save a checkpoint: "no out=".
const char* why_not_saved(const Config& config);

/// What a served run adds to a run.
struct RunHooks {
  /// Called once the folder is ready. `from` is the point of resumption, or nullptr.
  std::function<void(const Progress* from)> on_files = {};
  /// Additional sentences for the result.
  std::function<std::vector<std::string>()> sentences = {};
  /// Requests in addition to those of the observer.
  std::function<Request()> asked = {};
  std::size_t ranks = 1;  // for summary.json
};
/// run() with a method that is already made.
RunResult run_method(const Experiment& experiment, Method& method, Fleet& fleet, Observer& observer,
                     const RunFiles& files, const RunHooks& hooks);

}  // namespace laconic
