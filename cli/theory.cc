// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/theory.h"

#include <memory>
#include <optional>

#include "cli/data_folders.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/watch.h"
#include "laconic/experiment/experiment.h"

namespace laconic::cli {
namespace {

void print_number(const std::string& name, double value) { print_out("  {:<10} = {}\n", name, value); }

void print_problem(const Theory& theory) {
  print_out("problem {}\n", theory.problem);
  print_out("  {:<10} = {}\n  {:<10} = {}\n", "d", theory.dim, "n", theory.clients);
  print_out("  {:<10} = {}\n", "rows", theory.rows);
  for (const auto& [name, value] : theory.constants) print_number(name, value);
  if (theory.constants.empty()) print_out("  no constants are known for this problem\n");
  if (theory.minimum) {
    print_number("f(x_0)", theory.minimum->f_start);
    print_number("f*", theory.minimum->f_star);
  }
}

void print_method(const Theory& theory) {
  print_out("\nmethod {}\n", theory.method);
  for (const auto& [name, value] : theory.facts) print_number(name, value);
  for (const std::string& warning : theory.warnings) print_out("  {}\n", warning);
  for (const auto& [rule, theorem] : theory.theorems) {
    print_out("\nstep = {}\n  theorem    : {}\n  gamma      = {}\n             = {}\n  promise    : {}\n",
              rule, theorem.name, theorem.step, theorem.step_rule, theorem.promise);
  }
}

void print_promise(const std::optional<Promise>& promise) {
  if (!promise) {
    print_out("\nthis run needs a number as its step: no theorem with known constants gives one\n");
    return;
  }
  print_out("\nthis run: step = {}\n", promise->step_rule);
  print_number("gamma", promise->step);
  if (!promise->f_start) return;
  if (promise->is_too_long) {
    print_out("  bound      : none, the step is longer than the theorem allows\n");
    return;
  }
  print_number("f(x_0)", *promise->f_start);
  print_number("f_lower", *promise->f_lower);
  if (promise->mean_gradient)
    print_out("  bound      = {}  (mean of |grad f|^2 over the first K = {} points)\n",
              *promise->mean_gradient, promise->rounds);
  if (promise->gap)
    print_out("  bound      = {}  (f - f* after K = {} rounds)\n", *promise->gap, promise->rounds);
}

}  // namespace

int theory(const std::vector<std::string>& words, Output output) {
  Config config = describe(words);
  config.resources.folders = data_folders();
  ThreadPool pool(threads_of(config));
  Fleet fleet(pool);
  std::shared_ptr<const OpenedProblem> opened;
  {
    Watch watch(!output.quiet);
    opened = open_problem(config, fleet, watch);
  }
  const Theory theory = theory_of(Experiment(config, opened), fleet);
  if (output.json) {
    write_out(theory_json(theory));
  } else {
    print_problem(theory);
    print_method(theory);
    print_promise(theory.promise);
  }
  return code_after_output(kDone);
}

}  // namespace laconic::cli
