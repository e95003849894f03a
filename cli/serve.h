// SPDX-License-Identifier: Apache-2.0
// A run whose server has a real clock.
#pragma once

#include <cstddef>

#include "cli/description.h"
#include "cli/out_folder.h"
#include "laconic/transport/transport.h"

namespace laconic::cli {

/// Rank 0 serves, the others have the clients; one process makes threads of both. As carry_out() in run.cc,
/// for descriptions that are served.
int serve(const Description& description, OutFolder* out, bool goes_on, Transport& transport,
          std::size_t neighbours);

}  // namespace laconic::cli
