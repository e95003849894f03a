// SPDX-License-Identifier: Apache-2.0
// The summary of a run that has ended.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "laconic/experiment/experiment.h"
#include "laconic/solve.h"

namespace laconic {

struct Host {
  std::size_t ranks = 1;
  std::size_t threads = 1;  // of each rank
};

/// The content of summary.json.
std::string summary_json(const Experiment& experiment, const Summary& summary, const Host& host);

/// One line for the terminal: why the run stopped, f, the gradient, bits, seconds. The sentences follow.
std::string last_words(const Summary& summary, const std::vector<std::string>& sentences);

}  // namespace laconic
