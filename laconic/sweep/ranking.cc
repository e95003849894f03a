// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/ranking.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "laconic/core/spread.h"
#include "laconic/solve.h"

namespace laconic {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The index of the run's value among the values of the axis; nothing if the run does not have the axis.
std::optional<std::size_t> place_on(const Axis& axis, const SweepRun& run) {
  for (const Choice& choice : run.choices) {
    if (choice.axis != axis.name) continue;
    return std::find(axis.values.begin(), axis.values.end(), choice.value) - axis.values.begin();
  }
  return {};
}

/// Those of the choices that change the workload.
std::vector<Choice> workload_choices(const SweepPlan& plan, const std::vector<Choice>& choices) {
  std::vector<Choice> some;
  std::copy_if(choices.begin(), choices.end(), std::back_inserter(some), [&](const Choice& choice) {
    const Axis* axis = plan.grid.axis(choice.axis);
    return axis != nullptr && is_of_workload(*axis);
  });
  return some;
}

bool has_all(const SweepRun& run, const std::vector<Choice>& choices) {
  return std::all_of(choices.begin(), choices.end(), [&](const Choice& wanted) {
    return std::find(run.choices.begin(), run.choices.end(), wanted) != run.choices.end();
  });
}

const SweepRun& first_of(const SweepPlan& plan, std::size_t workload) {
  return *std::find_if(plan.runs.begin(), plan.runs.end(),
                       [&](const SweepRun& run) { return run.workload == workload; });
}

/// Whether the run's workload equals this one, except in the axes of `elsewhere`.
bool differ_only_in(const SweepPlan& plan, const SweepRun& run, std::size_t workload,
                    const std::vector<Choice>& elsewhere) {
  std::vector<Choice> rest = workload_choices(plan, run.choices);
  std::erase_if(rest, [&](const Choice& choice) {
    return std::any_of(elsewhere.begin(), elsewhere.end(),
                       [&](const Choice& each) { return each.axis == choice.axis; });
  });
  return has_all(first_of(plan, workload), rest);
}

/// Why this choice cannot select the runs of a factor; "" if it can.
std::string trouble_with(const SweepPlan& plan, const Choice& choice) {
  const Axis* axis = plan.grid.axis(choice.axis);
  if (axis == nullptr) return fmt::format("no axis of this sweep is {}", choice.axis);
  if (std::find(axis->values.begin(), axis->values.end(), choice.value) == axis->values.end())
    return fmt::format("the axis {} has {}, not {}", choice.axis, fmt::join(axis->values, ", "),
                       choice.value);
  if (is_seed(*axis)) return fmt::format("scores are means over {}", choice.axis);
  if (plan.is_tuned(choice.axis) && plan.measure->to_target) {
    return fmt::format(
        "{} is tuned: runs that could not win have ended early and have no score; sweep with tune=none",
        choice.axis);
  }
  return "";
}

void require_axes(const SweepPlan& plan, const Expectation& expectation) {
  for (const Factor* factor : methods_in(expectation)) {
    for (const Choice& choice : factor->where) {
      const std::string fault = trouble_with(plan, choice);
      if (!fault.empty()) throw InputError(fmt::format("expect: \"{}\": {}", expectation.text, fault));
    }
  }
}

/// The choices of the workload that are named by the first factor that names any.
std::vector<Choice> workloads_named(const SweepPlan& plan, const Expectation& expectation) {
  for (const Factor* factor : methods_in(expectation)) {
    if (auto named = workload_choices(plan, factor->where); !named.empty()) return named;
  }
  return {};
}

/// Nothing if the text is no spec, such as a method with braces.
std::optional<Spec> spec_in(const std::string& text) {
  try {
    return parse(text);
  } catch (const InputError&) {
    return {};
  }
}

}  // namespace

std::vector<double> scores_of(const SweepPlan& plan, const RunOutcomes& outcomes) {
  return scores_of(plan, outcomes, *plan.measure);
}

std::vector<double> scores_of(const SweepPlan& plan, const RunOutcomes& outcomes, const Measure& measure) {
  const auto counts = [&](RunEnd end) {
    if (measure.to_target) return end == RunEnd::target;
    return end != RunEnd::diverged && end != RunEnd::beaten && end != RunEnd::impossible;
  };
  std::vector<double> scores;
  for (const std::vector<std::size_t>& runs : plan.of_setting) {
    double sum = 0;
    for (const std::size_t r : runs)
      sum += outcomes[r] && counts(outcomes[r]->end) ? measure.of(outcomes[r]->last) : kInfinity;
    scores.push_back(sum / static_cast<double>(runs.size()));
  }
  return scores;
}

double deviation_of(const SweepPlan& plan, const RunOutcomes& outcomes, std::size_t setting) {
  std::vector<double> scores;
  for (const std::size_t r : plan.of_setting[setting]) scores.push_back(plan.measure->of(outcomes[r]->last));
  return spread_of(scores).deviation;
}

std::string place_of(const SweepPlan& plan, std::size_t workload) {
  std::string text;
  for (const Choice& choice : first_of(plan, workload).choices) {
    const Axis& axis = *plan.grid.axis(choice.axis);
    if (!is_of_workload(axis) || axis.values.size() < 2) continue;
    // A number alone is ambiguous, so it gets the name of its axis. A word does not need it.
    const bool is_word = std::isalpha(static_cast<unsigned char>(choice.value[0])) != 0;
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", is_word ? "" : choice.axis + "=", choice.value);
  }
  return text;
}

std::vector<Best> best_of(const SweepPlan& plan, const std::vector<double>& scores) {
  std::vector<Best> all;
  for (std::size_t workload = 0; workload < plan.workloads.size(); ++workload) {
    const auto begin = static_cast<std::ptrdiff_t>(all.size());
    for (const SweepRun& run : plan.runs) {
      if (run.workload != workload) continue;
      const auto best = std::find_if(all.begin() + begin, all.end(),
                                     [&](const Best& each) { return each.method == run.method; });
      if (best == all.end()) {
        all.push_back({workload, run.method, run.setting, scores[run.setting]});
      } else if (scores[run.setting] < best->score) {
        best->setting = run.setting;
        best->score = scores[run.setting];
      }
    }
  }
  return all;
}

std::optional<std::size_t> best_setting(const SweepPlan& plan, const std::vector<double>& scores,
                                        std::size_t workload, const Factor& factor) {
  std::optional<std::size_t> best;
  const std::optional<Spec> in_full = spec_in(factor.method);
  const std::vector<Choice> elsewhere = workload_choices(plan, factor.where);
  for (const SweepRun& run : plan.runs) {
    const Spec& spec = run.config.method;
    if (factor.method != spec.name && factor.method != run.method && in_full != spec) continue;
    if (!has_all(run, factor.where)) continue;
    if (elsewhere.empty() ? run.workload != workload : !differ_only_in(plan, run, workload, elsewhere))
      continue;
    if (!best || scores[run.setting] < scores[*best]) best = run.setting;
  }
  return best;
}

std::vector<Judged> judge_all(const SweepPlan& plan, const std::vector<Expectation>& expectations,
                              const RunOutcomes& outcomes) {
  const std::vector<double> scores = scores_of(plan, outcomes);
  std::vector<Judged> judged;
  for (const Expectation& one : expectations) {
    require_axes(plan, one);
    const auto score = [&](std::size_t workload, const Factor& factor) {
      const auto setting = best_setting(plan, scores, workload, factor);
      if (!setting) {
        throw InputError(
            fmt::format("expect: \"{}\": no run of this sweep is of the method {}", one.text, factor.text));
      }
      // If no run reached the target, there is no best run to take another measure of.
      if (factor.measure.empty() || std::isinf(scores[*setting])) return scores[*setting];
      return scores_of(plan, outcomes,
                       measure_named(factor.measure, plan.has_target(), plan.is_timed()))[*setting];
    };
    const std::vector<Choice> named = workloads_named(plan, one);
    for (std::size_t workload = 0; workload < plan.workloads.size(); ++workload) {
      if (!has_all(first_of(plan, workload), named)) continue;
      const Verdict verdict = judge(one, [&](const Factor& factor) { return score(workload, factor); });
      judged.push_back({workload, one.claim, one.text, in_numbers(one, verdict), verdict});
    }
  }
  return judged;
}

bool all_hold(const std::vector<Judged>& judged) {
  return std::all_of(judged.begin(), judged.end(), [](const Judged& one) { return one.verdict.holds; });
}

namespace {

/// Lets the colours of the map cover the values of all maps.
void set_common_scale(HeatMap& map, const std::vector<HeatMap>& maps) {
  for (const HeatMap& other : maps) {
    for (const std::vector<double>& row : other.values) {
      for (const double value : row) {
        if (!std::isfinite(value)) continue;
        map.least = std::min(map.least, value);
        map.most = std::max(map.most, value);
      }
    }
  }
}

}  // namespace

std::vector<HeatMap> maps_of(const SweepPlan& plan, const std::vector<double>& scores,
                             const std::string& across, const std::string& upwards) {
  const Axis& x_axis = *plan.grid.axis(across);
  const Axis& y_axis = *plan.grid.axis(upwards);
  std::vector<std::vector<Choice>> panels;
  std::vector<HeatMap> maps;
  for (const SweepRun& run : plan.runs) {
    const auto x = place_on(x_axis, run);
    const auto y = place_on(y_axis, run);
    if (!x || !y || std::isinf(scores[run.setting])) continue;
    std::vector<Choice> panel = workload_choices(plan, run.choices);
    std::erase_if(panel,
                  [&](const Choice& choice) { return choice.axis == across || choice.axis == upwards; });
    const auto at = std::find(panels.begin(), panels.end(), panel) - panels.begin();
    if (at == std::ssize(panels)) {
      HeatMap map{
          .x_name = x_axis.name, .y_name = y_axis.name, .x_values = x_axis.values, .y_values = y_axis.values};
      map.values.assign(y_axis.values.size(), std::vector<double>(x_axis.values.size(), kInfinity));
      map.value_name = plan.measure->help;
      if (plan.measure->to_target) map.value_name += ", to the target";
      map.title = plan.title + (plan.title.empty() ? "" : ": ") +
                  (panel.empty() ? print(run.config.problem) : print(panel));
      maps.push_back(std::move(map));
      panels.push_back(std::move(panel));
    }
    double& cell = maps[static_cast<std::size_t>(at)].values[*y][*x];
    cell = std::min(cell, scores[run.setting]);
  }
  for (HeatMap& map : maps) set_common_scale(map, maps);
  return maps;
}

}  // namespace laconic
