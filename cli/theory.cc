// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include <fmt/format.h>

#include "cli/prepared.h"
#include "cli/stage_line.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/rounds/method.h"

namespace laconic::cli {
namespace {

void print_number(const std::string& name, double value) { print_out("  {:<10} = {}\n", name, value); }

/// What the theorem promises after the rounds of the description, in numbers.
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
  const Description description = describe(words);
  std::optional<StageLine> stages(true);
  const OnStage on_stage = [&](const std::string& stage) { stages->begin(stage); };
  Prepared p = prepare(description, {.on_stage = on_stage});
  Fleet fleet(*p.pool);
  p.known = known_of(description, *p.problem, fleet, on_stage);
  stages.reset();
  p.assembly = assembly_of(description, *p.problem, p.known.constants);

  print_out("problem {}\n", print(description.problem));
  print_out("  {:<10} = {}\n  {:<10} = {}\n", "d", p.problem->dim(), "n", p.problem->shards());
  std::size_t rows = 0;
  for (std::size_t i = 0; i < p.problem->shards(); ++i) rows += p.problem->rows(i);
  print_out("  {:<10} = {}\n", "rows", rows);
  if (p.known.constants) {
    for (const auto& [name, value] : named_constants(*p.known.constants)) print_number(name, value);
  } else {
    print_out("  no constants are known for this problem\n");
  }
  if (p.known.minimum) {
    print_number("f(x_0)", p.known.minimum->f_start);
    print_number("f*", p.known.minimum->f_star);
  }

  print_out("\nmethod {}\n", print(description.method));
  for (const auto& [name, value] : p.assembly.facts) print_number(name, value);
  for (const std::string& warning : p.assembly.warnings) print_out("  {}\n", warning);
  if (p.assembly.theorem) print_theorem("step = theory", *p.assembly.theorem);
  if (p.assembly.theorem_pl) print_theorem("step = theory-pl", *p.assembly.theorem_pl);

  const Theorem* theorem = theorem_of(description.step, p.assembly);
  if (theorem == nullptr && description.step.kind != StepRule::Kind::number) {
    print_out("\nthis run needs a number as its step: no theorem with known constants gives one\n");
    return code_after_output(kDone);
  }
  const double step = resolve(description.step, p.assembly);
  print_out("\nthis run: step = {}\n", print(description.step));
  print_number("gamma", step);
  if (theorem != nullptr && p.known.constants && p.known.constants->f_lower) {
    Vector start(p.problem->dim());
    p.problem->start(start);
    Evaluation at_start;
    evaluate(*p.problem, start, fleet, at_start);
    print_bound(*theorem, step, description.solve.rounds, at_start.f, *p.known.constants->f_lower);
  }
  return code_after_output(kDone);
}

}  // namespace laconic::cli
