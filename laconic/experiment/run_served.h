// SPDX-License-Identifier: Apache-2.0
// Runs in real time: a server with a real clock.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "laconic/experiment/run.h"
#include "laconic/participation/real_clock.h"
#include "laconic/rounds/star.h"
#include "laconic/transport/mailbox.h"

namespace laconic {

/// Rank 0 is the server, the other ranks have the clients. A single process runs both as threads. As run(),
/// for configs that are served.
RunResult run_served(const Config& config, Transport& transport, std::size_t neighbours, Observer& observer,
                     const RunFiles& files);

// What runs across sites (laconic/sites/serve.h) share with it.

/// The parts of a method that a server can serve. InputError if it is no such method.
StarParts served_parts_of(const Experiment& experiment);
/// The same of the config with the shards of this problem as its clients.
StarParts served_parts_of(const Config& config, const std::shared_ptr<const Problem>& problem,
                          const std::shared_ptr<RealClock>& clock);
/// The config's clock, which is_served().
std::shared_ptr<RealClock> real_clock_of(const Config& config);
/// Runs the part of rank 0 and returns the code with which all ranks end.
int serve_to_the_end(Mailbox& mailbox, RunResult& result, const std::function<RunResult()>& part);
/// The result as far as a rank with clients knows it, from that code. Throws SharedFailure if the run failed.
RunResult result_of_code(int code);

}  // namespace laconic
