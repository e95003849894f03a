// SPDX-License-Identifier: Apache-2.0
// A sweep, as shown on the page of `laconic report`.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "laconic/report/saved_run.h"

namespace laconic {

// NOLINTNEXTLINE(bugprone-exception-escape): clang-tidy 14 takes the noexcept move of JSON for one that throws
struct PageSweep {
  std::string folder;
  /// Each workload as text, with the description of one of its runs.
  std::vector<std::pair<std::string, SavedRun>> workloads;
  /// The folders of the runs of best settings that the sweep stored.
  std::vector<std::string> run_folders;
  std::size_t runs = 0;
  // an object: title, measure, axes, the best of each method, expected statements
  nlohmann::ordered_json facts;
  // an array for maps: the position and the score of each setting
  nlohmann::ordered_json settings;

  /// The index in `workloads` of a stored run.
  [[nodiscard]] std::size_t workload_of(const SavedRun& run) const;
};

/// Reads run.toml, sweep.csv and, if the sweep has ended, summary.json. Throws InputError if they do not fit
/// together.
PageSweep read_page_sweep(const std::string& folder);

}  // namespace laconic
