// SPDX-License-Identifier: Apache-2.0
// Sums of messages that differ in their signs alone: the server counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "laconic/core/parallel.h"
#include "laconic/core/vec.h"

namespace laconic {

/// How many of the planes of signs (a bit a coordinate, set for -) have a - at each coordinate. The digits of
/// the counts stand in planes too, so that 256 coordinates are counted at a time. Counts are whole numbers:
/// neither the order of the planes nor how they are dealt to calls changes the sum.
class SignCount {
 public:
  /// Whether a message of signs times `term` belongs to this sum: those do that say the same as the first.
  [[nodiscard]] bool takes(double term) {
    if (term == 0) return false;
    if (!term_) term_ = term;
    return term == *term_;
  }

  /// Planes of ceil(dim/8) bytes, of messages that were taken. `dim` is that of the first call.
  void add(std::span<const std::uint8_t* const> planes, std::size_t dim, ThreadPool& pool);

  /// acc += term * (how many say + less how many say -), where anything was added; and starts anew.
  void settle(ThreadPool& pool, MutView acc);

  void clear() {
    term_.reset();
    count_ = 0;
  }

 private:
  std::optional<double> term_;  // of the first
  std::size_t count_ = 0;
  std::vector<std::vector<std::uint8_t>> blocks_;  // of coordinates: their planes of ones, twos, fours, ...
};

}  // namespace laconic
