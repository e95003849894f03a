// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/method.h"

#include <algorithm>
#include <vector>

namespace laconic {

void evaluate(const Problem& problem, View x, Fleet& fleet, Evaluation& out) {
  const std::size_t clients = problem.shards();
  const double weight = 1.0 / static_cast<double>(clients);
  const std::size_t window = fleet.window(clients, problem.dim());
  Board board(clients);
  std::vector<Vector> gradients;
  out.clear(problem.dim());
  for (std::size_t first = 0; first < clients; first += window) {
    board.clear();
    for (std::size_t i = first; i < std::min(first + window, clients); ++i) {
      board.add({.worker = static_cast<std::uint32_t>(i)}, weight);
    }
    const Range own = fleet.owned(board);
    if (gradients.size() < own.size()) gradients.resize(own.size());
    fleet.for_each(own, [&](std::size_t e) {
      Vector& gradient = gradients[e - own.begin];
      gradient.resize(problem.dim());
      board[e].envelope.measured =
          problem.value_gradient(board[e].key.worker, Rows::everything(), x, gradient);
      board[e].vector = gradient;
    });
    fleet.share(board);
    out.add(fleet, board);
  }
}

}  // namespace laconic
