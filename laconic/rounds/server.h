// SPDX-License-Identifier: Apache-2.0
// The fold: messages become one estimate of the gradient.
#pragma once

#include <array>

#include "laconic/core/vec.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// Holds the estimate g and, where messages are said relative to a memory, the shift: the mean of what the
/// workers remember. With d = sum of weight * message over a round:
///   restart: g = shift = d;     otherwise: g = shift + d, shift += rate * d.
/// Two vectors; one when the rate is 0 (no shift) or 1 (the shift is the estimate).
class Server {
 public:
  /// 0 <= rate <= 1: Rates::server.
  Server(std::size_t dim, double rate) : rate_(rate), estimate_(dim, 0.0) {
    if (has_shift()) shift_.assign(dim, 0.0);
  }

  void open(bool restart) {
    restart_ = restart;
    if (restart || rate_ != 1) fill(estimate_, 0.0);  // at rate 1, d is added to the shift in place
  }

  /// d += what the board says. Collective.
  void hear(Fleet& fleet, Board& board) { fleet.fold(board, estimate_); }

  void close() {
    if (!has_shift()) return;
    for (std::size_t j = 0; j < estimate_.size(); ++j) {
      const double d = estimate_[j];
      estimate_[j] = restart_ ? d : shift_[j] + d;
      shift_[j] = restart_ ? d : shift_[j] + rate_ * d;
    }
  }

  [[nodiscard]] View estimate() const { return estimate_; }
  /// What it holds between rounds, to be read or restored.
  std::array<MutView, 2> memory() { return {estimate_, shift_}; }

 private:
  [[nodiscard]] bool has_shift() const { return rate_ != 0 && rate_ != 1; }

  double rate_;
  bool restart_ = false;
  Vector estimate_;
  Vector shift_;
};

}  // namespace laconic
