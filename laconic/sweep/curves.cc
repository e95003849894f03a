// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/curves.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "laconic/core/failure.h"
#include "laconic/experiment/experiment.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/experiment/summary.h"
#include "laconic/report/figures.h"
#include "laconic/report/file.h"
#include "laconic/report/trace.h"
#include "laconic/solve.h"

namespace laconic {
namespace {

/// The least number of rows for runs that were evaluated only at their ends. A row may cost more than a
/// round, so this is just enough for a figure.
constexpr std::size_t kRows = 100;

/// The best setting of a group of runs: of least score; without any score, of least gradient at the end. Nothing
/// if all runs diverged or could not begin.
std::optional<std::size_t> best_setting(const SweepPlan& plan, const RunOutcomes& outcomes,
                                        const std::vector<double>& scores,
                                        const std::vector<std::size_t>& group) {
  std::optional<std::size_t> best;
  const auto is_better = [&](std::size_t r) {
    if (!best) return true;
    const double score = scores[plan.runs[r].setting];
    const double least = scores[plan.runs[*best].setting];
    if (std::isfinite(score) || std::isfinite(least)) return score < least;
    return outcomes[r]->last.grad_norm_sq < outcomes[*best]->last.grad_norm_sq;
  };
  for (const std::size_t r : group) {
    const RunEnd end = outcomes[r]->end;
    if (end != RunEnd::diverged && end != RunEnd::impossible && is_better(r)) best = r;
  }
  return best ? std::optional(plan.runs[*best].setting) : std::nullopt;
}

/// Groups of runs, of each of which the best setting is drawn: the cells, or the runs of each method.
std::vector<std::vector<std::size_t>> groups_of(const SweepPlan& plan) {
  if (plan.draws_cells) return plan.of_cell;
  std::map<std::pair<std::size_t, std::string>, std::size_t> numbers;
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t r = 0; r < plan.runs.size(); ++r) {
    const auto [at, is_new] =
        numbers.try_emplace({plan.runs[r].workload, plan.runs[r].method}, groups.size());
    if (is_new) groups.emplace_back();
    groups[at->second].push_back(r);
  }
  return groups;
}

/// A config of the same run that stops at the given row. The run is evaluated as in the sweep. If the sweep
/// evaluated it only at its ends, it is evaluated every `stride` rounds.
Config as_far_as(const Row& last, std::size_t stride, Config config) {
  SolveOptions& solve = config.solve;
  solve.rounds = last.round;
  solve.target.reset();
  solve.target_accuracy.reset();
  solve.target_consensus.reset();
  solve.max_bits.reset();
  solve.max_seconds.reset();
  config.target_gap.reset();
  if (solve.eval_every == 0) solve.eval_every = stride;
  return config;
}

void record(const Experiment& experiment, const std::string& folder, Observer& observer) {
  std::filesystem::create_directories(folder);
  write_whole(folder + "/run.toml", toml_of(resolved(experiment.config())));
  ThreadPool alone(1);
  Fleet fleet(alone);
  const auto method = experiment.make_method();
  const auto clock = experiment.make_clock();
  FileRecorder files(folder, experiment.problem().has_accuracy());
  SolveOptions options = experiment.solve_options(clock.get());
  const std::function<Request()> asked = [&] { return observer.asked_to_end(); };
  options.asked = &asked;
  const Summary summary = solve(experiment.problem(), *method, fleet, options, files);
  if (summary.why == Summary::Why::interrupted)
    throw Interrupted(summary.request, "interrupted when all runs were done, but not all curves");
  write_whole(folder + "/summary.json", summary_json(experiment, summary, {}));
}

}  // namespace

std::vector<Curves> record_curves(const SweepPlan& plan, const RunOutcomes& outcomes,
                                  const ProblemOfRun& problem_of_run, ThreadPool& pool,
                                  const std::string& folder, Observer& observer) {
  std::filesystem::remove_all(folder);  // may hold files of a sweep that was killed
  const std::vector<double> scores = scores_of(plan, outcomes);
  std::vector<Curves> curves;
  for (std::size_t w = 0; w < plan.workloads.size(); ++w) curves.push_back({w, {}});
  std::vector<std::pair<std::size_t, std::string>> runs;
  std::map<std::string, std::size_t> seen;
  for (const std::vector<std::size_t>& group : groups_of(plan)) {
    const auto setting = best_setting(plan, outcomes, scores, group);
    if (!setting) continue;
    const std::vector<std::size_t>& of_setting = plan.of_setting[*setting];
    const SweepRun& first = plan.runs[of_setting.front()];
    const std::string& name = first.config.method.name;
    const std::string path = fmt::format("{}/{}-{}", folder, name, ++seen[name]);
    for (std::size_t i = 0; i < of_setting.size(); ++i) {
      runs.emplace_back(of_setting[i], i == 0 ? path : fmt::format("{}-seed-{}", path, i + 1));
      curves[first.workload].folders.push_back(runs.back().second);
    }
  }
  // All runs use one stride, so that their costs to a target are comparable.
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const auto& [r, to] : runs) least = std::min(least, outcomes[r]->last.round);
  const std::size_t stride = std::max<std::size_t>(1, least / kRows);
  pool.for_each(runs.size(), [&](std::size_t i) {
    const auto& [r, to] = runs[i];
    record(Experiment(as_far_as(outcomes[r]->last, stride, plan.runs[r].config), problem_of_run[r]), to,
           observer);
  });
  return curves;
}

std::vector<std::string> draw_curves(const SweepPlan& plan, const std::vector<Curves>& curves,
                                     const std::string& path) {
  std::vector<std::string> paths;
  for (const auto& [workload, folders] : curves) {
    if (folders.empty()) continue;
    std::vector<SavedRun> runs;
    for (const std::string& folder : folders) runs.push_back(read_run(folder));
    const std::string place = place_of(plan, workload);
    FigureOptions figure = *plan.figure;
    figure.title = plan.title + (plan.title.empty() || place.empty() ? "" : ": ") + place;
    paths.push_back(numbered(path, paths.size() + 1));
    draw(runs, figure, paths.back());
  }
  return paths;
}

}  // namespace laconic
