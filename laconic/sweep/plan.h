// SPDX-License-Identifier: Apache-2.0
// What a sweep is to do: a grid of runs, what is measured, and which of the runs compete.
//
// Runs that differ in nothing but their seeds are one setting: its score is the mean of theirs. Settings that
// differ in nothing but the axes that are tuned (`tune`, by default the step) are one cell, of which only the
// best one matters.
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

namespace laconic {

/// What a run is judged by: the less, the better.
struct Measure {
  const char* name;
  const char* help;
  bool to_target;  // what it took to reach the target; otherwise, what there was at the end
  double (*of)(const Row&);
};
std::span<const Measure> measures();
/// Throws InputError for an unknown name, and for one that asks for what the runs do not have.
const Measure& measure_named(const std::string& name, bool has_target, bool is_timed);

/// Where runs differ in these axes alone, they are the same again.
bool is_seed(const Axis& axis);
/// Whether runs that differ in it do not do the same thing.
bool is_scene(const Axis& axis);

struct SweepRun {
  Config config;
  std::vector<Choice> choices;
  std::string
      scene;  // its problem, clients, split, and target where that varies: only runs of one scene compare
  std::string method;  // as written in the sweep: clag(top-k({1,3}), zeta={0,1})
  std::size_t setting = 0;
  std::size_t cell = 0;
};

struct SweepPlan {
  std::vector<KeyValue> settings;  // as given, each key once
  Grid grid;
  const Measure* measure = nullptr;
  std::vector<std::string> tuned;                          // axes
  std::optional<std::pair<std::string, std::string>> map;  // the axes of the heat map: across, upwards
  std::optional<FigureOptions> figure;                     // of the curves; without a title
  std::string title;
  std::string expect;
  std::size_t threads = 0;
  std::string out;

  std::vector<SweepRun> runs;                        // in the order of the grid
  std::vector<std::vector<std::size_t>> of_setting;  // the runs of each setting
  std::vector<std::vector<std::size_t>> of_cell;     // the runs of each cell

  [[nodiscard]] bool is_tuned(const std::string& axis) const {
    return std::find(tuned.begin(), tuned.end(), axis) != tuned.end();
  }
  /// Whether runs may end early, because they cannot win their cell any more.
  [[nodiscard]] bool has_target() const { return runs.front().config.has_target(); }
  /// Whether all runs have a modelled clock.
  [[nodiscard]] bool is_timed() const {
    return std::all_of(runs.begin(), runs.end(), [](const SweepRun& run) { return run.config.is_timed(); });
  }
};

/// Throws InputError for whatever is wrong with any run's description, or with the sweep's own keys.
SweepPlan plan_of(const std::vector<KeyValue>& settings);

/// Rethrows an InputError of `action` with the point of the grid in front: "at top-k=30, step=theory*2:
/// method: ...".
template <class Action>
auto at_point(const std::vector<Choice>& choices, Action&& action) {
  try {
    return action();
  } catch (const InputError& error) {
    if (choices.empty()) throw;
    std::string where;
    for (const Choice& choice : choices)
      where += (where.empty() ? "" : ", ") + choice.axis + "=" + choice.value;
    throw InputError("at " + where + ": " + error.what());
  }
}

}  // namespace laconic
