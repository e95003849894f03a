// SPDX-License-Identifier: Apache-2.0
#include "laconic/solve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

constexpr double kBetweenRequests = 0.25;  // seconds

std::string diverged(const char* what, std::size_t t) {
  return fmt::format("diverged: {} is not finite in round {}", what, t);
}

double rows_of(const Problem& problem) {
  std::size_t rows = 0;
  for (std::size_t i = 0; i < problem.shards(); ++i) rows += problem.rows(i);
  return static_cast<double>(rows);
}

/// How to fix a run that diverged: a smaller step, unless the values at the start are too large already.
/// Collective.
std::string remedy(const Problem& problem, const Method& method, Fleet& fleet, Wire wire,
                   std::size_t rounds) {
  constexpr double kMostOfF32 = std::numeric_limits<float>::max();
  if (!problem.is_here()) return "try a smaller step";
  Vector x(problem.dim());
  problem.start(x);
  const Vector largest = fleet.numbers(problem.shards(), [&](std::size_t i) {
    thread_local Vector g;
    g.resize(x.size());
    const double value = problem.value_gradient(i, Rows::everything(), x, g).value;
    double most = 0;
    for (const double each : g) most = std::max(most, std::abs(each));
    return std::isfinite(value) && all_finite(g) ? most : std::numeric_limits<double>::infinity();
  });
  const auto at = std::max_element(largest.begin(), largest.end());
  const auto client = at - largest.begin();
  if (std::isinf(*at))
    return fmt::format("client {}'s loss or gradient is not finite at the start: scale the data", client);
  const std::string holds = fmt::format("client {}'s gradient holds {:.2g} at the start", client, *at);
  if (wire == Wire::f32 && *at > kMostOfF32)
    return holds + ", which wire=f32 cannot carry: scale the data or use wire=f64";
  if (rounds == 0) return holds + ", which no step can mend: scale the data";
  // Every value at the start fits in f32, but compressors scale up what they send.
  if (wire == Wire::f32 && rounds == 1 && !all_finite(method.point()))
    return holds +
           ", and a message more than wire=f32 can carry: scale the data, use wire=f64 or a smaller step";
  return "try a smaller step";
}

}  // namespace

const char* name_of(Summary::Why why) {
  switch (why) {
    case Summary::Why::rounds:
      return "rounds";
    case Summary::Why::target:
      return "target";
    case Summary::Why::max_bits:
      return "max-bits";
    case Summary::Why::max_seconds:
      return "max-seconds";
    case Summary::Why::diverged:
      return "diverged";
    case Summary::Why::interrupted:
      return "interrupted";
  }
  return "";
}

Solver::Solver(const Problem& problem, Method& method, Fleet& fleet, SolveOptions options, Recorder& recorder,
               Checkpoints* checkpoints, const std::optional<Progress>& from)
    : problem_(problem),
      method_(method),
      fleet_(fleet),
      options_(options),
      recorder_(recorder),
      checkpoints_(checkpoints) {
  check(&problem == &method.problem(), "solve() was given another problem than the method's");
  if (options.checkpoint_rounds && *options.checkpoint_rounds < 1)
    throw InputError("checkpoint_rounds = 0; need checkpoint_rounds >= 1");
  check(checkpoints != nullptr || !(options.checkpoint_rounds || options.checkpoint_seconds),
        "solve() was told to save checkpoints, but not where");
  if (!from) return;
  next_ = from->round + 1;
  before_ = from->timing;
  saved_at_ = before_.seconds;
  network_seconds_ = from->network_seconds;
  summary_.last = from->last;
  summary_.recorded = true;
}

void Solver::round() {
  check(!over_, "a run that is over was asked for another round");
  begin_ = WallClock::now();
  summary_.rounds = next_;
  Evaluation* watch = is_due(next_) ? &evaluation_ : nullptr;
  try {
    compute(watch);
  } catch (const Diverged& error) {
    stop(Summary::Why::diverged, error.what());
  }
  summary_.seconds = seconds();
  in_rounds_ = summary_.seconds - before_.seconds;
  ++next_;
}

void Solver::compute(Evaluation* watch) {
  const std::size_t t = next_;
  if (t == 0) {
    method_.start(fleet_, watch);
  } else {
    method_.round(fleet_, t, watch);
  }
  if (options_.clock) network_seconds_ += options_.clock->seconds(t, method_.ledger().turns);
  summary_.unheard_rounds = method_.ledger().unheard_rounds;
  summary_.late_bits = method_.ledger().late_bits;
  summary_.gone = method_.ledger().gone;
  // If several rules hold at once, the last one here gives the reason: it is the most specific.
  if (t >= options_.rounds) stop(Summary::Why::rounds, fmt::format("{} rounds done", options_.rounds));
  if (options_.max_seconds && fleet_.answer_of_first(seconds() >= *options_.max_seconds)) {
    stop(Summary::Why::max_seconds, fmt::format("max-seconds = {} reached", *options_.max_seconds));
  }
  if (options_.max_bits && uplink_bits() >= *options_.max_bits) {
    stop(Summary::Why::max_bits, fmt::format("max-bits = {} reached", *options_.max_bits));
  }
  if (over_ && watch == nullptr) {
    method_.evaluate(fleet_, evaluation_);
    watch = &evaluation_;
  }
  if (watch != nullptr) record();
  recorder_.tick(t);
  if (over_) return;
  const Request asked = request();
  const bool due = checkpoint_is_due();
  if (due || (asked != Request::none && checkpoints_ != nullptr)) save();
  if (asked < Request::interrupt) return;
  summary_.request = asked;
  stop(Summary::Why::interrupted, fmt::format("interrupted after round {}", t));
}

bool Solver::is_due(std::size_t t) const {
  return t == 0 || t == options_.rounds || (options_.eval_every > 0 && t % options_.eval_every == 0);
}

bool Solver::checkpoint_is_due() {
  if (options_.checkpoint_rounds && next_ > 0 && next_ % *options_.checkpoint_rounds == 0) return true;
  return options_.checkpoint_seconds &&
         fleet_.answer_of_first(seconds() - saved_at_ >= *options_.checkpoint_seconds);
}

Request Solver::request() {
  if (options_.asked == nullptr) return Request::none;
  Transport& transport = fleet_.transport();
  if (transport.size() == 1) return (*options_.asked)();
  if (++rounds_since_ < std::size_t{1} << log2_stride_) return Request::none;
  rounds_since_ = 0;
  // Each rank sends a byte: its request, and its proposal for the number of rounds until the next exchange;
  // all ranks use rank 0's proposal.
  constexpr int kBits = 2;
  constexpr int kMostStride = 30;
  const auto now = WallClock::now();
  const double since = std::chrono::duration<double>(now - asked_at_).count();
  asked_at_ = now;
  const int fits = std::min(1, std::ilogb(kBetweenRequests / since));
  const int next = std::clamp(log2_stride_ + fits, 0, kMostStride);
  const auto mine = static_cast<std::uint8_t>(static_cast<int>((*options_.asked)()) | next << kBits);
  std::vector<std::uint8_t> all(transport.size(), mine);
  std::vector<MutByteView> from;
  for (std::uint8_t& byte : all) from.emplace_back(&byte, 1);
  transport.gather({&mine, 1}, from);
  log2_stride_ = all[0] >> kBits;
  int most = 0;
  for (const std::uint8_t byte : all) most = std::max(most, byte & ((1 << kBits) - 1));
  return static_cast<Request>(most);
}

void Solver::save() {
  const std::uint32_t trace_checksum = recorder_.sync();
  checkpoints_->save(fleet_, {next_, timing(), network_seconds_, summary_.last, trace_checksum},
                     method_.state(fleet_));
  saved_at_ = seconds();
}

void Solver::stop(Summary::Why why, std::string reason) {
  over_ = true;
  summary_.why = why;
  summary_.reason = std::move(reason);
}

void Solver::record() {
  // Only evaluated rounds are checked: a value that is non-finite stays so, and every round checks its
  // gradients anyway.
  const double grad_norm_sq = norm_sq(evaluation_.gradient);
  const char* lost = !all_finite(method_.point())    ? "the point"
                     : !std::isfinite(evaluation_.f) ? "f"
                     : !std::isfinite(grad_norm_sq)  ? "the squared gradient norm"
                                                     : nullptr;
  if (lost != nullptr) {
    stop(Summary::Why::diverged, diverged(lost, next_));
    return;
  }
  const Ledger& ledger = method_.ledger();
  const double n = static_cast<double>(problem_.shards());
  Row row;
  row.round = next_;
  row.f = evaluation_.f;
  row.grad_norm_sq = grad_norm_sq;
  row.uplink_floats = ledger.uplink_floats / n;
  row.uplink_bits = uplink_bits();
  row.downlink_bits = ledger.downlink_bits;
  row.downlink_floats = ledger.downlink_floats;
  row.oracle_calls = static_cast<double>(ledger.oracle_calls) / n;
  row.participants = ledger.participants;
  row.step = method_.step();
  row.consensus = evaluation_.consensus;
  row.network_seconds = network_seconds_;
  if (problem_.classifies()) row.train_accuracy = evaluation_.correct / rows_of(method_.objective());
  if (options_.tests) row.test_accuracy = problem_.test_accuracy(method_.point(), fleet_.pool());
  recorder_.record(row, timing());
  summary_.last = row;
  summary_.recorded = true;
  stop_at_target(row);
}

void Solver::stop_at_target(const Row& row) {
  const auto& [target, target_f, accuracy, consensus] =
      std::tie(options_.target, options_.target_f, options_.target_accuracy, options_.target_consensus);
  // If several targets are met, the last one here gives the reason.
  std::string reached;
  if (target && row.grad_norm_sq <= *target) reached = fmt::format("|grad f|^2 <= {}", *target);
  if (target_f && row.f <= *target_f) reached = fmt::format("f <= {}", *target_f);
  if (accuracy && row.test_accuracy && *row.test_accuracy >= *accuracy)
    reached = fmt::format("test accuracy >= {}", *accuracy);
  if (consensus) {
    const bool alone = !target && !target_f && !accuracy;
    const bool met = row.consensus <= *consensus;
    if (alone && met && row.round > 0) reached = fmt::format("consensus <= {}", *consensus);
    if (!alone)
      reached = met && !reached.empty() ? fmt::format("{}, consensus <= {}", reached, *consensus) : "";
  }
  if (!reached.empty()) stop(Summary::Why::target, "target reached: " + reached);
}

double Solver::uplink_bits() const {
  return static_cast<double>(method_.ledger().uplink_bits) / static_cast<double>(problem_.shards());
}

double Solver::seconds() const {
  return before_.seconds + in_rounds_ + std::chrono::duration<double>(WallClock::now() - begin_).count();
}

Timing Solver::timing() const {
  const Traffic& traffic = fleet_.transport().traffic();
  return {seconds(), before_.bytes_sent + traffic.sent, before_.bytes_received + traffic.received};
}

Summary solve(const Problem& problem, Method& method, Fleet& fleet, const SolveOptions& options,
              Recorder& recorder, Checkpoints* checkpoints, const std::optional<Progress>& from) {
  Solver solver(problem, method, fleet, options, recorder, checkpoints, from);
  while (!solver.over()) solver.round();
  Summary summary = solver.summary();
  if (summary.why == Summary::Why::diverged)
    summary.reason += "; " + remedy(problem, method, fleet, options.wire, summary.rounds);
  return summary;
}

}  // namespace laconic
