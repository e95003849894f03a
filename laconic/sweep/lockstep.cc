// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/lockstep.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace laconic {
namespace {

constexpr double kRounding = 0x1p-46;  // relative rounding error accumulated over several rounds

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

/// The run's own view of a problem, if it can share passes with other runs.
std::shared_ptr<GradientsAhead> ahead_of(const OpenedProblem& opened, const Config& config) {
  // Shared passes count to no run's seconds, and an honest part is another problem.
  if (config.solve.max_seconds || opened.honest_part || !GradientsAhead::pays(*opened.problem))
    return nullptr;
  return std::make_shared<GradientsAhead>(opened.problem);
}

std::shared_ptr<const OpenedProblem> with_problem(std::shared_ptr<const OpenedProblem> opened,
                                                  std::shared_ptr<const Problem> problem) {
  if (problem == nullptr) return opened;
  auto other = std::make_shared<OpenedProblem>(*opened);
  other->problem = std::move(problem);
  return other;
}

}  // namespace

LockstepRun::LockstepRun(const SweepRun& run, std::shared_ptr<const OpenedProblem> problem,
                         Observer& observer,
                         std::function<void(std::size_t round, const Ledger& ledger)> listen)
    : run_(run),
      opened_(std::move(problem)),
      ahead_(ahead_of(*opened_, run.config)),
      experiment_(run.config, with_problem(opened_, ahead_)),
      observer_(observer),
      method_(experiment_.make_method()),
      clock_(experiment_.make_clock()),
      ear_(listen
               ? [this, listen = std::move(listen)](std::size_t round) { listen(round, method_->ledger()); }
               : std::function<void(std::size_t)>{}),
      solver_(experiment_.problem(), *method_, fleet_, experiment_.solve_options(clock_.get()), ear_) {}

bool LockstepRun::shares_passes_with(const LockstepRun& other) const {
  return ahead_ != nullptr && other.ahead_ != nullptr && opened_ == other.opened_;
}

void LockstepRun::advance(std::size_t rounds) {
  LockstepRun* const self = this;
  advance({&self, 1}, rounds);
}

void LockstepRun::advance(std::span<LockstepRun* const> runs, std::size_t rounds) {
  std::vector<LockstepRun*> live(runs.begin(), runs.end());
  std::vector<GradientsAhead::Run> ahead;
  for (std::size_t t = 0; t < rounds; ++t) {
    std::erase_if(live, [](const LockstepRun* run) { return run->over(); });
    if (live.empty()) break;
    if (live.front()->observer_.asked_to_end() != Request::none) return;
    ahead.clear();
    for (LockstepRun* run : live) {
      if (run->ahead_ == nullptr || !run->ahead_->is_used()) continue;
      run->solver_.begin_round();
      ahead.push_back({run->ahead_.get(), run->method_->point()});
    }
    if (ahead.size() > 1) GradientsAhead::compute(ahead);
    for (LockstepRun* run : live) run->solver_.round();
  }
  for (LockstepRun* run : runs) run->check_motion();
}

void LockstepRun::check_motion() {
  const View now = method_->point();
  if (!is_same_but_for_rounding(before_, now)) still_since_ = solver_.summary().rounds;
  before_.assign(now.begin(), now.end());
  const Row& last = solver_.summary().last;
  if (run_.config.solve.target_consensus &&
      std::abs(last.consensus - consensus_before_) > kRounding * consensus_before_)
    still_since_ = solver_.summary().rounds;
  consensus_before_ = last.consensus;
  if (last.round < still_since_ + kPatience * kStride || over()) return;
  // A point may stand still for many rounds and then move again, because a method may send nothing for many
  // rounds. The run ends only if a step along the true gradient is also lost in rounding.
  if (last.step * std::sqrt(last.grad_norm_sq) <= kRounding * largest(now)) ended_early_ = RunEnd::still;
}

RunOutcome LockstepRun::outcome() const {
  const Summary& summary = solver_.summary();
  return {ended_early_.value_or(end_of(summary.why)), summary.last};
}

std::vector<std::vector<LockstepRun*>> grouped(const std::vector<LockstepRun*>& runs, std::size_t most) {
  std::vector<std::vector<LockstepRun*>> groups;
  for (LockstepRun* run : runs) {
    const bool joins =
        !groups.empty() && groups.back().size() < most && run->shares_passes_with(*groups.back().front());
    if (!joins) groups.emplace_back();
    groups.back().push_back(run);
  }
  return groups;
}

LockstepCell::LockstepCell(const SweepPlan& plan, std::size_t cell, const ProblemOfRun& problem_of_run,
                           const RunOutcomes& outcomes, Observer& observer, const Listener& listen)
    : plan_(plan) {
  for (const std::size_t r : plan.of_cell[cell]) {
    if (outcomes[r]) {
      competitors_.push_back({r, nullptr, *outcomes[r]});
      continue;
    }
    std::function<void(std::size_t, const Ledger&)> of_run;
    if (listen) of_run = [listen, r](std::size_t round, const Ledger& ledger) { listen(r, round, ledger); };
    competitors_.push_back(
        {r, std::make_unique<LockstepRun>(plan.runs[r], problem_of_run[r], observer, std::move(of_run))});
  }
}

std::vector<LockstepRun*> LockstepCell::live() const {
  std::vector<LockstepRun*> live;
  for (const Competitor& each : competitors_) {
    if (!each.over()) live.push_back(each.run.get());
  }
  return live;
}

void LockstepCell::settle() {
  if (!plan_.measure->to_target) return;
  struct Standing {
    double least = 0;  // a lower bound of the final sum over its runs: no measured cost ever decreases
    bool final = true;
  };
  std::map<std::size_t, Standing> standings;
  const auto setting_of = [&](const Competitor& each) { return plan_.runs[each.number].setting; };
  for (const Competitor& each : competitors_) {
    Standing& standing = standings[setting_of(each)];
    const RunOutcome outcome = each.now();
    const bool failed = each.over() && outcome.end != RunEnd::target;
    standing.least += failed ? std::numeric_limits<double>::infinity() : plan_.measure->of(outcome.last);
    standing.final = standing.final && each.over();
  }
  // All settings have the same number of runs, so comparing sums is comparing means.
  double best = std::numeric_limits<double>::infinity();
  for (const auto& [setting, standing] : standings) {
    if (standing.final) best = std::min(best, standing.least);
  }
  for (const Competitor& each : competitors_) {
    if (!each.over() && standings[setting_of(each)].least > best) each.run->give_up();
  }
}

std::size_t LockstepCell::report(RunOutcomes& outcomes) const {
  std::size_t count = 0;
  for (const Competitor& each : competitors_) {
    if (each.run == nullptr) continue;
    outcomes[each.number] = each.run->outcome();
    ++count;
  }
  return count;
}

}  // namespace laconic
