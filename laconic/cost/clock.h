// SPDX-License-Identifier: Apache-2.0
// A model of the time that rounds would take on another network. It reads no real clock, so a run has the
// same modelled time on every machine.
//
// In a turn, clients exchange messages with a server. It takes as long as its slowest client, which needs
//   to receive the server's message:  latency + bits / bandwidth   (if the server sends one)
//   to compute:                       seconds a gradient * gradients, and the delay of the straggler model
//   to send its message:              latency + bits / bandwidth
// A turn lasts at least until all clients, including those that do not answer, have received the server's
// message; in the first turn of a round the wait of the straggler model for late clients follows. Delays,
// too, occur in the first turn only. Only the compute time decides which clients are late; transfer times are
// added to it. A turn among clients takes the longest time to send, plus the longest time to receive. The
// turns of a round run one after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "laconic/cost/link.h"
#include "laconic/participation/stragglers.h"
#include "laconic/rounds/ledger.h"

namespace laconic {

class Clock {
 public:
  /// Client i uses entry i mod the length of `links`, and of `seconds_a_gradient` (seconds a single-sample
  /// gradient). Without links, messages take no time; without seconds, gradients take no time. `stragglers`
  /// must be for `clients` clients, or null. `seed` is the run's.
  Clock(std::size_t clients, std::vector<Link> links, std::vector<double> seconds_a_gradient,
        std::shared_ptr<const Stragglers> stragglers, std::uint64_t seed);

  /// The modelled seconds of a round with these turns. Costs O(clients) a turn, and O(1) for each entry of a
  /// turn.
  [[nodiscard]] double seconds(std::size_t round, std::span<const Turn> turns) const;

 private:
  [[nodiscard]] double seconds(const Turn& turn, std::span<const double> delays, double wait) const;

  std::size_t clients_;
  std::vector<Link> links_;
  std::vector<double> seconds_a_gradient_;
  std::shared_ptr<const Stragglers> stragglers_;
  std::uint64_t seed_;
};

}  // namespace laconic
