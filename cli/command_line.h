// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "laconic/transport/transport.h"

namespace laconic::cli {

/// Reads the command line and runs its verb. Returns the exit code; throws what the verb throws, and InputError
/// for a wrong command line. Collective. `neighbours`: as for run() in cli/verbs.h.
int run_program(int argc, char** argv, Transport& transport, std::size_t neighbours);

}  // namespace laconic::cli
