// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/star_server.h"

#include <algorithm>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {

StarServer::StarServer(const Problem& problem, const StarParts& parts, const StarOptions& options,
                       bool looks_back)
    : problem_(problem),
      parts_(parts),
      options_(options),
      shift_is_mean_(parts.mechanism->rates().client > 0 && !parts.mechanism->replaces() &&
                     !parts.participation->complete()),
      x_(start_of(problem)),
      estimate_(new_estimate()),
      downlink_(parts.downlink, x_, problem.shards(), options.wire, looks_back) {
  if (looks_back || parts.downlink.kind == DownlinkPlan::Kind::marina_p) x_before_ = x_;
  for (std::size_t k = 0; k < parts.outer->memory(); ++k)
    outer_memory_.emplace_back(problem.dim(), parts.outer->first(k));
  if (parts.anchor) anchor_.resize(problem.dim());
}

std::unique_ptr<Server<double>> StarServer::new_estimate() const {
  const Mechanism& mechanism = *parts_.mechanism;
  if (parts_.aggregation.senders) return senders_server(problem_.dim());
  if (mechanism.replaces() || parts_.aggregation.rule || parts_.aggregation.attack)
    return remembering_server<double>(problem_.dim(), mechanism.rates(), parts_.participation->clients(),
                                      parts_.aggregation);
  return summing_server<double>(problem_.dim(), mechanism.rates(), !shift_is_mean_);
}

void StarServer::step(Fleet& fleet, std::size_t t) {
  const Key round{options_.seed, static_cast<std::uint32_t>(t)};
  ledger_.open_round();
  View g = estimate_->estimate();
  if (parts_.majority) {
    const double values = static_cast<double>(x_.size());
    ledger_.tell(values, values / static_cast<double>(8 * bytes_of(options_.wire)));
  } else {
    g = downlink_.direction(round, g, ledger_);
  }
  ledger_.tell(parts_.mechanism->coin_bits(), 0);
  for (const Estimate& estimate : parts_.estimates) ledger_.tell(estimate.whole.p > 0 ? 1 : 0, 0);
  if (!x_before_.empty()) copy(x_, x_before_);
  parts_.outer->move(-options_.step, g, outer_memory_, x_);
  downlink_.send(fleet, round, x_before_, x_, ledger_);
}

void StarServer::start_over() { estimate_ = new_estimate(); }

void StarServer::open(const std::vector<Share>& shares, bool restart) {
  if (std::all_of(shares.begin(), shares.end(), [](const Share& share) { return share.weight == 0; }))
    ++ledger_.unheard_rounds;
  estimate_->open(restart);
}

void StarServer::hear(Fleet& fleet, Board& board, std::size_t t) {
  for (std::size_t e = 0; e < board.size(); ++e) {
    if (!board[e].envelope.finite)
      throw Diverged(fmt::format("diverged: a gradient is not finite in round {}", t));
    ledger_.hear(board[e]);
  }
  if (const auto sum = estimate_->sum()) return fleet.fold(board, sum->counted, sum->acc);
  fleet.for_each_message(board, [&](const Entry& entry, const Message& message) {
    estimate_->hear(fleet.pool(), entry.key, entry.weight, message);
  });
}

void StarServer::close(Fleet& fleet, const Key& round, const std::vector<Share>& shares) {
  const double n = static_cast<double>(parts_.participation->clients());
  estimate_->close(fleet.pool(), round, shift_is_mean_ && !shares.empty() ? 1 / n / shares[0].weight : 1);
  if (parts_.majority && !shares.empty()) estimate_->take_majority();
}

std::vector<MutView> StarServer::memory(bool of_clients) {
  std::vector<MutView> vectors = {x_, anchor_};
  const std::vector<MutView> estimate = estimate_->memory();
  vectors.insert(vectors.end(), estimate.begin(), of_clients ? estimate.end() : estimate.begin() + 1);
  for (const MutView vector : outer_memory_) vectors.push_back(vector);
  for (const MutView vector : downlink_.memory()) vectors.push_back(vector);
  return vectors;
}

}  // namespace laconic
