// SPDX-License-Identifier: Apache-2.0
// Runs in real time: a server with a real clock.
#pragma once

#include <cstddef>

#include "laconic/experiment/run.h"

namespace laconic {

/// Rank 0 is the server, the other ranks have the clients. A single process runs both as threads. As run(),
/// for configs that are served.
RunResult run_served(const Config& config, Transport& transport, std::size_t neighbours, Observer& observer,
                     const RunFiles& files);

}  // namespace laconic
