// SPDX-License-Identifier: Apache-2.0
// The server's fold: combines messages into one estimate of the gradient.
#pragma once

#include <cstddef>
#include <vector>

#include "laconic/core/vec.h"
#include "laconic/message/message.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// Holds the estimate g and, if messages are differences from memories of the clients, the shift: the mean of
/// these memories. With d = sum of weight * message over a round:
///   restart: g = shift = d;     otherwise: g = shift + weight * d, shift += rate * heard * d
/// heard is 1, except where weights compensate for absent clients: such weights apply to the estimate, but
/// not to the memories. Needs two vectors; one if the rate is 0 (no shift), or if rate and weight are 1 and
/// heard is always 1 (the shift equals the estimate).
///
/// For clients that replace their memories themselves (Mechanism::replaces) the server keeps each memory
/// instead: g is the mean of the memories, and each message starts its client's memory over or adds to it.
/// Needs one vector a client, and one more.
class Server {
 public:
  /// 0 <= rate <= 1: Rates::server; weight: Rates::estimate. `all_heard`: close() is always called with heard
  /// = 1. `remembered`: the number of clients with a memory each on the server, all or 0.
  Server(std::size_t dim, double rate, double weight, bool all_heard, std::size_t remembered)
      : rate_(rate),
        weight_(weight),
        in_place_(rate == 1 && weight == 1 && all_heard),
        estimate_(dim, 0.0),
        memories_(remembered, Vector(dim, 0.0)) {
    if (has_shift()) shift_.assign(dim, 0.0);
  }

  void open(bool restart) {
    restart_ = restart;
    counted_.clear();
    const bool adds_in_place = in_place_ && memories_.empty();  // adds d to the shift
    if (restart || !adds_in_place) fill(estimate_, 0.0);
  }

  /// Adds the messages of the board. Collective.
  void hear(Fleet& fleet, Board& board) {
    if (memories_.empty()) {
      fleet.fold(board, counted_, estimate_);
      return;
    }
    fleet.for_each_message(board, [&](const Entry& entry, const Message& message) {
      Vector& h = memories_[entry.key.client];
      if (restart_ || starts_over(message)) fill(h, 0.0);
      decode_add(entry.key, message, 1, h);
    });
  }

  void close(Fleet& fleet, double heard) {
    fleet.settle(counted_, estimate_);
    for (const Vector& h : memories_) axpy(1.0 / static_cast<double>(memories_.size()), h, estimate_);
    if (!has_shift()) return;
    for (std::size_t j = 0; j < estimate_.size(); ++j) {
      const double d = estimate_[j];
      estimate_[j] = restart_ ? d : shift_[j] + weight_ * d;
      shift_[j] = restart_ ? d : shift_[j] + rate_ * heard * d;
    }
  }

  /// Replaces the sum of votes of each coordinate by the sign of the majority; ties become 1.
  void take_majority() {
    for (double& g : estimate_) g = g < 0 ? -1 : 1;
  }

  [[nodiscard]] View estimate() const { return estimate_; }

  /// The state between rounds, to be read or restored.
  [[nodiscard]] std::vector<MutView> memory() {
    std::vector<MutView> vectors = {estimate_, shift_};
    vectors.insert(vectors.end(), memories_.begin(), memories_.end());
    return vectors;
  }

 private:
  [[nodiscard]] bool has_shift() const { return rate_ != 0 && !in_place_ && memories_.empty(); }

  double rate_;
  double weight_;
  bool in_place_;
  bool restart_ = false;
  Vector estimate_;
  Vector shift_;
  SignCount counted_;  // the messages of the round that are signs only
  std::vector<Vector> memories_;
};

}  // namespace laconic
