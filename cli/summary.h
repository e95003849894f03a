// SPDX-License-Identifier: Apache-2.0
// What is said of a run when it has ended.
#pragma once

#include <cstddef>
#include <string>

#include "cli/description.h"
#include "cli/prepared.h"
#include "laconic/solve.h"

namespace laconic::cli {

struct Host {
  std::size_t ranks = 1;
  std::size_t threads = 1;  // of each
};

/// The content of summary.json.
std::string summary_json(const Description& description, const Problem& problem, const Known& known,
                         const Assembly& assembly, const Summary& summary, const Host& host);

/// One line for the terminal: why it stopped, f, the gradient, bits, seconds, and what a user may not expect.
std::string last_words(const Summary& summary, const Assembly& assembly);

}  // namespace laconic::cli
