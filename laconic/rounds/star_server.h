// SPDX-License-Identifier: Apache-2.0
// The server side of a star method: the point x, the step x <- x - gamma * estimate, and the ledger.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "laconic/core/vec.h"
#include "laconic/participation/participation.h"
#include "laconic/rounds/ledger.h"
#include "laconic/rounds/server.h"
#include "laconic/rounds/star.h"
#include "laconic/rounds/star_clients.h"
#include "laconic/transport/fleet.h"

namespace laconic {

class StarServer {
 public:
  /// Starts at the problem's starting point, with estimate 0. `looks_back`: clients also need x_{t-1}.
  /// Problem and parts must outlive it.
  StarServer(const Problem& problem, const StarParts& parts, const StarOptions& options, bool looks_back);

  /// x_t = x_{t-1} - gamma g; counts the message of the server to all clients.
  void step();
  /// Resets the memory of the clients, which reset theirs too: their next round is a start.
  void start_over();
  [[nodiscard]] StarClients::Points points() const { return {x_, x_before_, anchor_}; }

  // The estimate from the messages at x_t: call open(), then hear() for the boards in ascending order of
  // clients, then close().
  void open(const std::vector<Share>& shares, bool restart);
  /// The ledger is the same on every rank. Throws Diverged, on all ranks, if a gradient is not finite.
  /// Collective.
  void hear(Fleet& fleet, Board& board, std::size_t t);
  /// Collective.
  void close(Fleet& fleet, const std::vector<Share>& shares);
  void move_anchor() { copy(x_, anchor_); }

  /// The state that is equal on all ranks.
  [[nodiscard]] std::vector<MutView> memory();

  [[nodiscard]] View x() const { return x_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  Ledger& ledger() { return ledger_; }

 private:
  [[nodiscard]] Server new_estimate() const;

  const Problem& problem_;
  const StarParts& parts_;
  StarOptions options_;
  // The memories of the clients, and their mean, move by the messages without the weights of the
  // participation.
  bool shift_is_mean_;
  Vector x_;
  Vector x_before_;
  Vector anchor_;
  Server estimate_;
  Ledger ledger_;
};

}  // namespace laconic
