// SPDX-License-Identifier: Apache-2.0
// The fold: messages become one estimate of the gradient.
#pragma once

#include <cstddef>
#include <vector>

#include "laconic/core/vec.h"
#include "laconic/message/message.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// Holds the estimate g and, where messages are said relative to a memory, the shift: the mean of what the
/// workers remember. With d = sum of weight * message over a round:
///   restart: g = shift = d;     otherwise: g = shift + d, shift += rate * heard * d
/// where heard is 1, but where the weights make up for workers who are absent: those move the estimate, and
/// not what they remember. Two vectors; one when the rate is 0 (no shift), or 1 and all are always heard (the
/// shift is the estimate).
///
/// Workers that replace their memories by themselves (Mechanism::replaces) are remembered one by one
/// instead: g is the mean of the memories, each started over or added to as its worker says. One
/// vector a worker, and one.
class Server {
 public:
  /// 0 <= rate <= 1: Rates::server. `all_heard`: close() always has heard = 1. `remembered`: how many workers
  /// are remembered one by one, all or none.
  Server(std::size_t dim, double rate, bool all_heard, std::size_t remembered)
      : rate_(rate),
        in_place_(rate == 1 && all_heard),
        estimate_(dim, 0.0),
        memories_(remembered, Vector(dim, 0.0)) {
    if (has_shift()) shift_.assign(dim, 0.0);
  }

  void open(bool restart) {
    restart_ = restart;
    counted_.clear();
    const bool adds_in_place = in_place_ && memories_.empty();  // d to the shift
    if (restart || !adds_in_place) fill(estimate_, 0.0);
  }

  /// d += what the board says. Collective.
  void hear(Fleet& fleet, Board& board) {
    if (memories_.empty()) {
      fleet.fold(board, counted_, estimate_);
      return;
    }
    fleet.for_each_message(board, [&](const Entry& entry, const Message& message) {
      Vector& h = memories_[entry.key.worker];
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
      estimate_[j] = restart_ ? d : shift_[j] + d;
      shift_[j] = restart_ ? d : shift_[j] + rate_ * heard * d;
    }
  }

  /// Of the sums of votes in the estimate, which way each coordinate goes: 1 where they are even.
  void take_majority() {
    for (double& g : estimate_) g = g < 0 ? -1 : 1;
  }

  [[nodiscard]] View estimate() const { return estimate_; }

  /// What it holds between rounds, to be read or restored.
  [[nodiscard]] std::vector<MutView> memory() {
    std::vector<MutView> vectors = {estimate_, shift_};
    vectors.insert(vectors.end(), memories_.begin(), memories_.end());
    return vectors;
  }

 private:
  [[nodiscard]] bool has_shift() const { return rate_ != 0 && !in_place_ && memories_.empty(); }

  double rate_;
  bool in_place_;
  bool restart_ = false;
  Vector estimate_;
  Vector shift_;
  SignCount counted_;  // what the round says in signs alone
  std::vector<Vector> memories_;
};

}  // namespace laconic
