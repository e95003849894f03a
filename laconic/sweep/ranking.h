// SPDX-License-Identifier: Apache-2.0
// What has come of a sweep: scores, the best of each method, maps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "laconic/report/heat_map.h"
#include "laconic/report/trace.h"
#include "laconic/solve.h"
#include "laconic/sweep/expectation.h"
#include "laconic/sweep/plan.h"

namespace laconic {

/// How a run of a sweep or a pilot ended: as a run alone does (Summary::Why), or early.
enum class RunEnd : std::uint8_t {
  rounds,
  target,
  max_bits,
  max_seconds,
  diverged,
  interrupted,
  beaten,     // it could not win its cell any more
  still,      // its point had stopped moving
  behind,     // of a pilot: its step was behind others
  too_late,   // of a pilot: ten times as late as the fastest
  time_over,  // of a pilot: its share of the time was over
};
RunEnd end_of(Summary::Why why);
/// As sweep.csv has it: that of a run alone by name_of(Summary::Why), else beaten, still, ...
const char* name_of(RunEnd end);
/// Nothing where no end has that name.
std::optional<RunEnd> end_named(std::string_view name);

struct RunOutcome {
  RunEnd end = RunEnd::rounds;
  Row last;
};
using RunOutcomes = std::vector<std::optional<RunOutcome>>;  // of each run; none where it has not ended

/// Of each setting the mean of what is measured of its runs, what it took to the target or what there was at
/// the end; infinite unless all of them have come so far.
std::vector<double> scores_of(const SweepPlan& plan, const RunOutcomes& outcomes, const Measure& measure);
/// By the sweep's measure.
std::vector<double> scores_of(const SweepPlan& plan, const RunOutcomes& outcomes);

/// Over the runs of a setting that has a score: the deviation of one run's from their mean, sqrt(sum /
/// (runs - 1)); 0 for a single run.
double deviation_of(const SweepPlan& plan, const RunOutcomes& outcomes, std::size_t setting);

/// The best setting of a method, as the sweep writes it, in one scene.
struct Best {
  std::string scene;
  std::string method;
  std::size_t setting = 0;  // the first of those with the least score
  double score = 0;         // infinite where none has one
};
/// In the order of the grid, scene by scene.
std::vector<Best> best_of(const SweepPlan& plan, const std::vector<double>& scores);

/// The setting of least score that the factor names (expectation.h), seen from a scene; nothing where no run
/// is so.
std::optional<std::size_t> best_setting(const SweepPlan& plan, const std::vector<double>& scores,
                                        const std::string& scene, const Factor& factor);

/// The least score of each cell over two axes, over whatever else varies but the scene: a map for each choice
/// at the axes of the scene that are not its own. Maps without any score are left out.
std::vector<HeatMap> maps_of(const SweepPlan& plan, const std::vector<double>& scores,
                             const std::string& across, const std::string& upwards);

/// What became of a statement in one scene.
struct Judged {
  std::string scene;
  std::string place;  // place_of() the scene
  std::string claim;  // may be empty
  std::string statement;
  std::string numbers;  // in_numbers()
  Verdict verdict;
};

/// Every statement in every scene of which it is made. InputError where one names a method that the sweep has
/// no run of, an axis or a measure that is not there.
std::vector<Judged> judge_all(const SweepPlan& plan, const std::vector<Expectation>& expectations,
                              const RunOutcomes& outcomes);
bool all_hold(const std::vector<Judged>& judged);

/// Those of all runs, each once.
std::vector<std::string> scenes_of(const SweepPlan& plan);

/// What tells the scene from the others of the sweep, in short: "phishing", "s=6.4, by-label"; "" where it is the
/// only one.
std::string place_of(const SweepPlan& plan, const std::string& scene);

}  // namespace laconic
