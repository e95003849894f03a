// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/pilot.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <tuple>

namespace laconic {
namespace {

std::vector<Link> links_of(const Config& config) { return make_links(*config.network); }

std::vector<Link> without_end(std::vector<Link> links) {
  for (Link& link : links) link.up = link.down = std::numeric_limits<double>::infinity();
  return links;
}

/// The distance of a run from the target. Comparable only between runs of the same config.
double distance_of(const Config& config, const Row& row) {
  if (config.solve.target_accuracy) return 1 - row.test_accuracy.value_or(0);
  return config.target_gap ? row.f : row.grad_norm_sq;
}

/// Keeps the better half of the runs, by distance to the target.
void halve(std::vector<LockstepRun*> live) {
  constexpr std::size_t kLeast = 3;  // the leading step may turn out too long later
  std::stable_sort(live.begin(), live.end(), [](const LockstepRun* a, const LockstepRun* b) {
    return distance_of(a->run().config, a->outcome().last) < distance_of(b->run().config, b->outcome().last);
  });
  for (std::size_t i = std::max(kLeast, (live.size() + 1) / 2); i < live.size(); ++i)
    live[i]->give_up(RunEnd::behind);
}

/// Advances the runs until all have ended.
void carry_on(LockstepCell& cell_runs, ThreadPool& pool, double seconds, double enough, Observer& observer) {
  using Time = std::chrono::steady_clock;
  const auto since = [](Time::time_point begin) {
    return std::chrono::duration<double>(Time::now() - begin).count();
  };
  const auto begin = Time::now();
  constexpr std::size_t kHalvings = 3;
  constexpr std::size_t kTried = 16;  // rounds before the first halving
  // share of the time before the first halving, if the rounds are so long that kTried is not reached
  constexpr double kShare = 0.2;
  std::size_t halvings = 0;
  std::size_t stride = 1;
  for (auto live = cell_runs.live(); !live.empty(); live = cell_runs.live()) {
    const auto turn = Time::now();
    pool.for_each(live.size(), [&](std::size_t i) { live[i]->advance(stride); });
    if (const Request asked = observer.asked_to_end(); asked != Request::none)
      throw Interrupted(asked, "interrupted; nothing was saved");
    cell_runs.settle();
    const bool over = since(begin) >= seconds;
    for (LockstepRun* run : cell_runs.live()) {
      if (run->outcome().last.network_seconds > enough) {
        run->give_up(RunEnd::too_late);
      } else if (over) {
        run->give_up(RunEnd::time_over);
      }
    }
    live = cell_runs.live();
    const bool tried = !live.empty() && live[0]->rounds() >= kTried << halvings;
    if (halvings < kHalvings &&
        (tried || since(begin) >= seconds * kShare * static_cast<double>(halvings + 1))) {
      halve(live);
      ++halvings;
    }
    // With long rounds a full stride would exceed the time.
    if (since(turn) < seconds / 64) stride = std::min(2 * stride, LockstepRun::kStride);
  }
}

}  // namespace

Meter::Meter(const Config& d, const MessageCosts& costs)
    : clock_(d.clients, links_of(d), d.compute, stragglers_of(d), d.seed),
      links_(d.clients, links_of(d), {}, nullptr, d.seed),
      endless_(d.clients, without_end(links_of(d)), {}, nullptr, d.seed),
      costs_(costs),
      encoding_(d.clients, 0.0),
      decoding_(d.clients, 0.0) {}

void Meter::hear(std::size_t round, const Ledger& ledger) {
  RoundCost& to = round == 0 ? start_ : rounds_;
  if (round == 0)
    bits_of_start_ = static_cast<double>(ledger.uplink_bits) / static_cast<double>(encoding_.size());
  const double all = clock_.seconds(round, ledger.turns);
  const double links = links_.seconds(round, ledger.turns);
  const double latency = endless_.seconds(round, ledger.turns);
  to.compute += all - links;
  to.latency += latency;
  to.bits += links - latency;
  for (const Turn& turn : ledger.turns) add_messages(turn, to);
}

void Meter::add_messages(const Turn& turn, RoundCost& to) {
  constexpr double kFlag = 8;  // bits of a message that only says that there is no content
  std::fill(encoding_.begin(), encoding_.end(), 0.0);
  std::fill(decoding_.begin(), decoding_.end(), 0.0);
  double at_server = 0;
  for (const Turn::Client& client : turn.clients) {
    if (client.bits_out == 0) continue;
    const MessageCost& cost = client.bits_out >= costs_.whole.bits ? costs_.whole : costs_.said;
    encoding_[client.number] += cost.encode;
    if (turn.among_clients) {  // each client receives and decodes messages from others
      decoding_[client.number] += cost.decode * client.bits_in / cost.bits;
    } else if (client.bits_out > kFlag) {
      at_server += cost.decode;
      if (costs_.remembers) decoding_[client.number] += cost.decode;
    }
  }
  to.encode += *std::max_element(encoding_.begin(), encoding_.end());
  to.decode += at_server + *std::max_element(decoding_.begin(), decoding_.end());
}

PilotResult run_pilot(const std::vector<Config>& configs, const std::shared_ptr<const OpenedProblem>& problem,
                      const MessageCosts& costs, double seconds, double enough, ThreadPool& pool,
                      Observer& observer) {
  const SweepPlan plan = plan_of_cell(configs, measure_named("seconds", true, true));
  std::vector<Meter> meters;
  for (const Config& config : configs) meters.emplace_back(config, costs);
  const ProblemOfRun problems(plan.runs.size(), problem);
  const RunOutcomes none(plan.runs.size());
  LockstepCell cell_runs(
      plan, 0, problems, none, observer,
      [&](std::size_t r, std::size_t round, const Ledger& ledger) { meters[r].hear(round, ledger); });
  carry_on(cell_runs, pool, seconds, enough, observer);
  RunOutcomes outcomes(plan.runs.size());
  cell_runs.report(outcomes);

  // The best run: the first to arrive; if none arrived, the nearest to the target.
  const auto key = [&](std::size_t r) {
    const auto& [end, last] = *outcomes[r];
    const bool arrived = end == RunEnd::target;
    const bool diverged = end == RunEnd::diverged;
    return std::tuple(arrived    ? 0
                      : diverged ? 2
                                 : 1,
                      arrived ? last.network_seconds : distance_of(plan.runs[r].config, last));
  };
  std::size_t best = 0;
  for (std::size_t r = 1; r < plan.runs.size(); ++r) {
    if (key(r) < key(best)) best = r;
  }
  double largest = 0;
  for (const auto& outcome : outcomes) largest = std::max(largest, outcome->last.step);
  const auto& [end, last] = *outcomes[best];
  const Config& config = plan.runs[best].config;
  return {.method = config.method,
          .step = config.step,
          .largest_step = plan.runs.size() > 1 && last.step >= largest,
          .arrived = end == RunEnd::target,
          .end = end,
          .last = last,
          .bits_of_start = meters[best].bits_of_start(),
          .start = meters[best].start(),
          .rounds = meters[best].rounds(),
          .encode = costs.said.encode,
          .decode = costs.said.decode};
}

}  // namespace laconic
