// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/summary.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "laconic/core/cpu.h"
#include "laconic/report/row_json.h"
#include "laconic/report/setting_json.h"
#include "laconic/report/units.h"

namespace laconic {
namespace {

using Json = nlohmann::ordered_json;

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

/// The theorem that gives the step. If the step is a number, the theorem to compare it with.
const Theorem* theorem_about(const StepRule& rule, const Assembly& assembly) {
  if (rule.kind != StepRule::Kind::number) return theorem_of(rule, assembly);
  return assembly.theorem ? &*assembly.theorem : nullptr;
}

}  // namespace

std::string summary_json(const Experiment& experiment, const Summary& summary, const Host& host) {
  const Config& config = experiment.config();
  const ProblemFacts& facts = experiment.facts();
  const Assembly& assembly = experiment.assembly();
  Json json;
  json["laconic"] = LACONIC_VERSION;
  for (const auto& [key, value] : resolved(config)) json["description"][key] = json_of_setting(key, value);
  json["host"] = {{"name", host_name()}, {"ranks", host.ranks}, {"threads", host.threads}};
  json["constants"] = Json::object();
  if (facts.constants) {
    for (const auto& [name, value] : named_constants(*facts.constants)) json["constants"][name] = value;
  }
  if (facts.minimum) json["constants"]["f_star"] = facts.minimum->f_star;
  json["method"] = Json::object();
  for (const auto& [name, value] : assembly.facts) json["method"][name] = value;
  json["method"]["gamma"] = summary.last.step;
  if (const Theorem* theorem = theorem_about(config.step, assembly)) {
    json["theorem"] = {{"name", theorem->name},
                       {"step_rule", theorem->step_rule},
                       {"step", theorem->step},
                       {"promise", theorem->promise}};
    if (theorem->mean_gradient_factor > 0)
      json["theorem"]["mean_gradient_factor"] = theorem->mean_gradient_factor;
    if (theorem->contraction > 0) json["theorem"]["contraction"] = theorem->contraction;
  }
  json["stopped"] = {{"why", name_of(summary.why)}, {"reason", summary.reason}, {"rounds", summary.rounds}};
  if (summary.unheard_rounds > 0) json["stopped"]["unheard_rounds"] = summary.unheard_rounds;
  if (config.is_served()) json["stopped"]["gone_clients"] = summary.gone;
  json["last"] = json_of(summary.last);
  const double clients = static_cast<double>(experiment.problem().shards());
  json["totals"] = {{"clients", experiment.problem().shards()},
                    {"dim", experiment.problem().dim()},
                    {"uplink_bits", summary.last.uplink_bits * clients},
                    {"downlink_bits", summary.last.downlink_bits * clients},
                    {"oracle_calls", summary.last.oracle_calls * clients}};
  if (config.is_served()) json["totals"]["late_bits"] = summary.late_bits;
  json["cpu"] = used_cpu();
  json["seconds"] = summary.seconds;
  return json.dump(2) + "\n";
}

std::string last_words(const Summary& summary, const std::vector<std::string>& sentences) {
  if (!summary.recorded) return summary.reason;
  const Row& last = summary.last;
  std::string text = fmt::format("{}; f = {:.6g}, |grad f|^2 = {:.4g}, {} up and {} down a client, {:.2f} s",
                                 summary.reason, last.f, last.grad_norm_sq, bits_text(last.uplink_bits),
                                 bits_text(last.downlink_bits), summary.seconds);
  if (last.network_seconds > 0) text += fmt::format(" ({:.4g} s modelled)", last.network_seconds);
  if (summary.unheard_rounds > 0)
    text += fmt::format("; {} rounds without a usable message", summary.unheard_rounds);
  if (summary.late_bits > 0)
    text += fmt::format("; {} came too late", bits_text(static_cast<double>(summary.late_bits)));
  if (summary.gone > 0)
    text += fmt::format("; the process{} of {} client{} gone", summary.gone == 1 ? "" : "es", summary.gone,
                        summary.gone == 1 ? " is" : "s are");
  for (const std::string& sentence : sentences) text += "; " + sentence;
  return text;
}

}  // namespace laconic
