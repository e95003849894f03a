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
      x_(problem.dim()),
      estimate_(new_estimate()) {
  problem.start(x_);
  if (looks_back) x_before_ = x_;
  if (parts.anchor) anchor_.resize(problem.dim());
}

Server StarServer::new_estimate() const {
  return {problem_.dim(), parts_.mechanism->rates().server, !shift_is_mean_,
          parts_.mechanism->replaces() ? problem_.shards() : 0};
}

void StarServer::step() {
  if (!x_before_.empty()) copy(x_, x_before_);
  axpy(-options_.step, estimate_.estimate(), x_);
  const std::size_t bits_of_value = parts_.majority ? 1 : 8 * bytes_of(options_.wire);
  ledger_.open_round();
  ledger_.tell(static_cast<double>(bits_of_value * x_.size() + parts_.mechanism->coin_bits()));
}

void StarServer::start_over() { estimate_ = new_estimate(); }

void StarServer::open(const std::vector<Share>& shares, bool restart) {
  if (std::all_of(shares.begin(), shares.end(), [](const Share& share) { return share.weight == 0; }))
    ++ledger_.unheard_rounds;
  estimate_.open(restart);
}

void StarServer::hear(Fleet& fleet, Board& board, std::size_t t) {
  for (std::size_t e = 0; e < board.size(); ++e) {
    if (!board[e].envelope.finite)
      throw Diverged(fmt::format("diverged: a gradient is not finite in round {}", t));
    ledger_.hear(board[e]);
  }
  estimate_.hear(fleet, board);
}

void StarServer::close(Fleet& fleet, const std::vector<Share>& shares) {
  const double n = static_cast<double>(problem_.shards());
  estimate_.close(fleet, shift_is_mean_ && !shares.empty() ? 1 / n / shares[0].weight : 1);
  if (parts_.majority && !shares.empty()) estimate_.take_majority();
}

std::vector<MutView> StarServer::memory() {
  std::vector<MutView> vectors = {x_, anchor_};
  for (const MutView vector : estimate_.memory()) vectors.push_back(vector);
  return vectors;
}

}  // namespace laconic
