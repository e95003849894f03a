// SPDX-License-Identifier: Apache-2.0
// What is said of a run when it has ended.
#pragma once

#include <cstddef>
#include <string>

#include "cli/description.h"
#include "cli/prepared.h"
#include "laconic/solve.h"

namespace laconic::cli {

/// The content of summary.json.
std::string summary_json(const Description& description, const Prepared& prepared, const Summary& summary,
                         std::size_t ranks);

/// One line for the terminal: why it stopped, f, the gradient, bits, seconds, and what a user may not expect.
std::string last_words(const Summary& summary, const Assembly& assembly);

}  // namespace laconic::cli
