// SPDX-License-Identifier: Apache-2.0
// The server side of a star method: the point, the step against the estimate, the downlink, and the ledger.
#pragma once

#include <cstddef>
#include <memory>
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

  /// Takes ownership of the points at which these clients compute.
  void take_on(Range clients) { downlink_.take_on(clients); }

  /// Round t: x_t = x_{t-1} - gamma g, or by the outer rule; counts the messages of the server. Collective.
  void step(Fleet& fleet, std::size_t t);
  /// Resets the memory of the clients, which reset theirs too: their next round is a start. The parts may be
  /// others then, for other clients of the same problem.
  void start_over();
  /// Where client i of this rank computes.
  [[nodiscard]] StarClients::Points points(std::size_t i) const {
    if (parts_.downlink.clients_at_x()) return {x_, x_before_, anchor_};
    return {downlink_.point(i), downlink_.before(i), anchor_};
  }

  // The estimate from the messages at x_t: call open(), then hear() for the boards in ascending order of
  // clients, then close().
  void open(const std::vector<Share>& shares, bool restart);
  /// The ledger is the same on every rank. Throws Diverged, on all ranks, if a gradient is not finite.
  /// Collective.
  void hear(Fleet& fleet, Board& board, std::size_t t);
  /// Collective.
  void close(Fleet& fleet, const Key& round, const std::vector<Share>& shares);
  void move_anchor() { copy(points(0).x, anchor_); }
  /// Adds the term of the outer rule to the evaluation of f at x.
  void complete(Evaluation& out) const { parts_.outer->complete(options_.step, x_, out.f, out.gradient); }

  /// The state that is equal on all ranks. Without the memories of the clients it is what start_over()
  /// leaves, and the estimate.
  [[nodiscard]] std::vector<MutView> memory(bool of_clients = true);
  /// The points of this rank's clients; empty if they compute at one point.
  [[nodiscard]] std::vector<MutView> memory_of(std::size_t own) { return downlink_.memory_of(own); }

  [[nodiscard]] View x() const { return x_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  Ledger& ledger() { return ledger_; }

 private:
  [[nodiscard]] std::unique_ptr<Server<double>> new_estimate() const;

  const Problem& problem_;
  const StarParts& parts_;
  StarOptions options_;
  // The memories of the clients, and their mean, move by the messages without the weights of the
  // participation.
  bool shift_is_mean_;
  Vector x_;
  Vector x_before_;
  Vector anchor_;
  std::unique_ptr<Server<double>> estimate_;
  std::vector<Vector> outer_memory_;
  Downlink downlink_;
  Ledger ledger_;
};

}  // namespace laconic
