// SPDX-License-Identifier: Apache-2.0
// A sweep as the page of `laconic report` has it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace laconic::cli {

struct PageSweep {
  std::string folder;
  std::vector<std::string> scenes;
  /// The folders of the best runs that the sweep has left, each with its scene.
  std::vector<std::pair<std::string, std::string>> best_runs;
  nlohmann::ordered_json facts;  // title, measure, axes, scores, the best of each method, what was expected
};

/// Of run.toml, sweep.csv and, where the sweep has ended, summary.json. Throws InputError where they do not fit.
PageSweep read_page_sweep(const std::string& folder);

}  // namespace laconic::cli
