// SPDX-License-Identifier: Apache-2.0
#include "cli/contest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "cli/signals.h"

namespace laconic::cli {
namespace {

constexpr double kRounding = 0x1p-46;  // some units in the last place, added up over some rounds

double largest(View x) {
  double most = 0;
  for (const double v : x) most = std::max(most, std::abs(v));
  return most;
}

bool is_same_but_for_rounding(View before, View now) {
  if (before.size() != now.size()) return false;
  double moved = 0;
  for (std::size_t j = 0; j < now.size(); ++j) moved = std::max(moved, std::abs(now[j] - before[j]));
  return moved <= kRounding * largest(now);
}

}  // namespace

Contender::Contender(const SweepRun& run, const SharedProblem& shared,
                     std::function<void(std::size_t round, const Ledger& ledger)> listen)
    : run_(run),
      assembly_(assembly_of(run.description, *shared.problem, shared.known.constants)),
      method_(assembly_.build(resolve(run.description.step, assembly_))),
      clock_(clock_of(run.description, assembly_)),
      ear_(listen
               ? [this, listen = std::move(listen)](std::size_t round) { listen(round, method_->ledger()); }
               : std::function<void(std::size_t)>{}),
      solver_(*shared.problem, *method_, fleet_, solve_options(run.description, shared.known, clock_.get()),
              ear_) {}

void Contender::advance(std::size_t rounds) {
  for (std::size_t t = 0; t < rounds && !over(); ++t) {
    if (is_asked_to_end()) return;
    solver_.round();
  }
  const View now = method_->point();
  if (!is_same_but_for_rounding(before_, now)) still_since_ = solver_.summary().rounds;
  before_.assign(now.begin(), now.end());
  const Row& last = solver_.summary().last;
  if (last.round < still_since_ + kPatience * kStride || over()) return;
  // A method may be silent for long and move again. Not where the step along the gradient itself is lost in
  // rounding.
  if (last.step * std::sqrt(last.grad_norm_sq) <= kRounding * largest(now)) ended_early_ = kStill;
}

Outcome Contender::outcome() const {
  const Summary& summary = solver_.summary();
  return {ended_early_ != nullptr ? ended_early_ : name_of(summary.why), summary.last};
}

Contest::Contest(const SweepPlan& plan, std::size_t cell,
                 const std::vector<const SharedProblem*>& problem_of_run, const Listener& listen)
    : plan_(plan), runs_(plan.of_cell[cell]) {
  for (const std::size_t r : runs_) {
    std::function<void(std::size_t, const Ledger&)> of_run;
    if (listen) of_run = [listen, r](std::size_t round, const Ledger& ledger) { listen(r, round, ledger); };
    contenders_.push_back(std::make_unique<Contender>(plan.runs[r], *problem_of_run[r], std::move(of_run)));
  }
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
    double least =
        0;  // what the sum over its runs will come to, at least: nothing that is measured ever falls
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

std::size_t Contest::report(Outcomes& outcomes) const {
  for (std::size_t c = 0; c < runs_.size(); ++c) outcomes[runs_[c]] = contenders_[c]->outcome();
  return runs_.size();
}

}  // namespace laconic::cli
