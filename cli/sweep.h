// SPDX-License-Identifier: Apache-2.0
// A sweep in a folder.
#pragma once

#include <string>
#include <vector>

#include "cli/description.h"
#include "cli/out_folder.h"
#include "laconic/transport/transport.h"

namespace laconic::cli {

/// Whether the folder's description is that of a sweep.
bool is_sweep(const std::vector<Setting>& settings);

/// A sweep is done by one process: InputError where there are several.
void require_alone(const Transport& transport);

/// Goes on with the sweep in a folder that is taken; threads= may change.
int resume_sweep(OutFolder& out, const std::vector<std::string>& words);

}  // namespace laconic::cli
