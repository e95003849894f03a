// SPDX-License-Identifier: Apache-2.0
#include "cli/standings.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "laconic/solve.h"

namespace laconic::cli {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Its place among the values of the axis; nothing where the run has no such axis.
std::optional<std::size_t> place_on(const Axis& axis, const SweepRun& run) {
  for (const Choice& choice : run.choices) {
    if (choice.axis != axis.name) continue;
    return std::find(axis.values.begin(), axis.values.end(), choice.value) - axis.values.begin();
  }
  return {};
}

/// A method in full as print() has it; other texts as they are.
std::string canonical(const std::string& method) {
  try {
    return print(parse(method));
  } catch (const InputError&) {
    return method;
  }
}

}  // namespace

std::vector<double> scores_of(const SweepPlan& plan, const Outcomes& outcomes) {
  const std::string reached = name_of(Summary::Why::target);
  const std::string diverged = name_of(Summary::Why::diverged);
  const auto counts = [&](const std::string& why) {
    return plan.measure->to_target ? why == reached : why != diverged;
  };
  std::vector<double> scores;
  for (const std::vector<std::size_t>& runs : plan.of_setting) {
    double sum = 0;
    for (const std::size_t r : runs)
      sum += outcomes[r] && counts(outcomes[r]->why) ? plan.measure->of(outcomes[r]->last) : kInfinity;
    scores.push_back(sum / static_cast<double>(runs.size()));
  }
  return scores;
}

std::vector<std::string> scenes_of(const SweepPlan& plan) {
  std::vector<std::string> scenes;
  for (const SweepRun& run : plan.runs) {
    if (std::find(scenes.begin(), scenes.end(), run.scene) == scenes.end()) scenes.push_back(run.scene);
  }
  return scenes;
}

std::vector<Best> best_of(const SweepPlan& plan, const std::vector<double>& scores) {
  std::vector<Best> all;
  for (const std::string& scene : scenes_of(plan)) {
    const std::size_t first_of_scene = all.size();
    for (const SweepRun& run : plan.runs) {
      if (run.scene != scene) continue;
      const auto best = std::find_if(all.begin() + static_cast<std::ptrdiff_t>(first_of_scene), all.end(),
                                     [&](const Best& each) { return each.method == run.method; });
      if (best == all.end()) {
        all.push_back({scene, run.method, run.setting, scores[run.setting]});
      } else if (scores[run.setting] < best->score) {
        best->setting = run.setting;
        best->score = scores[run.setting];
      }
    }
  }
  return all;
}

std::optional<double> score_of(const SweepPlan& plan, const std::vector<double>& scores,
                               const std::string& scene, const std::string& method) {
  std::optional<double> least;
  const std::string in_full = canonical(method);
  for (const SweepRun& run : plan.runs) {
    const Spec& spec = run.description.method;
    const bool is_of = method == spec.name || method == run.method || in_full == print(spec);
    if (run.scene == scene && is_of) least = std::min(least.value_or(kInfinity), scores[run.setting]);
  }
  return least;
}

std::vector<Judged> judge_all(const SweepPlan& plan, const std::vector<Expectation>& expectations,
                              const std::vector<double>& scores) {
  std::vector<Judged> judged;
  for (const std::string& scene : scenes_of(plan)) {
    for (const Expectation& one : expectations) {
      const auto score = [&](const std::string& method) {
        if (const auto found = score_of(plan, scores, scene, method)) return *found;
        throw InputError(
            fmt::format("expect: \"{}\": no run of this sweep is of the method {}", one.text, method));
      };
      judged.push_back({scene, one.text, one.relation, judge(one, score)});
    }
  }
  return judged;
}

bool all_hold(const std::vector<Judged>& judged) {
  return std::all_of(judged.begin(), judged.end(), [](const Judged& one) { return one.verdict.holds; });
}

std::vector<HeatMap> maps_of(const SweepPlan& plan, const std::vector<double>& scores,
                             const std::string& across, const std::string& upwards) {
  const Axis& x_axis = *plan.grid.axis(across);
  const Axis& y_axis = *plan.grid.axis(upwards);
  const auto of_scene = [&](const Choice& choice) {
    const std::string& key = plan.grid.axis(choice.axis)->key;
    return key == "problem" || key == "clients" || key == "split" || key == "target";
  };
  std::vector<std::string> panels;
  std::vector<HeatMap> maps;
  for (const SweepRun& run : plan.runs) {
    const auto x = place_on(x_axis, run);
    const auto y = place_on(y_axis, run);
    if (!x || !y || std::isinf(scores[run.setting])) continue;
    std::string panel;
    for (const Choice& choice : run.choices) {
      if (of_scene(choice) && choice.axis != across && choice.axis != upwards)
        panel += fmt::format("{}{}={}", panel.empty() ? "" : ", ", choice.axis, choice.value);
    }
    const auto at = std::find(panels.begin(), panels.end(), panel) - panels.begin();
    if (at == std::ssize(panels)) {
      panels.push_back(panel);
      HeatMap map{
          .x_name = x_axis.name, .y_name = y_axis.name, .x_values = x_axis.values, .y_values = y_axis.values};
      map.values.assign(y_axis.values.size(), std::vector<double>(x_axis.values.size(), kInfinity));
      map.title = plan.measure->name;
      if (plan.measure->to_target) map.title += " to the target";
      map.title += ": " + (panel.empty() ? print(run.description.problem) : panel);
      maps.push_back(std::move(map));
    }
    double& cell = maps[static_cast<std::size_t>(at)].values[*y][*x];
    cell = std::min(cell, scores[run.setting]);
  }
  return maps;
}

}  // namespace laconic::cli
