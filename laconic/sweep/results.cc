// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/results.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/report/file.h"
#include "laconic/report/setting_json.h"
#include "laconic/report/text_table.h"
#include "laconic/report/units.h"
#include "laconic/sweep/edges.h"

namespace laconic {
namespace {

using Json = nlohmann::ordered_json;

std::string score_text(const Measure& measure, double score) {
  if (std::isinf(score)) return "-";
  return measure.to_target && score >= 100 ? fmt::format("{:.0f}", score) : fmt::format("{:.4g}", score);
}

/// The score, with its deviation if it is a mean.
std::string score_text(const SweepPlan& plan, const SweepResult& result, const Best& best) {
  std::string text = score_text(*plan.measure, best.score);
  if (plan.of_setting[best.setting].size() == 1) return text;
  return fmt::format("{} +- {:.2g}", text, deviation_of(plan, result.outcomes, best.setting));
}

/// The first run of the setting. The others differ only in their seeds.
const SweepRun& run_of(const SweepPlan& plan, const Best& best) {
  return plan.runs[plan.of_setting[best.setting][0]];
}

/// The mean over the setting's seeds.
template <class Column>
double mean_of(const SweepPlan& plan, const SweepResult& result, const Best& best, Column column) {
  const std::vector<std::size_t>& runs = plan.of_setting[best.setting];
  double sum = 0;
  for (const std::size_t r : runs) sum += static_cast<double>(column(result.outcomes[r]->last));
  return sum / static_cast<double>(runs.size());
}

/// The method of a setting, with its values of the other keys that vary within the workload.
std::string setting_text(const SweepPlan& plan, const SweepRun& run) {
  std::string text = print(run.config.method);
  for (const auto& setting : resolved(run.config)) {
    const std::string& key = setting.first;
    if (key == "method" || key == "step" || key == "seed") continue;
    const auto varies = [&](const Axis& axis) { return axis.key == key && !is_of_workload(axis); };
    if (std::any_of(plan.grid.axes.begin(), plan.grid.axes.end(), varies))
      text += fmt::format(" {}={}", key, setting.second);
  }
  return text;
}

/// Why no setting of the method has a score.
const char* without_score(const SweepPlan& plan, const SweepResult& result, const Best& best) {
  bool is_beaten = false;
  bool is_impossible = true;
  bool is_diverged = true;
  for (std::size_t r = 0; r < plan.runs.size(); ++r) {
    const SweepRun& run = plan.runs[r];
    if (run.workload != best.workload || run.method != best.method) continue;
    const RunEnd end = result.outcomes[r]->end;
    is_beaten = is_beaten || end == RunEnd::beaten;
    is_impossible = is_impossible && end == RunEnd::impossible;
    is_diverged = is_diverged && end == RunEnd::diverged;
  }
  if (is_impossible) return "impossible";
  if (is_diverged) return "diverged";
  return is_beaten ? "beaten" : plan.measure->to_target ? "not reached" : "-";
}

/// A column of the table, about the last rows of the runs of a setting.
struct Column {
  const char* name;
  double (*of)(const Row&);
  std::string (*text)(double);
};

/// The columns of the table: the costs, then how far the runs came.
std::vector<Column> columns_of(const SweepPlan& plan) {
  const auto bits = [](double value) { return bits_text(value); };
  std::vector<Column> columns = {{"rounds", [](const Row& row) { return static_cast<double>(row.round); },
                                  [](double value) { return fmt::format("{:.7g}", value); }},
                                 {"up/client", [](const Row& row) { return row.uplink_bits; }, bits},
                                 {"down/client", [](const Row& row) { return row.downlink_bits; }, bits}};
  if (plan.is_timed())
    columns.push_back({"modelled time", [](const Row& row) { return row.network_seconds; }, seconds_text});
  columns.push_back({"|grad f|^2", [](const Row& row) { return row.grad_norm_sq; },
                     [](double value) { return fmt::format("{:.3e}", value); }});
  const auto has_accuracy = [](const SweepRun& run) { return run.config.solve.target_accuracy.has_value(); };
  if (std::any_of(plan.runs.begin(), plan.runs.end(), has_accuracy))
    columns.push_back({"test accuracy", [](const Row& row) { return row.test_accuracy.value_or(0); },
                       [](double value) { return fmt::format("{:.1f}%", 100 * value); }});
  // The score has a column of its own.
  const std::string_view score = plan.measure->name;
  std::erase_if(columns, [&](const Column& column) {
    const std::string_view name = column.name;
    return name == score || (name == "up/client" && score == "bits");
  });
  return columns;
}

/// What a reader must know of the best setting: that a better one may lie beyond the values that were tried.
std::string note_of(const SweepPlan& plan, const Best& best) {
  const std::string ends = print(edges_of(plan, best.setting));
  return ends.empty() ? "" : fmt::format("best at the {} tried", ends);
}

std::string table_of(const SweepPlan& plan, const SweepResult& result) {
  const std::vector<Column> columns = columns_of(plan);
  std::string text;
  for (std::size_t workload = 0; workload < plan.workloads.size(); ++workload) {
    std::vector<std::vector<std::string>> cells = {{"best of each method", "step", plan.measure->name}};
    for (const Column& column : columns) cells[0].emplace_back(column.name);
    std::vector<std::string> notes = {""};
    for (const Best& best : result.best) {
      if (best.workload != workload) continue;
      const SweepRun& run = run_of(plan, best);
      std::vector<std::string>& line = cells.emplace_back();
      if (std::isinf(best.score)) {
        line = {best.method, "-", without_score(plan, result, best)};
        line.resize(cells[0].size(), "-");
        notes.emplace_back();
        continue;
      }
      line = {setting_text(plan, run), print(run.config.step), score_text(plan, result, best)};
      for (const Column& column : columns)
        line.push_back(column.text(mean_of(plan, result, best, column.of)));
      notes.push_back(note_of(plan, best));
    }
    if (plan.workloads.size() > 1) text += print(plan.workloads[workload]) + "\n";
    text += text_table(cells, 2, notes) + "\n";
  }
  return text;
}

/// The impossible settings, the first few in full.
std::string impossible_text(const SweepResult& result) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, result.impossible.size()); ++i)
    text += fmt::format("impossible: {}\n", result.impossible[i].reason);
  if (result.impossible.size() > kShown)
    text += fmt::format("impossible: {} more runs; summary.json has the reasons\n",
                        result.impossible.size() - kShown);
  return text;
}

/// The number of runs for each reason they ended: "12 runs: 9 target, 3 diverged".
std::string tally(const RunOutcomes& outcomes) {
  std::map<std::string, std::size_t> counts;
  for (const auto& outcome : outcomes) ++counts[name_of(outcome->end)];
  std::string text = fmt::format("{} run{}:", outcomes.size(), outcomes.size() == 1 ? "" : "s");
  const char* separator = " ";
  for (const auto& [why, count] : counts) {
    text += fmt::format("{}{} {}", separator, count, why);
    separator = ", ";
  }
  return text;
}

std::string verdict_text(const SweepPlan& plan, const Judged& judged) {
  return fmt::format("{:<3}  {}   ({}){}\n", judged.verdict.holds ? "yes" : "NO",
                     judged.claim.empty() ? judged.statement : judged.claim, judged.numbers,
                     plan.workloads.size() > 1 ? "   " + print(plan.workloads[judged.workload]) : "");
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace

std::string report_of(const SweepPlan& plan, const SweepResult& result) {
  std::string text = table_of(plan, result) + impossible_text(result);
  for (const Judged& one : result.judged) text += verdict_text(plan, one);
  return text + fmt::format("{}, {:.2f} s", tally(result.outcomes), result.seconds);
}

std::map<std::size_t, std::string> write_best(const SweepPlan& plan, const SweepResult& result,
                                              const RunFolder& out) {
  std::map<std::size_t, std::string> files;
  std::map<std::string, std::size_t> seen;
  for (const Best& best : result.best) {
    if (std::isinf(best.score)) continue;
    const SweepRun& run = run_of(plan, best);
    const std::string& name = run.config.method.name;
    const std::size_t count = ++seen[name];
    const std::string file =
        count == 1 ? fmt::format("best/{}.toml", name) : fmt::format("best/{}-{}.toml", name, count);
    std::filesystem::create_directories(out.file("best"));
    write_whole(out.file(file), toml_of(resolved(run.config)));
    files[best.setting] = file;
  }
  return files;
}

std::string summary_json(const SweepPlan& plan, const SweepResult& result,
                         const std::map<std::size_t, std::string>& files) {
  Json json;
  json["laconic"] = LACONIC_VERSION;
  for (const KeyValue& setting : plan.settings)
    json["description"][setting.key] = json_of_setting(setting.key, setting.value);
  if (!plan.title.empty()) json["title"] = plan.title;
  json["measure"] = plan.measure->name;
  json["runs"] = plan.runs.size();
  json["stopped"] = {{"why", all_hold(result.judged) ? "finished" : kUnmet}};
  for (const auto& outcome : result.outcomes) {
    Json& count = json["ended"][name_of(outcome->end)];
    count = count.is_null() ? 1 : count.get<int>() + 1;
  }
  for (const ImpossibleRun& each : result.impossible)
    json["impossible"].push_back({{"run", each.run}, {"reason", each.reason}});
  json["best"] = Json::array();
  for (const Best& best : result.best) {
    const SweepRun& run = run_of(plan, best);
    Json entry = {{"scene", print(plan.workloads[best.workload])},
                  {"method", best.method},
                  {"score", number_or_null(best.score)},
                  {"edges", Json::array()}};
    if (std::isfinite(best.score)) {
      for (const auto& [key, value] : resolved(run.config))
        entry["description"][key] = json_of_setting(key, value);
      if (const auto file = files.find(best.setting); file != files.end()) entry["file"] = file->second;
      for (const Edge& edge : edges_of(plan, best.setting))
        entry["edges"].push_back(
            {{"axis", edge.axis}, {"value", edge.value}, {"end", edge.largest ? "largest" : "smallest"}});
    }
    json["best"].push_back(entry);
  }
  json["expect"] = Json::array();
  for (const Judged& one : result.judged) {
    Json entry = {{"scene", print(plan.workloads[one.workload])}, {"statement", one.statement}};
    if (!one.claim.empty()) entry["claim"] = one.claim;
    entry["numbers"] = one.numbers;
    entry["holds"] = one.verdict.holds;
    json["expect"].push_back(entry);
  }
  json["seconds"] = result.seconds;
  return json.dump(2) + "\n";
}

std::vector<std::string> draw_maps(const SweepPlan& plan, const std::vector<double>& scores,
                                   const std::string& across, const std::string& upwards,
                                   const std::string& path) {
  const std::vector<HeatMap> maps = maps_of(plan, scores, across, upwards);
  if (maps.empty())
    throw InputError(fmt::format("a map of {} over {}: no run on it has a score", upwards, across));
  std::vector<std::string> paths;
  for (const HeatMap& map : maps) {
    paths.push_back(numbered(path, paths.size() + 1));
    draw(map, paths.back());
  }
  return paths;
}

}  // namespace laconic
