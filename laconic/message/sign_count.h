// SPDX-License-Identifier: Apache-2.0
// Sums of messages that differ only in their signs, computed by counting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "laconic/core/parallel.h"
#include "laconic/core/vec.h"

namespace laconic {

/// For each coordinate, the number of sign planes (one bit per coordinate, set for -) that have a - there.
/// The binary digits of the counts are stored in planes too, so that many coordinates are counted at a time.
/// The counts are integers, so the sum depends neither on the order of the planes nor on their division into
/// calls.
class SignCount {
 public:
  /// Whether a message of signs times `term` can join this sum: `term` must not be 0 and must equal the first
  /// one.
  [[nodiscard]] bool takes(double term) {
    if (term == 0) return false;
    if (!term_) term_ = term;
    return term == *term_;
  }

  /// Adds planes of ceil(dim/8) bytes, from messages that takes() accepted. `dim` must be the same in all
  /// calls.
  void add(std::span<const std::uint8_t* const> planes, std::size_t dim, ThreadPool& pool);

  /// acc += term * (number of + minus number of -) at each coordinate, if planes were added. Then clears the
  /// counts.
  void settle(ThreadPool& pool, MutView acc);

  void clear() {
    term_.reset();
    count_ = 0;
  }

 private:
  std::optional<double> term_;  // of the first message accepted
  std::size_t count_ = 0;
  // one per block of coordinates: its planes of ones, twos, fours, ...
  std::vector<std::vector<std::uint8_t>> blocks_;
};

}  // namespace laconic
