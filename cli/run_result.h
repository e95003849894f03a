// SPDX-License-Identifier: Apache-2.0
// What the verbs print about a run that has ended.
#pragma once

#include "cli/verbs.h"
#include "laconic/experiment/config.h"
#include "laconic/experiment/run.h"

namespace laconic::cli {

/// Prints the result of a run that was not interrupted. Returns the exit code.
int tell_result(const RunResult& result, const Config& config, Output output);

}  // namespace laconic::cli
