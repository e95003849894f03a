// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/method.h"

#include <algorithm>
#include <vector>

namespace laconic {

void evaluate(const Problem& problem, View x, Fleet& fleet, Evaluation& out) {
  struct Slot {
    Measured measured;
    Vector gradient;
  };
  const std::size_t clients = problem.shards();
  const std::size_t window = fleet.window(clients, problem.dim());
  std::vector<Slot> slots(std::min(window, clients));
  out.clear(problem.dim());
  for (std::size_t first = 0; first < clients; first += window) {
    const std::size_t last = std::min(first + window, clients);
    fleet.for_each(first, last, [&](std::size_t i) {
      Slot& slot = slots[i - first];
      slot.gradient.resize(problem.dim());
      slot.measured = problem.value_gradient(i, Rows::everything(), x, slot.gradient);
    });
    for (std::size_t i = first; i < last; ++i)
      out.add(slots[i - first].measured, slots[i - first].gradient, clients);
  }
}

}  // namespace laconic
