// SPDX-License-Identifier: Apache-2.0
// The plan of a sweep: a grid of runs, what is measured, and which runs compete.
//
// - setting: the runs that differ only in their seeds. Its score is the mean over these runs.
// - cell: the settings that differ only in tuned axes (`tune`, by default the step). Only its best counts.
// - workload: problem, clients, split and target (workload.h). Runs are compared only within one workload.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "laconic/experiment/config.h"
#include "laconic/report/figures.h"
#include "laconic/report/trace.h"
#include "laconic/sweep/grid.h"
#include "laconic/sweep/workload.h"

namespace laconic {

/// How a run is scored. Smaller is better.
struct Measure {
  const char* name;
  const char* help;
  bool to_target;  // true: the cost to reach the target; false: the value at the end of the run
  double (*of)(const Row&);
};
std::span<const Measure> measures();
/// Throws InputError for an unknown name, and for a measure that needs a target or a modelled clock that the
/// runs do not have.
const Measure& measure_named(const std::string& name, bool has_target, bool is_timed);

/// Whether the axis is a seed: runs that differ only in such axes are repetitions of one setting.
bool is_seed(const Axis& axis);

struct SweepRun {
  Config config;
  std::vector<Choice> choices = {};
  std::string method = {};  // as written in the sweep: clag(top-k({1,3}), zeta={0,1})
  std::size_t workload = 0;
  std::size_t setting = 0;
  std::size_t cell = 0;
};

struct SweepPlan {
  std::vector<KeyValue> settings;  // as given, each key once
  Grid grid;
  const Measure* measure = nullptr;
  std::vector<std::string> tuned;                          // names of axes
  std::optional<std::pair<std::string, std::string>> map;  // the axes of the heat map: horizontal, vertical
  std::optional<FigureOptions> figure;                     // of the curves; without a title
  bool draws_cells = false;       // curves=cells: a curve for each cell, not only for the best of each method
  bool grows = false;             // grow=yes: tuned axes are widened until the best lies inside
  bool skips_impossible = false;  // impossible=skip: settings that cannot run are recorded
  std::string title;
  std::string expect;
  std::size_t threads = 0;
  std::string out;

  std::vector<SweepRun> runs;                        // in the order of the grid
  std::vector<Workload> workloads;                   // each once, in the order of the grid
  std::vector<std::vector<std::size_t>> of_setting;  // the runs of each setting
  std::vector<std::vector<std::size_t>> of_cell;     // the runs of each cell

  [[nodiscard]] bool is_tuned(const std::string& axis) const {
    return std::find(tuned.begin(), tuned.end(), axis) != tuned.end();
  }
  /// Whether runs may end early because they can no longer win their cell.
  [[nodiscard]] bool has_target() const { return runs.front().config.has_target(); }
  /// Whether all runs have a modelled clock.
  [[nodiscard]] bool is_timed() const {
    return std::all_of(runs.begin(), runs.end(), [](const SweepRun& run) { return run.config.is_timed(); });
  }
};

/// `resources` are those of each run's config. Throws InputError for any error in the config of a run or in the
/// sweep's own keys.
SweepPlan plan_of(const std::vector<KeyValue>& settings, const Resources& resources = {});

/// A plan of one cell: the runs have these configs, and each is a setting of its own. Without files.
SweepPlan plan_of_cell(const std::vector<Config>& configs, const Measure& measure);

/// Runs `action`. Rethrows its InputError with the point of the grid in front: "at top-k=30, step=theory*2:
/// method: ...".
template <class Action>
auto at_point(const std::vector<Choice>& choices, Action&& action) {
  try {
    return action();
  } catch (const InputError& error) {
    if (choices.empty()) throw;
    throw InputError("at " + print(choices) + ": " + error.what());
  }
}

}  // namespace laconic
