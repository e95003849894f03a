// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/method.h"

#include <cmath>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {

void evaluate(const Problem& problem, View x, Fleet& fleet, Evaluation& out) {
  out.clear(problem.dim());
  const auto gradient = [&](std::size_t i, MutView g) {
    return problem.value_gradient(i, Rows::everything(), x, g);
  };
  fleet.ask_all(problem.shards(), problem.dim(), gradient, [&](Board& board) { out.add(fleet, board); });
}

Vector start_of(const Problem& problem) {
  Vector x(problem.dim());
  problem.start(x);
  return x;
}

void require_problem(const Problem& problem, const Oracle* oracle) {
  check(problem.dim() >= 1 && problem.shards() >= 1, "a problem needs dim() >= 1 and shards() >= 1");
  check(oracle != nullptr, "a method needs an oracle");
  check(oracle->problem() == nullptr || oracle->problem() == &problem,
        "the oracle looks at another problem than the method's");
}

void require_step(double step) {
  if (!(step > 0) || std::isinf(step)) throw InputError(fmt::format("step = {}; need 0 < step < inf", step));
}

void require_outer_step(double step) {
  if (!(step >= 0) || std::isinf(step))
    throw InputError(fmt::format("outer_step = {}; need 0 <= outer_step < inf", step));
}

}  // namespace laconic
