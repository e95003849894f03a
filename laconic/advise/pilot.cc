// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/pilot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace laconic {
namespace {

std::vector<Link> links_of(const Config& config) { return make_links(*config.network); }

std::vector<Link> without_end(std::vector<Link> links) {
  for (Link& link : links) link.up = link.down = std::numeric_limits<double>::infinity();
  return links;
}

/// Adds an evaluated round to the path. Of rounds with numbers within 1 % of each other, one remains.
void add(const Reached& reached, std::vector<Reached>& path) {
  constexpr double kApart = 1.01;
  const std::size_t n = path.size();
  if (n >= 2 &&
      static_cast<double>(path[n - 1].row.round) < kApart * static_cast<double>(path[n - 2].row.round)) {
    path.back() = reached;
  } else {
    path.push_back(reached);
  }
}

}  // namespace

double rows_of(const Problem& problem) {
  double rows = 0;
  for (std::size_t i = 0; i < problem.shards(); ++i) rows += static_cast<double>(problem.rows(i));
  return rows;
}

Meter::Meter(const Config& d, const std::vector<double>& seconds_a_gradient, const MessageCosts& costs)
    : clock_(d.clients, links_of(d), seconds_a_gradient, stragglers_of(d), d.seed),
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

Pilot::Pilot(const std::vector<Config>& configs, std::shared_ptr<const OpenedProblem> problem,
             const std::vector<double>& seconds_a_gradient, const MessageCosts& costs, const Target& target,
             ThreadPool& pool, Observer& observer)
    : plan_(plan_of_cell(configs, measure_named("seconds", true, true))),
      problem_(std::move(problem)),
      costs_(costs),
      target_(target),
      pool_(pool),
      observer_(observer),
      paths_(configs.size()),
      problem_of_run_(configs.size(), problem_),
      runs_(plan_, 0, problem_of_run_, RunOutcomes(configs.size()), observer,
            [this](std::size_t r, std::size_t round, const Ledger& ledger) {
              meters_[r].hear(round, ledger);
            }) {
  for (const Config& config : configs) meters_.emplace_back(config, seconds_a_gradient, costs);
}

void Pilot::advance(double gradients, const CostLimit& limit, Deadline deadline) {
  const std::size_t stride = plan_.runs.front().config.solve.eval_every;
  const double all = this->gradients() + gradients;
  for (auto live = runs_.live(); !live.empty(); live = runs_.live()) {
    if (this->gradients() >= all || std::chrono::steady_clock::now() >= deadline) return;
    const bool starts = paths_[live.front()->run().setting].empty();
    pool_.for_each(live.size(), [&](std::size_t i) { live[i]->advance(starts ? 1 : stride); });
    if (const Request asked = observer_.asked_to_end(); asked != Request::none)
      throw Interrupted(asked, "interrupted; nothing was saved");
    for (LockstepRun* run : live) {
      const std::size_t r = run->run().setting;
      const RunOutcome outcome = run->outcome();
      add({meters_[r].seconds(), outcome.last}, paths_[r]);
      if (outcome.last.network_seconds > limit.link_seconds && outcome.last.oracle_calls > limit.gradients)
        run->give_up(RunEnd::too_late);
    }
    runs_.settle();
    live = runs_.live();
    if (!live.empty() && halving_is_due(*live.front())) halve();
  }
}

bool Pilot::halving_is_due(const LockstepRun& run) const {
  constexpr std::size_t kHalvings = 3;
  const double tried = std::ldexp(8, static_cast<int>(halvings_));
  const double clients = static_cast<double>(problem_->problem->shards());
  const double passes = run.outcome().last.oracle_calls * clients / rows_of(problem_->objective());
  return halvings_ < kHalvings && std::max(static_cast<double>(run.rounds()), passes) >= tried;
}

void Pilot::halve() {
  constexpr std::size_t kLeast = 2;  // the leading step may turn out too long later
  ++halvings_;
  std::vector<LockstepRun*> live = runs_.live();
  std::stable_sort(live.begin(), live.end(), [&](const LockstepRun* a, const LockstepRun* b) {
    return target_.distance(a->outcome().last) < target_.distance(b->outcome().last);
  });
  for (std::size_t i = std::max(kLeast, (live.size() + 1) / 2); i < live.size(); ++i)
    live[i]->give_up(RunEnd::behind);
}

double Pilot::gradients() const {
  const double clients = static_cast<double>(problem_->problem->shards());
  const double rows = rows_of(problem_->objective());
  double sum = 0;
  for (const std::vector<Reached>& path : paths_) {
    if (path.empty()) continue;
    const Row& last = path.back().row;
    const double rounds = static_cast<double>(last.round);
    const double evaluations = 1 + rounds / static_cast<double>(plan_.runs.front().config.solve.eval_every);
    sum += std::max(clients * last.oracle_calls, rows * evaluations) + kMessage * clients * rounds;
  }
  return sum;
}

PilotResult Pilot::result() {
  for (LockstepRun* run : runs_.live()) run->give_up(RunEnd::budget_over);
  RunOutcomes outcomes(plan_.runs.size());
  runs_.report(outcomes);
  const auto key = [&](std::size_t r) {
    const auto& [end, last] = *outcomes[r];
    const bool reached = end == RunEnd::target;
    const bool diverged = end == RunEnd::diverged;
    return std::tuple(reached    ? 0
                      : diverged ? 2
                                 : 1,
                      reached ? last.network_seconds : target_.distance(last), last.round);
  };
  std::size_t best = 0;
  double largest = 0;
  for (std::size_t r = 0; r < plan_.runs.size(); ++r) {
    if (key(r) < key(best)) best = r;
    largest = std::max(largest, outcomes[r]->last.step);
  }
  const auto& [end, last] = *outcomes[best];
  const Config& config = plan_.runs[best].config;
  return {.method = config.method,
          .step = config.step,
          .largest_step = plan_.runs.size() > 1 && last.step >= largest,
          .end = end,
          .last = last,
          .path = paths_[best],
          .bits_of_start = meters_[best].bits_of_start(),
          .start = meters_[best].start(),
          .rounds = meters_[best].rounds(),
          .encode = costs_.said.encode,
          .decode = costs_.said.decode};
}

}  // namespace laconic
