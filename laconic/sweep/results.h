// SPDX-License-Identifier: Apache-2.0
// What is said of a sweep when it has ended.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "laconic/experiment/run_folder.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"

namespace laconic {

/// Why a sweep stopped, in its summary, where not all that is expected of it holds.
inline constexpr const char* kUnmet = "expectation not met";

/// What has come of a sweep: every run has ended.
struct SweepResult {
  RunOutcomes outcomes;
  std::vector<double> scores = {};
  std::vector<Best> best = {};
  std::vector<Judged> judged = {};
  std::vector<std::string> figures = {};       // their paths
  std::vector<std::string> lost_figures = {};  // why: a figure is no reason to lose a sweep
  double seconds = 0;
};

/// For the terminal: the best of each method, the verdicts, and how the runs ended. No newline at its end.
std::string report_of(const SweepPlan& plan, const SweepResult& result);

/// A TOML file for the best setting of each method, to be run as it is: best/clag.toml, best/clag-2.toml ...
/// By setting.
std::map<std::size_t, std::string> write_best(const SweepPlan& plan, const SweepResult& result,
                                              const RunFolder& out);

/// The content of summary.json; `files` are those of write_best().
std::string summary_json(const SweepPlan& plan, const SweepResult& result,
                         const std::map<std::size_t, std::string>& files);

/// A figure of each of maps_of(): path, then path-2, ... Returns their paths. InputError where there is none.
std::vector<std::string> draw_maps(const SweepPlan& plan, const std::vector<double>& scores,
                                   const std::string& across, const std::string& upwards,
                                   const std::string& path);

}  // namespace laconic
