// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/request.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "laconic/advise/default_methods.h"
#include "laconic/core/quantity.h"
#include "laconic/experiment/braces.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/sweep/grid.h"
#include "laconic/sweep/plan.h"

namespace laconic {
namespace {

double seconds_of(const std::string& text) {
  const auto seconds = seconds_in(text);
  if (!seconds || *seconds == 0)
    throw InputError(fmt::format("seconds: \"{}\"; need a time > 0, as in 30 or 2min", text));
  return *seconds;
}

double gradients_of(const std::string& text) {
  const Spec spec = naming("gradients", [&] { return parse(text); });
  if (spec.kind != Spec::Kind::number || !(spec.number >= 1) || std::isinf(spec.number))
    throw InputError(fmt::format("gradients: \"{}\"; need a number >= 1, as in 1e8", text));
  return spec.number;
}

/// Why a pilot must not have the key; nullptr if it may.
const char* reason_against(const std::string& key) {
  for (const char* const end : {"rounds", "max-bits", "max-seconds", "checkpoint-every"}) {
    if (key == end) return "pilots end by their target, or when gradients= are used up";
  }
  if (key == "target-consensus") return "pilots end by the gradient, f or the test accuracy of one model";
  return key == "eval-every" ? "pilots look at every round" : nullptr;
}

void require_network(const Config& config) {
  if (config.is_served())
    throw InputError(fmt::format("stragglers: {} is a real clock, and advise is about a modelled link",
                                 config.stragglers->name));
  if (!config.network)
    throw InputError("no network is given: say how clients are connected, as in network=100mbit,20ms");
}

void require_json(const std::string& out) {
  if (!out.ends_with(".json"))
    throw InputError(fmt::format("out: \"{}\"; need a file that ends in .json", out));
  require_output(out);
}

/// The methods that the braces list. The base is always included, as the first.
std::vector<Spec> methods_of(const KeyValue& setting, const Spec& base) {
  std::vector<Spec> methods = {base};
  for (const GridPoint& point : grid_of({setting}).points) {
    Spec method = naming("method", [&] { return parse(point.settings[0].value); });
    if (std::find(methods.begin(), methods.end(), method) == methods.end())
      methods.push_back(std::move(method));
  }
  return methods;
}

/// The steps that the braces list.
std::vector<StepRule> steps_of(const std::string& text) {
  std::vector<StepRule> steps;
  for (const GridPoint& point : grid_of({{"step", text, ""}}).points) {
    steps.push_back(at_point(
        point.choices, [&] { return naming("step", [&] { return parse_step(point.settings[0].value); }); }));
  }
  return steps;
}

}  // namespace

AdviceRequest advice_request_of(const std::vector<std::string>& words) {
  AdviceRequest q;
  std::optional<KeyValue> methods;
  std::string step;
  std::vector<std::string> known = {"seconds", "gradients"};
  for (const KeyRow& row : config_keys()) known.emplace_back(row.name);
  for (const KeyValue& setting : settings_of(words)) {
    require_known(setting, known);
    require_text(setting);
    if (const char* reason = reason_against(setting.key)) {
      if (setting.place.empty()) throw InputError(fmt::format("{}: {}", setting.key, reason));
    } else if (setting.key == "method") {
      methods = setting;
    } else if (setting.key == "step") {
      step = setting.value;
    } else if (setting.key == "seconds") {
      q.seconds = seconds_of(setting.value);
    } else if (setting.key == "gradients") {
      q.gradients = gradients_of(setting.value);
    } else if (setting.key == "out") {
      q.out = setting.value;
    } else if (has_braces(setting.value)) {
      throw InputError(
          fmt::format("{}: \"{}\"; only method= and step= may have braces", setting.key, setting.value));
    } else {
      q.settings.push_back(setting);
    }
  }
  if (!q.out.empty()) require_json(q.out);
  std::vector<KeyValue> any = q.settings;
  any.push_back({"method", "gd", ""});
  q.config = describe(any);
  require_network(q.config);
  q.methods = default_methods(q.config);
  if (methods) q.methods = methods_of(*methods, q.methods.front());
  for (const Spec& method : q.methods)
    of_text("method", [&] { return row_named(method, "method", laconic::methods()); });
  if (!step.empty()) q.steps = steps_of(step);
  return q;
}

}  // namespace laconic
