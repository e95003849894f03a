// SPDX-License-Identifier: Apache-2.0
// Ranks as threads of one process, for tests.
#pragma once

#include <cstddef>
#include <functional>

#include "laconic/transport/transport.h"

namespace laconic {

/// Calls body(transport) once for each rank, each on its own thread, and returns when all calls have
/// returned. If a rank throws, the exchanges of the other ranks also throw, so that none waits for ever; the
/// first exception is rethrown here. Throws RunError if the system refuses a thread; then no body has been
/// called.
void run_ranks(std::size_t ranks, const std::function<void(Transport&)>& body);

}  // namespace laconic
