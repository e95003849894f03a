// SPDX-License-Identifier: Apache-2.0
// How long rounds would take on another network than this machine's, in a model: nothing here looks at a real
// clock, so a run has the same modelled time wherever it is computed.
//
// A turn of talking with a server takes as long as the last of its clients needs to
//   hear what the server says:    latency + bits / bandwidth   (where it says something)
//   compute:                      seconds a gradient * gradients, and the delay that a model of stragglers says
//   say its message:              latency + bits / bandwidth
// and at least as long as it takes to tell all clients, who answer or not, and then to wait, by that model,
// for those who are late. Who is late, the time to compute alone decides: transfers come on top. Among
// clients a turn takes the slowest to speak, then the slowest to hear. The turns of a round follow one
// another.
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
  /// Of links and of seconds a single-sample gradient, client i has number i mod their count; without links
  /// messages take no time, without seconds gradients take none. `stragglers`, of so many clients, may be
  /// null. The seed is the run's.
  Clock(std::size_t clients, std::vector<Link> links, std::vector<double> seconds_a_gradient,
        std::shared_ptr<const Stragglers> stragglers, std::uint64_t seed);

  /// The seconds of a round with those turns. Costs O(clients), and O(1) for each time one is in a turn.
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
