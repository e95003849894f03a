// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/data_folders.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/watch.h"
#include "laconic/experiment/experiment.h"
#include "laconic/rounds/method.h"

namespace laconic::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The theorems that give a step, by the values of the key `step`.
std::vector<std::pair<const char*, const Theorem*>> theorems_of(const Assembly& assembly) {
  std::vector<std::pair<const char*, const Theorem*>> theorems;
  if (assembly.theorem) theorems.emplace_back("theory", &*assembly.theorem);
  if (assembly.theorem_pl) theorems.emplace_back("theory-pl", &*assembly.theorem_pl);
  if (assembly.tight) theorems.emplace_back("tight", &*assembly.tight);
  return theorems;
}

std::size_t rows_of(const Problem& problem) {
  std::size_t rows = 0;
  for (std::size_t i = 0; i < problem.shards(); ++i) rows += problem.rows(i);
  return rows;
}

/// The step of the run, and what its theorem promises after the rounds of the run.
struct Promise {
  double step = 0;
  const Theorem* theorem = nullptr;  // of the step; nullptr: the step is a number
  std::optional<double> f_start = {};
  std::optional<double> f_lower = {};
  std::optional<double> mean_gradient = {};
  std::optional<double> gap = {};

  [[nodiscard]] bool too_long() const { return theorem != nullptr && step > theorem->step; }
};

/// Nothing if the run needs a number as its step.
std::optional<Promise> promise_of(const Experiment& experiment, Fleet& fleet) {
  const Config& config = experiment.config();
  const Assembly& assembly = experiment.assembly();
  Promise promise = {.theorem = theorem_of(config.step, assembly)};
  if (promise.theorem == nullptr && config.step.kind != StepRule::Kind::number) return {};
  promise.step = experiment.step();
  const auto& constants = experiment.facts().constants;
  if (promise.theorem == nullptr || !constants || !constants->f_lower) return promise;
  const Problem& problem = experiment.problem();
  Vector start(problem.dim());
  problem.start(start);
  Evaluation at_start;
  evaluate(experiment.opened().objective(), start, fleet, at_start);
  if (const auto* star = std::get_if<StarParts>(&assembly.parts))  // its outer rule may add a term to f
    star->outer->complete(promise.step, start, at_start.f, at_start.gradient);
  promise.f_start = at_start.f;
  promise.f_lower = constants->f_lower;
  if (promise.too_long()) return promise;
  const double gap = at_start.f - *constants->f_lower;
  promise.mean_gradient = bound_on_mean_gradient(*promise.theorem, promise.step, config.solve.rounds, gap);
  promise.gap = bound_on_gap(*promise.theorem, promise.step, config.solve.rounds, gap);
  return promise;
}

Json json_of(const Experiment& experiment, const std::optional<Promise>& promise) {
  const Config& config = experiment.config();
  const Problem& problem = experiment.problem();
  Json json;
  json["problem"] = {{"name", print(config.problem)},
                     {"d", problem.dim()},
                     {"n", problem.shards()},
                     {"rows", rows_of(problem)}};
  json["constants"] = Json::object();
  if (experiment.facts().constants) {
    for (const auto& [name, value] : named_constants(*experiment.facts().constants))
      json["constants"][name] = value;
  }
  if (experiment.facts().minimum) json["constants"]["f_star"] = experiment.facts().minimum->f_star;
  json["method"]["name"] = print(config.method);
  for (const auto& [name, value] : experiment.assembly().facts) json["method"][name] = value;
  json["warnings"] = experiment.assembly().warnings;
  json["theorems"] = Json::object();
  for (const auto& [rule, theorem] : theorems_of(experiment.assembly())) {
    json["theorems"][rule] = {{"name", theorem->name},
                              {"step", theorem->step},
                              {"step_rule", theorem->step_rule},
                              {"promise", theorem->promise}};
  }
  if (!promise) return json;
  json["run"] = {{"step", print(config.step)}, {"gamma", promise->step}, {"rounds", config.solve.rounds}};
  if (promise->f_start) json["run"]["f_start"] = *promise->f_start;
  if (promise->mean_gradient) json["run"]["mean_gradient_bound"] = *promise->mean_gradient;
  if (promise->gap) json["run"]["gap_bound"] = *promise->gap;
  return json;
}

void print_number(const std::string& name, double value) { print_out("  {:<10} = {}\n", name, value); }

void print_problem(const Experiment& experiment) {
  const Problem& problem = experiment.problem();
  const ProblemFacts& facts = experiment.facts();
  print_out("problem {}\n", print(experiment.config().problem));
  print_out("  {:<10} = {}\n  {:<10} = {}\n", "d", problem.dim(), "n", problem.shards());
  print_out("  {:<10} = {}\n", "rows", rows_of(problem));
  if (facts.constants) {
    for (const auto& [name, value] : named_constants(*facts.constants)) print_number(name, value);
  } else {
    print_out("  no constants are known for this problem\n");
  }
  if (facts.minimum) {
    print_number("f(x_0)", facts.minimum->f_start);
    print_number("f*", facts.minimum->f_star);
  }
}

void print_method(const Experiment& experiment) {
  const Assembly& assembly = experiment.assembly();
  print_out("\nmethod {}\n", print(experiment.config().method));
  for (const auto& [name, value] : assembly.facts) print_number(name, value);
  for (const std::string& warning : assembly.warnings) print_out("  {}\n", warning);
  for (const auto& [rule, theorem] : theorems_of(assembly)) {
    print_out("\nstep = {}\n  theorem    : {}\n  gamma      = {}\n             = {}\n  promise    : {}\n",
              rule, theorem->name, theorem->step, theorem->step_rule, theorem->promise);
  }
}

void print_promise(const Config& config, const std::optional<Promise>& promise) {
  if (!promise) {
    print_out("\nthis run needs a number as its step: no theorem with known constants gives one\n");
    return;
  }
  print_out("\nthis run: step = {}\n", print(config.step));
  print_number("gamma", promise->step);
  if (!promise->f_start) return;
  if (promise->too_long()) {
    print_out("  bound      : none, the step is longer than the theorem allows\n");
    return;
  }
  print_number("f(x_0)", *promise->f_start);
  print_number("f_lower", *promise->f_lower);
  const std::size_t rounds = config.solve.rounds;
  if (promise->mean_gradient)
    print_out("  bound      = {}  (mean of |grad f|^2 over the first K = {} points)\n",
              *promise->mean_gradient, rounds);
  if (promise->gap) print_out("  bound      = {}  (f - f* after K = {} rounds)\n", *promise->gap, rounds);
}

}  // namespace

int theory(const std::vector<std::string>& words, Output output) {
  Config config = describe(words);
  config.folders = data_folders();
  ThreadPool pool(threads_of(config));
  Fleet fleet(pool);
  std::shared_ptr<const OpenedProblem> opened;
  {
    Watch watch(!output.quiet);
    opened = open_problem(config, fleet, watch);
  }
  const Experiment experiment(config, opened);
  const std::optional<Promise> promise = promise_of(experiment, fleet);
  if (output.json) {
    write_out(json_of(experiment, promise).dump(2) + "\n");
  } else {
    print_problem(experiment);
    print_method(experiment);
    print_promise(config, promise);
  }
  return code_after_output(kDone);
}

}  // namespace laconic::cli
