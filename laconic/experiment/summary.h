// SPDX-License-Identifier: Apache-2.0
// What is said of a run when it has ended.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "laconic/experiment/experiment.h"
#include "laconic/solve.h"

namespace laconic {

struct Host {
  std::size_t ranks = 1;
  std::size_t threads = 1;  // of each
};

/// The content of summary.json.
std::string summary_json(const Experiment& experiment, const Summary& summary, const Host& host);

/// One line for a terminal: why the run stopped, f, the gradient, bits, seconds; then the sentences.
std::string last_words(const Summary& summary, const std::vector<std::string>& sentences);

}  // namespace laconic
