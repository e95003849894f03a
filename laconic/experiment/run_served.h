// SPDX-License-Identifier: Apache-2.0
// A run whose server has a real clock.
#pragma once

#include <cstddef>

#include "laconic/experiment/run.h"

namespace laconic {

/// Rank 0 serves, the others have the clients; one process makes threads of both. As run(), for configs that are
/// served.
RunResult run_served(const Config& config, Transport& transport, std::size_t neighbours, Observer& observer,
                     const RunFiles& files);

}  // namespace laconic
