// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/edges.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace laconic {
namespace {

/// A value of an axis: "theory*2" has the front "theory*", "5%" the back "%".
struct Number {
  std::string front;
  double value = 0;
  std::string back;
};

std::optional<Number> number_in(std::string_view text) {
  Number number;
  if (const std::size_t star = text.rfind('*'); star != std::string_view::npos) {
    number.front = text.substr(0, star + 1);
    text.remove_prefix(star + 1);
  }
  if (text.ends_with('%')) {
    number.back.assign(1, '%');
    text.remove_suffix(1);
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number.value)) return {};
  return number;
}

std::string_view value_on(const Axis& axis, const SweepRun& run) {
  const auto found = std::find_if(run.choices.begin(), run.choices.end(),
                                  [&](const Choice& choice) { return choice.axis == axis.name; });
  return found == run.choices.end() ? std::string_view() : found->value;
}

/// Whether the runs differ at most in this axis and in seeds.
bool differ_only_in(const Axis& axis, const SweepPlan& plan, const SweepRun& a, const SweepRun& b) {
  const auto is_other = [&](const Choice& choice) {
    return choice.axis != axis.name && !is_seed(*plan.grid.axis(choice.axis));
  };
  const auto has = [](const SweepRun& run, const Choice& choice) {
    return std::find(run.choices.begin(), run.choices.end(), choice) != run.choices.end();
  };
  return std::all_of(a.choices.begin(), a.choices.end(),
                     [&](const Choice& choice) { return !is_other(choice) || has(b, choice); }) &&
         std::all_of(b.choices.begin(), b.choices.end(),
                     [&](const Choice& choice) { return !is_other(choice) || has(a, choice); });
}

/// The value after `last` in the direction from `before` to `last`: by the same factor, or the same difference
/// where a factor makes no sense. Whole numbers stay whole, but for factors of steps. Nothing if no value > 0
/// follows.
std::optional<double> next_after(double before, double last, bool whole) {
  double next = before > 0 && last > 0 ? last * (last / before) : last + (last - before);
  if (whole) next = last > before ? std::max(std::round(next), last + 1) : std::floor(next);
  if (!(next > 0) || !std::isfinite(next)) return {};
  return next;
}

std::optional<Edge> edge_on(const SweepPlan& plan, const SweepRun& run, const Axis& axis) {
  const std::string_view mine = value_on(axis, run);
  const auto own = number_in(mine);
  if (!own) return {};
  std::set<double> tried;
  for (const SweepRun& other : plan.runs) {
    // Runs that differ in a tuned axis only are of one cell.
    if (plan.is_tuned(axis.name) ? other.cell != run.cell : other.workload != run.workload) continue;
    const std::string_view value = value_on(axis, other);
    if (value.empty() || !differ_only_in(axis, plan, run, other)) continue;
    const auto number = number_in(value);
    if (!number || number->front != own->front || number->back != own->back) return {};
    tried.insert(number->value);
  }
  if (tried.size() < 2) return {};
  const bool largest = own->value == *tried.rbegin();
  if (!largest && own->value != *tried.begin()) return {};
  const double before = largest ? *std::next(tried.rbegin()) : *std::next(tried.begin());
  const bool whole = axis.key != "step" && axis.key != "outer-step" && own->back.empty() &&
                     std::all_of(tried.begin(), tried.end(), [](double v) { return v == std::floor(v); });
  const auto next = next_after(before, own->value, whole);
  if (!next) return {};
  const std::string beyond = whole ? fmt::format("{:.0f}", *next) : fmt::format("{:.6g}", *next);
  return Edge{axis.name, std::string(mine), largest, own->front + beyond + own->back};
}

}  // namespace

std::vector<Edge> edges_of(const SweepPlan& plan, std::size_t setting) {
  const SweepRun& run = plan.runs[plan.of_setting[setting].front()];
  std::vector<Edge> edges;
  for (const Choice& choice : run.choices) {
    const Axis& axis = *plan.grid.axis(choice.axis);
    if (is_seed(axis) || is_of_workload(axis)) continue;
    if (auto edge = edge_on(plan, run, axis)) edges.push_back(std::move(*edge));
  }
  return edges;
}

std::string print(const std::vector<Edge>& edges) {
  std::string text;
  for (const Edge& edge : edges)
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", edge.largest ? "largest" : "smallest", edge.axis);
  return text;
}

SweepPlan widened(const SweepPlan& plan, const Edge& edge) {
  std::vector<KeyValue> settings = plan.settings;
  for (KeyValue& setting : settings) {
    if (setting.key == plan.grid.axis(edge.axis)->key)
      setting.value = with_value(setting.key, setting.value, edge.axis, edge.beyond, !edge.largest);
  }
  SweepPlan wider = plan_of(settings, plan.runs.front().config.resources);
  wider.threads = plan.threads;
  wider.out = plan.out;
  return wider;
}

}  // namespace laconic
