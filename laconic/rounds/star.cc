// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/star.h"

#include <algorithm>
#include <utility>

#include "laconic/core/error.h"
#include "laconic/rounds/star_clients.h"
#include "laconic/rounds/star_server.h"

namespace laconic {
namespace {

/// Every rank has a copy of the server, and the clients that it owns.
class Star final : public Method {
 public:
  Star(const Problem& problem, StarParts parts, const StarOptions& options)
      : problem_(problem),
        parts_(std::move(parts)),
        options_(options),
        clients_(problem, parts_),
        server_(problem, parts_, options, clients_.looks_back()),
        board_(problem.shards()) {}

  void start(Fleet& fleet, Evaluation* watch) override {
    take_on_clients(fleet);
    server_.ledger().open_round();
    gather(fleet, 0, watch);
  }

  void begin_round(Fleet& fleet, std::size_t t) override {
    if (!parts_.downlink.clients_at_x()) return;
    server_.step(fleet, t);
    has_begun_ = true;
  }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
    if (!std::exchange(has_begun_, false)) server_.step(fleet, t);
    gather(fleet, t, watch);
  }

  void evaluate(Fleet& fleet, Evaluation& out) override {
    laconic::evaluate(objective(), server_.x(), fleet, out);
    server_.complete(out);
  }

  State state(Fleet& fleet) override {
    take_on_clients(fleet);
    State state{.ledger = &server_.ledger(), .shared = server_.memory(), .clients = clients_.memories()};
    for (std::size_t own = 0; own < state.clients.size(); ++own) {
      for (const MutView vector : server_.memory_of(own)) state.clients[own].push_back(vector);
    }
    return state;
  }

  const Problem& problem() const override { return problem_; }
  const Problem& objective() const override { return objective_of(problem_, parts_); }
  View point() const override { return server_.x(); }
  const Ledger& ledger() const override { return server_.ledger(); }
  double step() const override { return options_.step; }

 private:
  void take_on_clients(Fleet& fleet) {
    const Range own = fleet.owned(problem_.shards());
    if (clients_.clients().size() == own.size()) return;
    clients_.take_on(own);
    server_.take_on(own);
  }

  /// The communication at x_t: gradients, messages, the fold.
  void gather(Fleet& fleet, std::size_t t, Evaluation* watch) {
    const Key round{options_.seed, static_cast<std::uint32_t>(t)};
    parts_.participation->draw(round.common(), shares_);
    const std::vector<Share>& shares = shares_;
    const bool restart = parts_.mechanism->restarts(round);
    check(!restart || parts_.mechanism->coin_bits() == 0 || shares.size() >= problem_.shards(),
          "all clients must take part when the memories of all start over");
    const bool watch_here = watch != nullptr && parts_.oracle->exact() && parts_.participation->complete() &&
                            !parts_.anchor && !parts_.objective && parts_.downlink.clients_at_x();
    if (watch_here) watch->clear(problem_.dim());

    const std::size_t window = fleet.window(shares.size(), problem_.dim());
    server_.open(shares, restart);
    for (std::size_t first = 0; first < shares.size(); first += window) {
      board_.clear();
      for (std::size_t s = first; s < std::min(first + window, shares.size()); ++s) {
        board_.add({round.seed, round.round, shares[s].client, 0, shares[s].copy}, shares[s].weight);
      }
      const Range own = fleet.owned(board_);
      clients_.reserve(own.size());
      fleet.for_each(own, [&](std::size_t e) {
        clients_.answer(board_[e], e - own.begin, server_.points(board_[e].key.client), restart);
      });
      fleet.share(board_);
      server_.hear(fleet, board_, t);
      if (watch_here) watch->add(fleet, board_);
    }
    server_.close(fleet, round, shares);
    if (parts_.anchor && parts_.anchor->heads(round)) server_.move_anchor();
    if (watch_here) server_.complete(*watch);
    if (watch != nullptr && !watch_here) evaluate(fleet, *watch);
  }

  const Problem& problem_;
  StarParts parts_;
  StarOptions options_;
  StarClients clients_;
  StarServer server_;
  std::vector<Share> shares_;  // of the round
  Board board_;
  bool has_begun_ = false;  // the round, by begin_round()
};

}  // namespace

void require_parts(const Problem& problem, const StarParts& parts) {
  require_problem(problem, parts.oracle.get());
  check(parts.mechanism != nullptr && parts.participation != nullptr && parts.outer != nullptr,
        "a star needs a mechanism, a participation and an outer rule");
  const std::size_t n = problem.shards();
  check(parts.participation->clients() == n,
        "the participation is of another number of clients than the problem's");
  const bool complete = parts.participation->complete();
  check(complete || !parts.anchor, "where gradients go through an anchor all clients must take part");
  check(parts.estimates.empty() || !parts.anchor, "gradients go through an anchor or through estimates");
  for (std::size_t k = 0; k < parts.estimates.size(); ++k) {
    const auto& [keep, at_previous, stretch, whole] = parts.estimates[k];
    check(keep >= 0 && keep <= 1 && stretch >= 1, "an estimate needs 0 <= keep <= 1 and stretch >= 1");
    check(k == 0 || !at_previous, "only the first estimate looks at the previous point");
  }
  check(parts.downlink.clients_at_x() || (!parts.majority && (!parts.anchor || parts.downlink.shared)),
        "a server that moves the clients' points takes no majority, and an anchor needs one point for all");
  const auto& [rule, attack, senders] = parts.aggregation;
  check((!rule || rule->clients() == n) && (!attack || attack->clients() == n),
        "rule and attack are for another number of clients than the problem's");
  check((!rule && !attack) || !parts.majority, "a majority counts signs, and takes no other rule");
  check(!senders || (!rule && !attack && !parts.majority && parts.mechanism->rates().server == 0),
        "the mean over the senders takes no other rule, and needs a server without a memory");
  check(parts.mechanism->keeps() == 0 || !parts.participation->repeats(),
        "a compressor that keeps numbers needs clients that take part at most once in a round");
  check(parts.downlink.compressor == nullptr || parts.downlink.compressor->keeps() == 0,
        "a downlink needs a compressor that keeps no numbers");
  // A server that keeps the memory of each client takes the mean of the memories, whatever the weights of
  // messages.
  check(complete || !parts.mechanism->estimates_by_memory() || parts.mechanism->replaces() ||
            parts.participation->weight() == 1 / static_cast<double>(n),
        "the estimate is to be the mean of the memories, as in EF21: a participation must be complete or "
        "weigh 1/n");
}

std::unique_ptr<Method> make_star(const Problem& problem, StarParts parts, const StarOptions& options) {
  require_parts(problem, parts);
  require_step(options.step);
  return std::make_unique<Star>(problem, std::move(parts), options);
}

}  // namespace laconic
