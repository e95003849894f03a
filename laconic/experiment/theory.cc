// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/theory.h"

#include <variant>

#include <nlohmann/json.hpp>

#include "laconic/rounds/method.h"

namespace laconic {
namespace {

std::size_t rows_of(const Problem& problem) {
  std::size_t rows = 0;
  for (std::size_t i = 0; i < problem.shards(); ++i) rows += problem.rows(i);
  return rows;
}

std::vector<std::pair<std::string, Theorem>> theorems_of(const Assembly& assembly) {
  std::vector<std::pair<std::string, Theorem>> theorems;
  if (assembly.theorem) theorems.emplace_back("theory", *assembly.theorem);
  if (assembly.theorem_pl) theorems.emplace_back("theory-pl", *assembly.theorem_pl);
  if (assembly.tight) theorems.emplace_back("tight", *assembly.tight);
  return theorems;
}

/// Nothing if the run needs a number as its step.
std::optional<Promise> promise_of(const Experiment& experiment, Fleet& fleet) {
  const Config& config = experiment.config();
  const Assembly& assembly = experiment.assembly();
  const Theorem* theorem = theorem_of(config.step, assembly);
  if (theorem == nullptr && config.step.kind != StepRule::Kind::number) return {};
  Promise promise = {
      .step_rule = print(config.step), .step = experiment.step(), .rounds = config.solve.rounds};
  promise.is_too_long = theorem != nullptr && promise.step > theorem->step;
  const auto& constants = experiment.facts().constants;
  if (theorem == nullptr || !constants || !constants->f_lower) return promise;
  const Problem& problem = experiment.problem();
  Vector start(problem.dim());
  problem.start(start);
  Evaluation at_start;
  evaluate(experiment.opened().objective(), start, fleet, at_start);
  if (const auto* star = std::get_if<StarParts>(&assembly.parts))  // its outer rule may add a term to f
    star->outer->complete(promise.step, start, at_start.f, at_start.gradient);
  promise.f_start = at_start.f;
  promise.f_lower = constants->f_lower;
  if (promise.is_too_long) return promise;
  const double gap = at_start.f - *constants->f_lower;
  promise.mean_gradient = bound_on_mean_gradient(*theorem, promise.step, promise.rounds, gap);
  promise.gap = bound_on_gap(*theorem, promise.step, promise.rounds, gap);
  return promise;
}

}  // namespace

Theory theory_of(const Experiment& experiment, Fleet& fleet) {
  const Config& config = experiment.config();
  const Problem& problem = experiment.problem();
  const ProblemFacts& facts = experiment.facts();
  const Assembly& assembly = experiment.assembly();
  Theory theory;
  theory.problem = print(config.problem);
  theory.dim = problem.dim();
  theory.clients = problem.shards();
  theory.rows = rows_of(problem);
  if (facts.constants) theory.constants = named_constants(*facts.constants);
  theory.minimum = facts.minimum;
  theory.method = print(config.method);
  theory.facts = assembly.facts;
  theory.warnings = assembly.warnings;
  theory.theorems = theorems_of(assembly);
  theory.promise = promise_of(experiment, fleet);
  return theory;
}

std::string theory_json(const Theory& theory) {
  nlohmann::ordered_json json;
  json["problem"] = {
      {"name", theory.problem}, {"d", theory.dim}, {"n", theory.clients}, {"rows", theory.rows}};
  json["constants"] = nlohmann::ordered_json::object();
  for (const auto& [name, value] : theory.constants) json["constants"][name] = value;
  if (theory.minimum) json["constants"]["f_star"] = theory.minimum->f_star;
  json["method"]["name"] = theory.method;
  for (const auto& [name, value] : theory.facts) json["method"][name] = value;
  json["warnings"] = theory.warnings;
  json["theorems"] = nlohmann::ordered_json::object();
  for (const auto& [rule, theorem] : theory.theorems) {
    json["theorems"][rule] = {{"name", theorem.name},
                              {"step", theorem.step},
                              {"step_rule", theorem.step_rule},
                              {"promise", theorem.promise}};
  }
  if (const std::optional<Promise>& promise = theory.promise) {
    json["run"] = {{"step", promise->step_rule}, {"gamma", promise->step}, {"rounds", promise->rounds}};
    if (promise->f_start) json["run"]["f_start"] = *promise->f_start;
    if (promise->mean_gradient) json["run"]["mean_gradient_bound"] = *promise->mean_gradient;
    if (promise->gap) json["run"]["gap_bound"] = *promise->gap;
  }
  return json.dump(2) + "\n";
}

}  // namespace laconic
