// SPDX-License-Identifier: Apache-2.0
#include "laconic/page/sweep.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/read_whole.h"
#include "laconic/experiment/config.h"
#include "laconic/report/setting_json.h"
#include "laconic/sweep/csv.h"
#include "laconic/sweep/folders.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"

namespace laconic {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

std::size_t place_in(std::vector<std::string>& list, const std::string& text) {
  const auto at = std::find(list.begin(), list.end(), text);
  const auto place = static_cast<std::size_t>(at - list.begin());
  if (at == list.end()) list.push_back(text);
  return place;
}

Json text_of(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_string() ? json[key] : Json("");
}

/// The axes that maps can show. Seeds are left out because scores are means over them. The method is left out
/// because each setting names it.
std::vector<Axis> axes_of(const SweepPlan& plan) {
  std::vector<Axis> axes;
  std::copy_if(plan.grid.axes.begin(), plan.grid.axes.end(), std::back_inserter(axes), [](const Axis& axis) {
    return !is_seed(axis) && axis.name != "method" && axis.values.size() > 1;
  });
  return axes;
}

/// For each setting: workload, method, why its run ended, score (null: none), and its index on each axis (-1: it
/// does not have the axis).
Json settings_of(const SweepPlan& plan, const RunOutcomes& outcomes, const std::vector<Axis>& axes,
                 Json& facts) {
  std::vector<std::string> methods;
  std::vector<std::string> endings;
  const std::vector<double> scores = scores_of(plan, outcomes);
  Json list = Json::array();
  for (std::size_t s = 0; s < plan.of_setting.size(); ++s) {
    const SweepRun& run = plan.runs[plan.of_setting[s][0]];
    const auto& outcome = outcomes[plan.of_setting[s][0]];
    Json row = {run.workload, place_in(methods, run.method),
                place_in(endings, outcome ? name_of(outcome->end) : "under way"), nullptr};
    if (std::isfinite(scores[s])) row[3] = std::stod(fmt::format("{:.6g}", scores[s]));
    for (const Axis& axis : axes) {
      int place = -1;
      for (const Choice& choice : run.choices) {
        if (choice.axis != axis.name) continue;
        place = static_cast<int>(std::find(axis.values.begin(), axis.values.end(), choice.value) -
                                 axis.values.begin());
      }
      row.push_back(place);
    }
    list.push_back(std::move(row));
  }
  facts["scenes"] = Json::array();
  for (const Workload& workload : plan.workloads) facts["scenes"].push_back(print(workload));
  facts["methods"] = methods;
  facts["endings"] = endings;
  return list;
}

/// At which ends of axes a best setting of summary.json lies: "largest step, smallest top-k"; "" if at none.
std::string edges_of(const Json& best) {
  std::string text;
  if (!best.contains("edges") || !best["edges"].is_array()) return text;
  for (const Json& edge : best["edges"]) {
    if (edge.is_object())
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", edge.value("end", ""), edge.value("axis", ""));
  }
  return text;
}

/// The best setting of each method, from summary.json.
Json bests_of(const Json& summary) {
  Json list = Json::array();
  if (!summary.contains("best") || !summary["best"].is_array()) return list;
  for (const Json& best : summary["best"]) {
    if (!best.is_object()) continue;
    Json entry;
    for (const char* key : {"scene", "method", "file"}) entry[key] = text_of(best, key);
    entry["score"] = best.contains("score") && best["score"].is_number() ? best["score"] : Json(nullptr);
    if (best.contains("description") && best["description"].is_object()) {
      entry["setting"] = text_of(best["description"], "method");
      entry["step"] = text_of_setting(best["description"].value("step", Json("")));
      entry["edges"] = edges_of(best);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

Json expected_of(const Json& summary) {
  Json list = Json::array();
  if (!summary.contains("expect") || !summary["expect"].is_array()) return list;
  for (const Json& one : summary["expect"]) {
    if (!one.is_object()) continue;
    Json entry;
    for (const char* key : {"scene", "claim", "statement", "numbers"}) entry[key] = text_of(one, key);
    entry["holds"] = one.contains("holds") && one["holds"].is_boolean() && one["holds"].get<bool>();
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

std::size_t PageSweep::workload_of(const SavedRun& run) const {
  // The target is not compared: runs that are drawn may have no target.
  for (std::size_t w = 0; w < workloads.size(); ++w) {
    const auto agrees = [&](const char* key) { return workloads[w].second.value(key) == run.value(key); };
    constexpr const char* kKeys[] = {"problem", "clients", "split", "stragglers", "network", "compute"};
    if (std::all_of(std::begin(kKeys), std::end(kKeys), agrees)) return w;
  }
  return 0;
}

PageSweep read_page_sweep(const std::string& folder) {
  PageSweep sweep;
  sweep.folder = fs::path(folder).lexically_normal().string();
  std::error_code error;
  if (!fs::exists(folder + "/run.toml", error))
    throw InputError(fmt::format("{}: holds a sweep.csv, but no run.toml that describes the sweep", folder));
  const SweepPlan plan =
      naming(folder + "/run.toml", [&] { return plan_of(read_toml(folder + "/run.toml")); });
  const RunOutcomes outcomes = read_sweep_csv(plan, folder + "/sweep.csv");
  const std::string summary_path = folder + "/summary.json";
  const Json parsed =
      fs::exists(summary_path, error) ? Json::parse(read_whole(summary_path), nullptr, false) : Json();
  const Json summary = parsed.is_object() ? parsed : Json::object();

  Json facts;
  facts["folder"] = sweep.folder;
  facts["title"] = plan.title;
  facts["measure"] = plan.measure->name;
  facts["to_target"] = plan.measure->to_target;
  facts["runs"] = plan.runs.size();
  facts["done"] =
      std::count_if(outcomes.begin(), outcomes.end(), [](const auto& one) { return one.has_value(); });
  facts["ended"] = summary.contains("ended") ? summary["ended"] : Json::object();
  const std::vector<Axis> axes = axes_of(plan);
  facts["axes"] = Json::array();
  for (const Axis& axis : axes)
    facts["axes"].push_back(
        {{"name", axis.name}, {"values", axis.values}, {"of_scene", is_of_workload(axis)}});
  if (plan.map) facts["map"] = {plan.map->first, plan.map->second};
  sweep.settings = settings_of(plan, outcomes, axes, facts);
  facts["places"] = Json::array();
  for (std::size_t w = 0; w < plan.workloads.size(); ++w) {
    const auto first = std::find_if(plan.runs.begin(), plan.runs.end(),
                                    [&](const SweepRun& run) { return run.workload == w; });
    sweep.workloads.push_back(
        {print(plan.workloads[w]), {.folder = {}, .description = resolved(first->config), .trace = {}}});
    facts["places"].push_back(place_of(plan, w));
  }
  if (plan.figure)
    facts["figure"] = {{"x", plan.figure->x}, {"y", plan.figure->y}, {"log", plan.figure->log}};
  sweep.run_folders = runs_of_sweep(folder);
  sweep.runs = plan.runs.size();
  facts["best"] = bests_of(summary);
  facts["expect"] = expected_of(summary);
  sweep.facts = std::move(facts);
  return sweep;
}

}  // namespace laconic
