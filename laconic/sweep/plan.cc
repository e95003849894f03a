// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/plan.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "laconic/experiment/braces.h"

namespace laconic {
namespace {

constexpr Measure kMeasures[] = {
    {"bits", "encoded bits that a client has sent", true, [](const Row& row) { return row.uplink_bits; }},
    {"paper-bits", "32 bits for each value that a client has sent, and nothing else", true,
     [](const Row& row) { return 32 * row.uplink_floats; }},
    {"two-way-bits", "encoded bits that a client has sent and received", true,
     [](const Row& row) { return row.uplink_bits + row.downlink_bits; }},
    {"two-way-paper-bits", "32 bits for each value that a client has sent or received, and nothing else",
     true, [](const Row& row) { return 32 * (row.uplink_floats + row.downlink_floats); }},
    {"rounds", "rounds", true, [](const Row& row) { return static_cast<double>(row.round); }},
    {"oracle-calls", "single-sample gradients of a client", true,
     [](const Row& row) { return row.oracle_calls; }},
    {"seconds", "modelled seconds", true, [](const Row& row) { return row.network_seconds; }},
    {"grad-norm-sq", "squared gradient norm at the end", false,
     [](const Row& row) { return row.grad_norm_sq; }},
    {"f", "f at the end", false, [](const Row& row) { return row.f; }},
    {"consensus", "(1/n) sum |x_i - mean|^2 at the end", false, [](const Row& row) { return row.consensus; }},
    {"test-error", "1 - test_accuracy at the end", false,
     [](const Row& row) { return 1 - row.test_accuracy.value_or(0); }},
};

const char* const kNone = "none";

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::stringstream list(text);
  for (std::string word; std::getline(list, word, ',');) {
    word.erase(0, word.find_first_not_of(' '));
    word.erase(word.find_last_not_of(' ') + 1);
    words.push_back(word);
  }
  return words;
}

void require_axis(const Grid& grid, const std::string& key, const std::string& name) {
  if (grid.axis(name) != nullptr) return;
  std::vector<std::string> names;
  for (const Axis& axis : grid.axes) names.push_back(axis.name);
  throw InputError(fmt::format("{}: there is no axis \"{}\"{}; this sweep has {}", key, name,
                               did_you_mean(name, names),
                               names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

/// The keys of a run and the keys that only a sweep has.
std::vector<std::string> known_keys() {
  std::vector<std::string> names;
  for (const KeyRow& row : config_keys()) names.emplace_back(row.name);
  for (const KeyRow& row : sweep_keys()) names.emplace_back(row.name);
  return names;
}

/// InputError for an axis of seeds or of the workload: runs of different workloads are not compared.
void require_tunable(const Axis& axis) {
  if (!is_seed(axis) && !is_of_workload(axis)) return;
  throw InputError(
      fmt::format("tune: {} is an axis of {}: {}", axis.name, axis.key,
                  is_seed(axis) ? "seeds are averaged, not tuned" : "runs that differ in it do not compete"));
}

/// The method's value as written after one of several methods has been chosen; other braces remain.
std::string method_as_written(const std::vector<KeyValue>& settings, const GridPoint& point) {
  // Of nested choices the last one is the complete value.
  const auto chosen = std::find_if(point.choices.rbegin(), point.choices.rend(), [](const Choice& choice) {
    return choice.axis == "method" || choice.axis.starts_with("method#");
  });
  if (chosen != point.choices.rend()) return chosen->value;
  const auto found = std::find_if(settings.begin(), settings.end(),
                                  [](const KeyValue& setting) { return setting.key == "method"; });
  return found == settings.end() ? "" : found->value;
}

/// Numbers groups of runs 0, 1, ... in order of first appearance. The runs of a group agree in these choices.
class Numbering {
 public:
  std::size_t number(const std::vector<Choice>& choices, std::size_t run,
                     std::vector<std::vector<std::size_t>>& members) {
    const auto [at, is_new] = numbers_.try_emplace(choices, numbers_.size());
    if (is_new) members.emplace_back();
    members[at->second].push_back(run);
    return at->second;
  }

 private:
  std::map<std::vector<Choice>, std::size_t> numbers_;
};

SweepRun describe_point(const SweepPlan& plan, const GridPoint& point) {
  SweepRun run;
  run.choices = point.choices;
  run.config = at_point(point.choices, [&] { return describe(point.settings); });
  if (run.config.is_served()) {
    throw InputError(
        fmt::format("stragglers: {} is a real clock, by which runs side by side are late for each other; "
                    "sweep a model of it, as shifted-exp",
                    run.config.stragglers->name));
  }
  run.method = method_as_written(plan.settings, point);
  return run;
}

/// The number of the workload in the plan, which gets it if it is new.
std::size_t number_of(Workload workload, SweepPlan& plan) {
  const auto at = std::find(plan.workloads.begin(), plan.workloads.end(), workload);
  const auto number = static_cast<std::size_t>(at - plan.workloads.begin());
  if (at == plan.workloads.end()) plan.workloads.push_back(std::move(workload));
  return number;
}

void group_runs(SweepPlan& plan) {
  Numbering settings;
  Numbering cells;
  for (std::size_t r = 0; r < plan.runs.size(); ++r) {
    SweepRun& run = plan.runs[r];
    run.workload = number_of(workload_of(run.config, plan.grid), plan);
    std::vector<Choice> setting;
    std::vector<Choice> cell;
    for (const Choice& choice : run.choices) {
      if (is_seed(*plan.grid.axis(choice.axis))) continue;
      setting.push_back(choice);
      if (!plan.is_tuned(choice.axis)) cell.push_back(choice);
    }
    run.setting = settings.number(setting, r, plan.of_setting);
    run.cell = cells.number(cell, r, plan.of_cell);
  }
}

/// The two axes of the heat map, if exactly two axes are neither tuned, nor seeds, nor a choice of the
/// method. At least one run must have both axes.
std::optional<std::pair<std::string, std::string>> axes_to_map(const SweepPlan& plan) {
  std::vector<std::string> names;
  for (const Axis& axis : plan.grid.axes) {
    if (!plan.is_tuned(axis.name) && !is_seed(axis) && axis.name != "method" && axis.values.size() > 1)
      names.push_back(axis.name);
  }
  if (names.size() != 2) return {};
  const auto has = [&](const SweepRun& run, const std::string& name) {
    return std::any_of(run.choices.begin(), run.choices.end(),
                       [&](const Choice& choice) { return choice.axis == name; });
  };
  const bool meet = std::any_of(plan.runs.begin(), plan.runs.end(), [&](const SweepRun& run) {
    return has(run, names[0]) && has(run, names[1]);
  });
  return meet ? std::optional(std::pair{names[1], names[0]}) : std::nullopt;
}

FigureOptions figure_of(const std::string& text, bool is_timed) {
  std::vector<std::string> known;
  const Row row;
  for_each_column(row, [&](const char* name, const auto&) { known.emplace_back(name); });
  known.insert(known.end(), {"gap", "both_bits"});
  const std::vector<std::string> words = words_of(text);
  if (words.size() != 2 && words.size() != 3) {
    throw InputError(
        fmt::format("figure: \"{}\"; need two columns of the trace, as in uplink_bits,grad_norm_sq", text));
  }
  for (const std::string& column : {words[0], words[1]}) {
    if (std::find(known.begin(), known.end(), column) == known.end()) {
      throw InputError(fmt::format("figure: unknown column \"{}\"{}; known: {}", column,
                                   did_you_mean(column, known), fmt::join(known, ", ")));
    }
  }
  if (!is_timed && (words[0] == "network_seconds" || words[1] == "network_seconds"))
    throw InputError(
        "figure: network_seconds are those of a modelled clock; give every run a network=, a compute=, or "
        "stragglers with delays");
  FigureOptions figure{.x = words[0], .y = words[1]};
  if (words.size() == 3) figure.log = words[2];
  if (words.size() == 3 && figure.log != "none" && figure.log.find_first_not_of("xy") != std::string::npos)
    throw InputError(fmt::format("figure: \"{}\"; its logarithmic axes are x, y or xy; or none", text));
  return figure;
}

/// Settings, separated into those of the runs and those of the sweep (by key).
struct Parted {
  std::vector<KeyValue> of_runs;
  std::map<std::string, std::string> own;
};
Parted parted(const std::vector<KeyValue>& settings) {
  Parted result;
  const std::vector<std::string> known = known_keys();
  for (const KeyValue& setting : settings) {
    require_known(setting, known);
    if (is_sweep_key(setting.key)) {
      require_text(setting);
      result.own[setting.key] = setting.value;
    } else if ((setting.key == "out" || setting.key == "threads") && has_braces(setting.value)) {
      throw InputError(
          fmt::format("{}: {} is of the whole sweep and can be no axis", setting.key, setting.value));
    } else if (setting.key == "checkpoint-every") {
      throw InputError(
          "checkpoint-every: a sweep needs none; laconic resume goes on after the runs that are done");
    } else {
      result.of_runs.push_back(setting);
    }
  }
  return result;
}

/// The axes that `tune` names. Without `tune`, the axes of the step.
std::vector<std::string> tuned_axes(const Grid& grid, const std::optional<std::string>& tune) {
  std::vector<std::string> tuned;
  if (!tune) {
    for (const Axis& axis : grid.axes) {
      if (axis.key == "step") tuned.push_back(axis.name);
    }
    return tuned;
  }
  if (*tune != kNone) tuned = words_of(*tune);
  for (const std::string& name : tuned) {
    require_axis(grid, "tune", name);
    require_tunable(*grid.axis(name));
  }
  return tuned;
}

/// Whether the value of a key with two values is the second; without a value it is the first.
bool is_second(const char* key, const std::optional<std::string>& value, const char* first,
               const char* second) {
  if (value && *value != first && *value != second)
    throw InputError(fmt::format("{}: \"{}\"; need {} or {}", key, *value, first, second));
  return value == second;
}

/// The two axes that `map` names.
std::pair<std::string, std::string> map_named(const SweepPlan& plan, const std::string& map) {
  const std::vector<std::string> axes = words_of(map);
  if (axes.size() != 2 || axes[0] == axes[1])
    throw InputError(fmt::format("map: \"{}\"; need two axes, as in zeta,top-k", map));
  for (const std::string& name : axes) {
    require_axis(plan.grid, "map", name);
    if (plan.measure->to_target && plan.is_tuned(name)) {
      throw InputError(fmt::format(
          "map: {} is tuned: runs that could not win have ended early and have no score; sweep with "
          "tune=none for a map over it",
          name));
    }
  }
  return {axes[0], axes[1]};
}

}  // namespace

bool is_seed(const Axis& axis) { return axis.key == "seed" || axis.key == "split-seed"; }

std::span<const Measure> measures() { return kMeasures; }

const Measure& measure_named(const std::string& name, bool has_target, bool is_timed) {
  std::vector<std::string> names;
  for (const Measure& measure : kMeasures) {
    names.emplace_back(measure.name);
    if (name != measure.name) continue;
    if (measure.to_target && !has_target)
      throw InputError(
          fmt::format("measure: {} are counted to a target; give target=, target-gap=, target-accuracy= or "
                      "target-consensus=",
                      name));
    if (name == "seconds" && !is_timed)
      throw InputError(
          "measure: seconds are those of a modelled clock; give every run a network=, a compute=, or "
          "stragglers with delays");
    return measure;
  }
  throw InputError(fmt::format("measure: unknown \"{}\"{}; known: {}", name, did_you_mean(name, names),
                               fmt::join(names, ", ")));
}

SweepPlan plan_of(const std::vector<KeyValue>& settings, const Resources& resources) {
  SweepPlan plan;
  plan.settings = settings;
  auto [of_runs, own] = parted(settings);
  plan.grid = grid_of(of_runs);
  for (const GridPoint& point : plan.grid.points) plan.runs.push_back(describe_point(plan, point));
  plan.threads = plan.runs.front().config.threads;
  plan.out = plan.runs.front().config.out;
  for (SweepRun& run : plan.runs) {  // The sweep decides these for its runs.
    run.config.threads = 0;
    run.config.out.clear();
    run.config.resources = resources;
  }
  const auto given = [&, &own = own](const char* key) {
    return own.contains(key) ? std::optional(own.at(key)) : std::nullopt;
  };
  plan.measure = &measure_named(given("measure").value_or(plan.has_target() ? "bits" : "grad-norm-sq"),
                                plan.has_target(), plan.is_timed());
  plan.tuned = tuned_axes(plan.grid, given("tune"));
  group_runs(plan);
  const auto map = given("map");
  plan.map = map ? map_named(plan, *map) : axes_to_map(plan);
  if (const auto figure = given("figure")) plan.figure = figure_of(*figure, plan.is_timed());
  plan.draws_cells = is_second("curves", given("curves"), "best", "cells");
  plan.grows = is_second("grow", given("grow"), "no", "yes");
  plan.skips_impossible = is_second("impossible", given("impossible"), "stop", "skip");
  plan.title = given("title").value_or("");
  plan.expect = given("expect").value_or("");
  return plan;
}

SweepPlan plan_of_cell(const std::vector<Config>& configs, const Measure& measure) {
  SweepPlan plan;
  plan.measure = &measure;
  plan.workloads.push_back(workload_of(configs.front(), plan.grid));
  plan.of_cell.emplace_back();
  for (std::size_t r = 0; r < configs.size(); ++r) {
    plan.runs.push_back({.config = configs[r], .setting = r});
    plan.of_setting.push_back({r});
    plan.of_cell.front().push_back(r);
  }
  return plan;
}

}  // namespace laconic
