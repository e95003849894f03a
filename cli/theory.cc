// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include <fmt/format.h>

#include "cli/data_folders.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/watch.h"
#include "laconic/experiment/experiment.h"
#include "laconic/rounds/method.h"

namespace laconic::cli {
namespace {

void print_number(const std::string& name, double value) { print_out("  {:<10} = {}\n", name, value); }

/// Prints the theorem's bounds after `rounds` rounds.
void print_bound(const Theorem& theorem, double step, std::size_t rounds, double f_start, double f_lower) {
  if (step > theorem.step) {
    print_out("  bound      : none, the step is longer than the theorem allows\n");
    return;
  }
  const double gap = f_start - f_lower;
  print_number("f(x_0)", f_start);
  print_number("f_lower", f_lower);
  if (const auto bound = bound_on_mean_gradient(theorem, step, rounds, gap))
    print_out("  bound      = {}  (mean of |grad f|^2 over the first K = {} points)\n", *bound, rounds);
  if (const auto bound = bound_on_gap(theorem, step, rounds, gap))
    print_out("  bound      = {}  (f - f* after K = {} rounds)\n", *bound, rounds);
}

void print_theorem(const char* rule, const Theorem& theorem) {
  print_out("\n{}\n  theorem    : {}\n  gamma      = {}\n             = {}\n  promise    : {}\n", rule,
            theorem.name, theorem.step, theorem.step_rule, theorem.promise);
}

}  // namespace

int theory(const std::vector<std::string>& words) {
  Config config = describe(words);
  config.folders = data_folders();
  ThreadPool pool(threads_of(config));
  Fleet fleet(pool);
  std::shared_ptr<const OpenedProblem> opened;
  {
    Watch watch;
    opened = open_problem(config, fleet, watch);
  }
  const Experiment experiment(config, opened);
  const Problem& problem = experiment.problem();
  const ProblemFacts& facts = experiment.facts();
  const Assembly& assembly = experiment.assembly();

  print_out("problem {}\n", print(config.problem));
  print_out("  {:<10} = {}\n  {:<10} = {}\n", "d", problem.dim(), "n", problem.shards());
  std::size_t rows = 0;
  for (std::size_t i = 0; i < problem.shards(); ++i) rows += problem.rows(i);
  print_out("  {:<10} = {}\n", "rows", rows);
  if (facts.constants) {
    for (const auto& [name, value] : named_constants(*facts.constants)) print_number(name, value);
  } else {
    print_out("  no constants are known for this problem\n");
  }
  if (facts.minimum) {
    print_number("f(x_0)", facts.minimum->f_start);
    print_number("f*", facts.minimum->f_star);
  }

  print_out("\nmethod {}\n", print(config.method));
  for (const auto& [name, value] : assembly.facts) print_number(name, value);
  for (const std::string& warning : assembly.warnings) print_out("  {}\n", warning);
  if (assembly.theorem) print_theorem("step = theory", *assembly.theorem);
  if (assembly.theorem_pl) print_theorem("step = theory-pl", *assembly.theorem_pl);
  if (assembly.tight) print_theorem("step = tight", *assembly.tight);

  const Theorem* theorem = theorem_of(config.step, assembly);
  if (theorem == nullptr && config.step.kind != StepRule::Kind::number) {
    print_out("\nthis run needs a number as its step: no theorem with known constants gives one\n");
    return code_after_output(kDone);
  }
  const double step = resolve(config.step, assembly);
  print_out("\nthis run: step = {}\n", print(config.step));
  print_number("gamma", step);
  if (theorem != nullptr && facts.constants && facts.constants->f_lower) {
    Vector start(problem.dim());
    problem.start(start);
    Evaluation at_start;
    evaluate(opened->objective(), start, fleet, at_start);
    if (const auto* star = std::get_if<StarParts>(&assembly.parts))  // its outer rule may add a term to f
      star->outer->complete(step, start, at_start.f, at_start.gradient);
    print_bound(*theorem, step, config.solve.rounds, at_start.f, *facts.constants->f_lower);
  }
  return code_after_output(kDone);
}

}  // namespace laconic::cli
