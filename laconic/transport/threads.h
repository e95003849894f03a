// SPDX-License-Identifier: Apache-2.0
// Ranks that are threads of one process: what tests run instead of processes.
#pragma once

#include <cstddef>
#include <functional>

#include "laconic/transport/transport.h"

namespace laconic {

/// Calls body(transport) once a rank, each on a thread of its own, and returns when all have.
/// When a rank throws, the others' exchanges throw too, so that none waits for ever; what was
/// thrown first is rethrown here. RunError where the system refuses a thread; then no body was called.
void run_ranks(std::size_t ranks, const std::function<void(Transport&)>& body);

}  // namespace laconic
