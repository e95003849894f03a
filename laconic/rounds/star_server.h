// SPDX-License-Identifier: Apache-2.0
// The server's side of a star: the point, the step along the estimate, and what was said.
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
  /// At the start of the problem, with an estimate of 0. `looks_back`: clients want x_{t-1} as well. Problem
  /// and parts must outlive it.
  StarServer(const Problem& problem, const StarParts& parts, const StarOptions& options, bool looks_back);

  /// x_t = x_{t-1} - gamma g, of which all are told.
  void step();
  /// Forgets what it remembers of the clients, as they do: the next round of theirs is a start.
  void start_over();
  [[nodiscard]] StarClients::Points points() const { return {x_, x_before_, anchor_}; }

  // The estimate, from what is said about x_t: open, hear the boards in ascending order of clients, close.
  void open(const std::vector<Share>& shares, bool restart);
  /// Every rank gets to the same ledger. Throws Diverged, on all ranks, where a gradient is not finite.
  /// Collective.
  void hear(Fleet& fleet, Board& board, std::size_t t);
  /// Collective.
  void close(Fleet& fleet, const std::vector<Share>& shares);
  void move_anchor() { copy(x_, anchor_); }

  /// What all ranks of a run share.
  [[nodiscard]] std::vector<MutView> memory();

  [[nodiscard]] View x() const { return x_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  Ledger& ledger() { return ledger_; }

 private:
  [[nodiscard]] Server new_estimate() const;

  const Problem& problem_;
  const StarParts& parts_;
  StarOptions options_;
  // What it is the mean of moves by 1/n of what a client says, whatever that weighs.
  bool shift_is_mean_;
  Vector x_;
  Vector x_before_;
  Vector anchor_;
  Server estimate_;
  Ledger ledger_;
};

}  // namespace laconic
