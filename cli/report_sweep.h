// SPDX-License-Identifier: Apache-2.0
// A sweep as the page of `laconic report` has it.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace laconic::cli {

struct PageSweep {
  std::string folder;
  std::vector<std::string> scenes;
  /// The folders of the best runs that the sweep has left, each with its scene.
  std::vector<std::pair<std::string, std::string>> best_runs;
  std::size_t runs = 0;
  std::string facts;     // title, measure, axes, the best of each method, what was expected: a JSON object
  std::string settings;  // where each setting stands and its score, for maps: a JSON array
};

/// Of run.toml, sweep.csv and, where the sweep has ended, summary.json. Throws InputError where they do not fit.
PageSweep read_page_sweep(const std::string& folder);

}  // namespace laconic::cli
