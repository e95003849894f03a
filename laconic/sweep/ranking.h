// SPDX-License-Identifier: Apache-2.0
// The evaluation of a sweep: scores, the best setting of each method, heat maps.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "laconic/report/heat_map.h"
#include "laconic/sweep/expectation.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/run_end.h"

namespace laconic {

/// For each setting the mean of the measure over its runs: the cost to the target, or the value at the end.
/// Infinite unless all its runs have a value.
std::vector<double> scores_of(const SweepPlan& plan, const RunOutcomes& outcomes, const Measure& measure);
/// By the sweep's measure.
std::vector<double> scores_of(const SweepPlan& plan, const RunOutcomes& outcomes);

/// The sample standard deviation of the score over the runs of a setting, sqrt(sum / (runs - 1)); 0 for a
/// single run. The setting must have a score.
double deviation_of(const SweepPlan& plan, const RunOutcomes& outcomes, std::size_t setting);

/// The best setting of a method on one workload. The method is written as in the sweep.
struct Best {
  std::size_t workload = 0;  // in SweepPlan::workloads
  std::string method;
  std::size_t setting = 0;  // the first setting with the least score
  double score = 0;         // infinite if no setting has a score
};
/// In the order of the grid, workload by workload.
std::vector<Best> best_of(const SweepPlan& plan, const std::vector<double>& scores);

/// The setting of least score among those that the factor (expectation.h) selects on this workload; nothing
/// if it selects no run.
std::optional<std::size_t> best_setting(const SweepPlan& plan, const std::vector<double>& scores,
                                        std::size_t workload, const Factor& factor);

/// Maps of two axes. An entry is the least score over all other axes except those of the workload. There is
/// one map for each combination of values at the workload's other axes. Maps without any score are left out.
std::vector<HeatMap> maps_of(const SweepPlan& plan, const std::vector<double>& scores,
                             const std::string& across, const std::string& upwards);

/// The verdict on a statement about one workload.
struct Judged {
  std::size_t workload = 0;  // in SweepPlan::workloads
  std::string claim;         // may be empty
  std::string statement;
  std::string numbers;  // in_numbers()
  Verdict verdict;
};

/// Checks every statement on every workload to which it applies. InputError if a statement names a method, an
/// axis or a measure that the sweep does not have.
std::vector<Judged> judge_all(const SweepPlan& plan, const std::vector<Expectation>& expectations,
                              const RunOutcomes& outcomes);
bool all_hold(const std::vector<Judged>& judged);

/// A short text that distinguishes the workload from the others of the sweep: "phishing", "s=6.4, by-label";
/// "" if the sweep has only one workload.
std::string place_of(const SweepPlan& plan, std::size_t workload);

}  // namespace laconic
