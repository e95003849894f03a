// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <type_traits>

#include <fmt/format.h>

#include "laconic/core/read_whole.h"
#include "laconic/sweep/edges.h"

namespace laconic {
namespace {

using Fields = std::vector<std::string>;

std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted(1, '"');
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  quoted.push_back('"');
  return quoted;
}

std::string line_of(const Fields& fields) {
  std::string line;
  for (std::size_t f = 0; f < fields.size(); ++f)
    line += fmt::format("{}{}", f == 0 ? "" : ",", field(fields[f]));
  return line + '\n';
}

/// The records of the file. A quoted field may contain commas, quotes and newlines.
std::vector<Fields> records_of(const std::string& path) {
  const std::string text = read_whole(path);
  std::vector<Fields> records;
  Fields record;
  std::string value;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      value += c;
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ',' || c == '\n')) {
      record.push_back(std::move(value));
      value.clear();
      if (c == '\n') records.push_back(std::move(record)), record.clear();
    } else {
      value += c;
    }
  }
  return records;
}

constexpr const char* kNamedColumns[] = {"problem", "clients", "split", "method", "step", "seed"};

Fields header_of(const SweepPlan& plan) {
  Fields names = {"run", "problem", "clients", "split", "method", "step_rule", "seed"};
  for (const Axis& axis : plan.grid.axes) {
    if (std::find(std::begin(kNamedColumns), std::end(kNamedColumns), axis.name) == std::end(kNamedColumns))
      names.push_back(axis.name);
  }
  names.emplace_back("why");
  const Row row;
  for_each_column(row, [&](const char* name, const auto&) { names.emplace_back(name); });
  return names;
}

/// The fields that are known before the run starts.
Fields key_fields(const SweepPlan& plan, std::size_t r) {
  const SweepRun& run = plan.runs[r];
  const Config& d = run.config;
  Fields fields = {fmt::format("{}", r), print(d.problem), fmt::format("{}", d.clients), print(d.split),
                   print(d.method),      print(d.step),    fmt::format("{}", d.seed)};
  for (const Axis& axis : plan.grid.axes) {
    if (std::find(std::begin(kNamedColumns), std::end(kNamedColumns), axis.name) != std::end(kNamedColumns))
      continue;
    const auto choice = std::find_if(run.choices.begin(), run.choices.end(),
                                     [&](const Choice& each) { return each.axis == axis.name; });
    fields.push_back(choice == run.choices.end() ? "" : choice->value);
  }
  return fields;
}

template <class Number>
bool read(const std::string& text, Number& value) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  return error == std::errc{} && end == last;
}

bool read(const std::string& text, std::optional<double>& value) {
  return text.empty() || read(text, value.emplace());
}

}  // namespace

std::string sweep_csv(const SweepPlan& plan, const RunOutcomes& outcomes) {
  std::string text = line_of(header_of(plan));
  for (std::size_t r = 0; r < plan.runs.size(); ++r) {
    if (!outcomes[r]) continue;
    Fields fields = key_fields(plan, r);
    fields.push_back(name_of(outcomes[r]->end));
    for_each_column(outcomes[r]->last, [&](const char*, const auto& value) {
      if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::optional<double>>) {
        fields.push_back(value ? fmt::format("{}", *value) : "");
      } else {
        fields.push_back(fmt::format("{}", value));
      }
    });
    text += line_of(fields);
  }
  return text;
}

std::string cells_csv(const SweepPlan& plan, const RunOutcomes& outcomes) {
  const Fields header = header_of(plan);
  const auto is_key = [&](std::size_t f) {  // whether field f belongs to the key of a cell
    return header[f] != "run" && header[f] != "seed" && header[f] != "split-seed";
  };
  const std::size_t key_count = key_fields(plan, 0).size();
  Fields names;
  for (std::size_t f = 0; f < key_count; ++f) {
    if (is_key(f)) names.push_back(header[f]);
  }
  names.insert(names.end(), {"runs", "score", "deviation", "edge"});
  std::string text = line_of(names);
  const std::vector<double> scores = scores_of(plan, outcomes);
  for (const std::vector<std::size_t>& runs : plan.of_cell) {
    const std::size_t best = *std::min_element(runs.begin(), runs.end(), [&](std::size_t a, std::size_t b) {
      return scores[plan.runs[a].setting] < scores[plan.runs[b].setting];
    });
    const std::size_t setting = plan.runs[best].setting;
    const Fields of_run = key_fields(plan, best);
    Fields fields;
    const bool has_score = std::isfinite(scores[setting]);
    for (std::size_t f = 0; f < key_count; ++f) {
      const bool is_tuned = plan.is_tuned(header[f] == "step_rule" ? "step" : header[f]);
      if (is_key(f)) fields.push_back(is_tuned && !has_score ? "" : of_run[f]);
    }
    fields.push_back(fmt::format("{}", plan.of_setting[setting].size()));
    fields.push_back(has_score ? fmt::format("{}", scores[setting]) : "");
    fields.push_back(has_score ? fmt::format("{}", deviation_of(plan, outcomes, setting)) : "");
    std::vector<Edge> edges = has_score ? edges_of(plan, setting) : std::vector<Edge>();
    std::erase_if(edges, [&](const Edge& edge) { return !plan.is_tuned(edge.axis); });
    fields.push_back(print(edges));
    text += line_of(fields);
  }
  return text;
}

RunOutcomes read_sweep_csv(const SweepPlan& plan, const std::string& path) {
  RunOutcomes outcomes(plan.runs.size());
  const std::vector<Fields> records = records_of(path);
  const Fields header = header_of(plan);
  const auto fail = [&](std::size_t line) {
    throw InputError(fmt::format("{}:{}: is not a line of this sweep", path, line + 1));
  };
  if (records.empty() || records[0] != header) fail(0);
  std::vector<Fields> known;
  for (std::size_t r = 0; r < plan.runs.size(); ++r) known.push_back(key_fields(plan, r));
  for (std::size_t line = 1; line < records.size(); ++line) {
    const Fields& fields = records[line];
    std::size_t r = 0;
    if (fields.size() != header.size() || !read(fields[0], r)) fail(line);
    const Fields key(fields.begin(), fields.begin() + static_cast<std::ptrdiff_t>(known.front().size()));
    const auto is_of = [&](std::size_t run) {
      return !outcomes[run] && std::equal(key.begin() + 1, key.end(), known[run].begin() + 1);
    };
    // A plan that has grown since numbers its runs anew.
    if (r >= plan.runs.size() || !is_of(r)) {
      r = 0;
      while (r < plan.runs.size() && !is_of(r)) ++r;
      if (r == plan.runs.size()) fail(line);
    }
    const std::optional<RunEnd> end = end_named(fields[key.size()]);
    RunOutcome outcome{end.value_or(RunEnd::rounds), {}};
    std::size_t at = key.size() + 1;
    bool right = end.has_value();
    for_each_column(outcome.last,
                    [&](const char*, auto& value) { right = read(fields[at++], value) && right; });
    if (!right) fail(line);
    outcomes[r] = outcome;
  }
  // A sweep writes a cell only when all its runs have ended. If a line of a cell is missing, the whole cell
  // runs again; but in a cell that has grown, only the runs that are missing.
  if (plan.grows) return outcomes;
  for (const std::vector<std::size_t>& cell : plan.of_cell) {
    if (std::all_of(cell.begin(), cell.end(), [&](std::size_t r) { return outcomes[r].has_value(); }))
      continue;
    for (const std::size_t r : cell) outcomes[r].reset();
  }
  return outcomes;
}

}  // namespace laconic
