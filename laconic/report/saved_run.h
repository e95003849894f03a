// SPDX-License-Identifier: Apache-2.0
// Runs as stored in their folders, and their names in legends.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "laconic/report/trace.h"

namespace laconic {

/// A run as stored in its folder.
struct SavedRun {
  std::string folder;
  std::vector<std::pair<std::string, std::string>> description;
  Table trace;
  std::optional<double> f_star = {};  // the minimum of f, if the run computed it

  [[nodiscard]] std::string value(const std::string& key) const;  // of the description; "" if missing
  [[nodiscard]] double last(const std::string& column) const;     // of the trace; 0 if missing
};

/// Reads trace.csv and summary.json. If a killed run left no summary, the name of the folder replaces the
/// method. Throws InputError if the folder holds no run.
SavedRun read_run(const std::string& folder);

/// One name for each run: its method, then the keys in which runs of the same method differ, except those
/// that only set the length of a run. Runs with equal names also get their rounds, and then their folder.
std::vector<std::string> legend(const std::vector<SavedRun>& runs);

/// Places of runs in a list.
using RunGroup = std::vector<std::size_t>;

/// The runs of each curve, in the order of their first runs: runs that differ only in their seeds (seed and
/// split-seed) belong together.
std::vector<RunGroup> grouped_by_seed(const std::vector<SavedRun>& runs);

/// One name for each group: the legend of its first run, without seeds; and "3 seeds" where groups differ in
/// their number.
std::vector<std::string> legend(const std::vector<SavedRun>& runs, const std::vector<RunGroup>& groups);

}  // namespace laconic
