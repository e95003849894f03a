// SPDX-License-Identifier: Apache-2.0
// A run from its assembled method to its files.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "cli/description.h"
#include "cli/out_folder.h"
#include "cli/prepared.h"
#include "laconic/report/trace.h"
#include "laconic/rounds/method.h"
#include "laconic/transport/fleet.h"

namespace laconic::cli {

/// What must be the same on all ranks before they do anything together. One a line.
std::string identity_of(const Description& description, const Problem& problem);
/// And what must be so before round 0, though libraries and CPUs may differ from machine to machine.
std::string numbers_of(const Prepared& prepared, const Method& method);
bool saves_checkpoints(const SolveOptions& options);

struct Conduct {
  OutFolder* out = nullptr;  // rank 0's, where there is a folder
  bool goes_on = false;      // from the checkpoint in it
  std::size_t ranks = 1;     // for summary.json
  /// Where given, called when the folder is in order; with where the run goes on, or nullptr.
  std::function<void(const Progress* from)> on_files = {};
  /// Where given, what the last words say besides, a sentence each.
  std::function<std::vector<std::string>()> remarks = {};
  /// Where given, what the run was asked for besides the signals of this process. As SolveOptions::asked.
  std::function<Request()> asked = {};
};
/// Returns the exit code. Collective on the fleet.
int conduct(const Description& description, const Prepared& prepared, Method& method, Fleet& fleet,
            const Conduct& where);

}  // namespace laconic::cli
