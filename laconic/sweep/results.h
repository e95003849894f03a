// SPDX-License-Identifier: Apache-2.0
// The report of a sweep that has ended.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "laconic/experiment/run_folder.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"

namespace laconic {

/// The reason in a sweep's summary if one of its expectations does not hold.
inline constexpr const char* kUnmet = "expectation not met";

/// A run that cannot begin, such as one with a top-k above d, and why.
struct ImpossibleRun {
  std::size_t run = 0;  // in SweepPlan::runs
  std::string reason;
};

/// The result of a sweep in which every run has ended.
struct SweepResult {
  RunOutcomes outcomes = {};
  std::vector<ImpossibleRun> impossible = {};
  std::vector<double> scores = {};
  std::vector<Best> best = {};
  std::vector<Judged> judged = {};
  std::vector<std::string> figures = {};  // paths
  // reasons; a figure that cannot be drawn does not fail the sweep
  std::vector<std::string> lost_figures = {};
  double seconds = 0;
};

/// For the terminal: the best setting of each method, the verdicts, and why the runs ended. No newline at its
/// end.
std::string report_of(const SweepPlan& plan, const SweepResult& result);

/// Writes a TOML file that can be run for the best setting of each method: best/clag.toml, best/clag-2.toml,
/// ... Returns the files by setting.
std::map<std::size_t, std::string> write_best(const SweepPlan& plan, const SweepResult& result,
                                              const RunFolder& out);

/// The content of summary.json. `files` is the result of write_best(); empty if it was not called.
std::string summary_json(const SweepPlan& plan, const SweepResult& result,
                         const std::map<std::size_t, std::string>& files);

/// Draws each of maps_of(), to path, then path-2, ... Returns their paths. InputError if there is no map.
std::vector<std::string> draw_maps(const SweepPlan& plan, const std::vector<double>& scores,
                                   const std::string& across, const std::string& upwards,
                                   const std::string& path);

}  // namespace laconic
