// SPDX-License-Identifier: Apache-2.0
// A sweep as the page of `laconic report` has it.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "laconic/report/figures.h"

namespace laconic {

struct PageSweep {
  std::string folder;
  /// Each scene with the description of one of its runs.
  std::vector<std::pair<std::string, SavedRun>> scenes;
  /// The folders of runs that the sweep has left, of what is best in it.
  std::vector<std::string> run_folders;
  std::size_t runs = 0;
  std::string facts;     // title, measure, axes, the best of each method, what was expected: a JSON object
  std::string settings;  // where each setting stands and its score, for maps: a JSON array

  /// The place in `scenes` of a run that the sweep has left.
  [[nodiscard]] std::size_t scene_of(const SavedRun& run) const;
};

/// Of run.toml, sweep.csv and, where the sweep has ended, summary.json. Throws InputError where they do not fit.
PageSweep read_page_sweep(const std::string& folder);

}  // namespace laconic
