// SPDX-License-Identifier: Apache-2.0
// A sweep in a folder, read back.
#pragma once

#include <string>
#include <vector>

#include "cli/out_folder.h"
#include "cli/standings.h"
#include "cli/sweep_plan.h"
#include "laconic/transport/transport.h"

namespace laconic::cli {

/// Whether the folder's description is that of a sweep.
bool is_sweep(const std::vector<Setting>& settings);

/// Why a sweep stopped whose expectations do not all hold, in its summary.
inline constexpr const char* kUnmet = "expectation not met";

/// A sweep is done by one process: InputError where there are several.
void require_alone(const Transport& transport);

/// Goes on with the sweep in a folder that is taken; threads= may change.
int resume_sweep(OutFolder& out, const std::vector<std::string>& words);

/// A figure of the map over two axes for each scene: path, then path-2, ... Returns their paths.
std::vector<std::string> draw_maps(const SweepPlan& plan, const std::vector<double>& scores,
                                   const std::string& across, const std::string& upwards,
                                   const std::string& path);

}  // namespace laconic::cli
