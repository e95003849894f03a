// SPDX-License-Identifier: Apache-2.0
#include "laconic/page/run.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/core/read_whole.h"
#include "laconic/experiment/config.h"
#include "laconic/methods/theorem.h"
#include "laconic/report/columns.h"
#include "laconic/report/thin.h"

namespace laconic {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

/// The columns that the page can draw.
constexpr std::array kColumns = {"round",
                                 "f",
                                 "gap",
                                 "grad_norm_sq",
                                 "uplink_bits",
                                 "downlink_bits",
                                 "oracle_calls",
                                 "consensus",
                                 "network_seconds",
                                 "train_accuracy",
                                 "test_accuracy",
                                 "seconds"};

/// Columns that are 0 or empty throughout if the run has no such quantity: no clock, no distance, no such data.
constexpr std::array kNoneWhereZero = {"consensus", "network_seconds", "train_accuracy", "test_accuracy"};

Json read_summary(const std::string& folder) {
  const std::string path = folder + "/summary.json";
  std::error_code error;
  if (!fs::exists(path, error)) return Json::object();
  Json json = Json::parse(read_whole(path), nullptr, false);
  return json.is_object() ? json : Json::object();
}

/// The number at json[outer][inner], if there is one.
std::optional<double> number(const Json& json, const char* outer, const char* inner) {
  if (!json.contains(outer) || !json[outer].is_object() || !json[outer].contains(inner)) return {};
  const Json& value = json[outer][inner];
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

/// Adds the seconds of timing.csv as a column. A row gets NaN if its round is not that of the
/// row in timing.csv.
void add_seconds(SavedRun& run) {
  const std::string path = run.folder + "/timing.csv";
  std::error_code error;
  if (!fs::exists(path, error)) return;
  const Table timing = read_table(path);
  const auto* rounds = timing.column("round");
  const auto* seconds = timing.column("seconds");
  const auto* of_trace = run.trace.column("round");
  if (rounds == nullptr || seconds == nullptr || of_trace == nullptr) return;
  std::vector<double> column;
  for (std::size_t r = 0; r < of_trace->size(); ++r) {
    const bool same = r < rounds->size() && (*rounds)[r] == (*of_trace)[r];
    column.push_back(same ? (*seconds)[r] : std::nan(""));
  }
  run.trace.columns.emplace_back("seconds");
  run.trace.values.push_back(std::move(column));
}

/// Adds f - f* as a column, if f* is known.
void add_gap(SavedRun& run) {
  if (!run.f_star || run.trace.column("f") == nullptr) return;
  std::vector<double> gap = values_of(run, "gap");
  run.trace.columns.emplace_back("gap");
  run.trace.values.push_back(std::move(gap));
}

/// The least and the largest number of rounds between rows; 0 if there is only one row. The last row is
/// written at the end of the run, so its distance is not a stride and does not count for the least.
std::pair<double, double> strides_of(const SavedRun& run) {
  const auto* rounds = run.trace.column("round");
  if (rounds == nullptr || rounds->size() < 2) return {0, 0};
  const std::size_t rows = rounds->size();
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (std::size_t r = 1; r + 1 < rows; ++r) {
    least = std::min(least, (*rounds)[r] - (*rounds)[r - 1]);
    most = std::max(most, (*rounds)[r] - (*rounds)[r - 1]);
  }
  const double last = (*rounds)[rows - 1] - (*rounds)[rows - 2];
  if (rows > 2) return {least, std::max(most, last)};
  const std::string every = run.value("eval-every");  // the run may have ended before its first stride
  const double meant = every.empty() ? 0 : std::strtod(every.c_str(), nullptr);
  return {std::max(meant, last), std::max(meant, last)};
}

/// The theorem's bounds after the rounds of the run, and the measured values. The mean of the squared
/// gradient norms is known only if every round was evaluated.
Json promised(const Json& summary, const SavedRun& run) {
  Json json = Json::object();
  const auto allowed = number(summary, "theorem", "step");
  const auto step = number(summary, "method", "gamma");
  const auto* rounds = run.trace.column("round");
  const auto* f = run.trace.column("f");
  const auto* norm = run.trace.column("grad_norm_sq");
  if (!allowed || !step || rounds == nullptr || f == nullptr || norm == nullptr) return json;
  Theorem theorem;
  theorem.step = *allowed;
  theorem.mean_gradient_factor = number(summary, "theorem", "mean_gradient_factor").value_or(0);
  theorem.contraction = number(summary, "theorem", "contraction").value_or(0);
  const auto K = static_cast<std::size_t>(std::max(0.0, rounds->back()));
  json["rounds"] = K;
  json["step_allowed"] = *step <= *allowed;
  const auto f_star = number(summary, "constants", "f_star");
  const auto f_lower = number(summary, "constants", "f_lower");
  if (f_lower && rounds->front() == 0) {
    const double gap = f->front() - *f_lower;
    if (const auto bound = bound_on_mean_gradient(theorem, *step, K, gap))
      json["mean_gradient_bound"] = *bound;
    if (const auto bound = bound_on_gap(theorem, *step, K, gap)) json["gap_bound"] = *bound;
    json["gap_at_start"] = gap;
  }
  if (K > 0 && norm->size() == K + 1) {
    double sum = 0;
    for (std::size_t r = 0; r < K; ++r) sum += (*norm)[r];
    json["mean_gradient"] = sum / static_cast<double>(K);
  }
  if (f_star || f_lower) {
    json["gap"] = f->back() - (f_star ? *f_star : *f_lower);
    json["gap_is_to_minimum"] = f_star.has_value();
  }
  return json;
}

/// At most six significant digits, without redundant zeros in the exponent.
std::string short_number(double value) {
  std::string text = fmt::format("{:.6g}", value);
  const std::size_t e = text.find('e');
  if (e == std::string::npos) return text;
  const bool negative = text[e + 1] == '-';
  const std::size_t digits = std::min(text.find_first_not_of('0', e + 2), text.size() - 1);
  return text.substr(0, e + 1) + (negative ? "-" : "") + text.substr(digits);
}

std::string numbers_text(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) {
    if (!text.empty()) text += ' ';
    text += short_number(value);
  }
  return text;
}

}  // namespace

std::string PageRun::workload() const {
  const std::string problem = saved.value("problem");
  if (problem.empty()) return "";
  return fmt::format("problem={} clients={} split={}", problem, saved.value("clients"), saved.value("split"));
}

PageRun read_page_run(const std::string& folder, std::size_t limit) {
  PageRun run;
  run.saved = read_run(folder);
  add_seconds(run.saved);
  add_gap(run.saved);
  const Json summary = read_summary(folder);
  std::error_code error;
  if (run.saved.value("problem").empty() && fs::exists(folder + "/run.toml", error)) {
    run.saved.description.clear();
    for (const KeyValue& setting : read_toml(folder + "/run.toml"))
      run.saved.description.emplace_back(setting.key, setting.value);
  }
  Json facts;
  facts["folder"] = run.saved.folder;
  facts["description"] = Json::object();
  for (const auto& [key, value] : run.saved.description) {
    if (key != "out") facts["description"][key] = value;
  }
  for (const char* key : {"constants", "method", "theorem", "stopped"}) {
    if (summary.contains(key) && summary[key].is_object() && !summary[key].empty()) facts[key] = summary[key];
  }
  const auto [least, most] = strides_of(run.saved);
  if (most > 0) facts["evaluated_every"] = {least, most};
  if (Json theory = promised(summary, run.saved); !theory.empty()) facts["promised"] = std::move(theory);
  run.facts = std::move(facts);
  run.rows = run.saved.trace.values[0].size();
  run.saved.trace = with_rows(run.saved.trace, rows_to_show(run.saved.trace, limit));
  return run;
}

Json json_of(const PageRun& run, const std::string& label, std::size_t group, std::size_t limit) {
  const Table table = with_rows(run.saved.trace, rows_to_show(run.saved.trace, limit));
  Json columns = Json::object();
  for (const char* name : kColumns) {
    const auto* column = table.column(name);
    if (column == nullptr) continue;
    const bool is_zero = std::all_of(column->begin(), column->end(),
                                     [](double value) { return value == 0 || std::isnan(value); });
    if (!is_zero)
      columns[name] = numbers_text(*column);
    else if (std::find(kNoneWhereZero.begin(), kNoneWhereZero.end(), std::string_view(name)) ==
             kNoneWhereZero.end())
      columns[name] = "0";
  }
  Json json = run.facts;
  json["label"] = label;
  json["group"] = group;
  json["rows"] = run.rows;
  json["columns"] = std::move(columns);
  return json;
}

}  // namespace laconic
