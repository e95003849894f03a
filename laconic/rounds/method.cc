// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/method.h"

namespace laconic {

void evaluate(const Problem& problem, View x, Fleet& fleet, Evaluation& out) {
  out.clear(problem.dim());
  const auto gradient = [&](std::size_t i, MutView g) {
    return problem.value_gradient(i, Rows::everything(), x, g);
  };
  fleet.ask_all(problem.shards(), problem.dim(), gradient, [&](Board& board) { out.add(fleet, board); });
}

}  // namespace laconic
