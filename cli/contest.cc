// SPDX-License-Identifier: Apache-2.0
#include "cli/contest.h"

#include <algorithm>
#include <limits>
#include <map>

namespace laconic::cli {
namespace {

std::unique_ptr<Method> method_of(const Description& description, const SharedProblem& shared) {
  const Assembly assembly = assembly_of(description, *shared.problem, shared.constants);
  return assembly.build(resolve(description.step, assembly));
}

}  // namespace

Contender::Contender(const SweepRun& run, const SharedProblem& shared)
    : run_(run),
      method_(method_of(run.description, shared)),
      solver_(*shared.problem, *method_, fleet_, run.description.solve, recorder_) {}

void Contender::advance(std::size_t rounds) {
  for (std::size_t t = 0; t < rounds && !over(); ++t) solver_.round();
}

Outcome Contender::outcome() const {
  const Summary& summary = solver_.summary();
  return {beaten_ ? kBeaten : name_of(summary.why), summary.last};
}

Contest::Contest(const SweepPlan& plan, std::size_t cell, const std::vector<const SharedProblem*>& problem_of_run)
    : plan_(plan), runs_(plan.of_cell[cell]) {
  for (const std::size_t r : runs_)
    contenders_.push_back(std::make_unique<Contender>(plan.runs[r], *problem_of_run[r]));
}

std::vector<Contender*> Contest::live() const {
  std::vector<Contender*> live;
  for (const auto& contender : contenders_) {
    if (!contender->over()) live.push_back(contender.get());
  }
  return live;
}

void Contest::settle() {
  if (!plan_.measure->to_target) return;
  const std::string reached = name_of(Summary::Why::target);
  struct Standing {
    double least = 0;  // what the sum over its runs will come to, at least: nothing that is measured ever falls
    bool final = true;
  };
  std::map<std::size_t, Standing> standings;
  for (const auto& contender : contenders_) {
    Standing& standing = standings[contender->run().setting];
    const Outcome outcome = contender->outcome();
    const bool failed = contender->over() && outcome.why != reached;
    standing.least += failed ? std::numeric_limits<double>::infinity() : plan_.measure->of(outcome.last);
    standing.final = standing.final && contender->over();
  }
  // All settings have the same number of runs, so that sums compare as means do.
  double best = std::numeric_limits<double>::infinity();
  for (const auto& [setting, standing] : standings) {
    if (standing.final) best = std::min(best, standing.least);
  }
  for (const auto& contender : contenders_) {
    if (!contender->over() && standings[contender->run().setting].least > best) contender->give_up();
  }
}

void Contest::report(std::vector<std::optional<Outcome>>& outcomes) const {
  for (std::size_t c = 0; c < runs_.size(); ++c) outcomes[runs_[c]] = contenders_[c]->outcome();
}

}  // namespace laconic::cli
