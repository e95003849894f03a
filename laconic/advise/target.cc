// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/target.h"

#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace laconic {
namespace {

Target of_gradient(double value, std::string words) {
  return {"target", value, std::move(words), "|grad f|^2", [](const Row& row) { return row.grad_norm_sq; }};
}
Target of_gap(double value) {
  return {"target-gap", value, fmt::format("f - f* <= {} of that at the start", value), "f",
          [](const Row& row) { return row.f; }};
}
Target of_accuracy(double value) {
  return {"target-accuracy", value, fmt::format("test accuracy >= {}", value), "test accuracy",
          [](const Row& row) { return 1 - row.test_accuracy.value_or(0); }};
}

void require_not_met(const char* key, double value, bool met, const std::string& there) {
  if (met)
    throw InputError(
        fmt::format("{} = {} is met at the start already, where {}; give a harder one", key, value, there));
}

}  // namespace

double Target::value_of(const Row& row) const {
  return std::string_view(key) == "target-accuracy" ? row.test_accuracy.value_or(0) : distance(row);
}

std::string Target::reached(const Row& row) const {
  return fmt::format("{} = {:.3g}", quantity, value_of(row));
}

Target target_of(const Config& d, double share, const OpenedProblem& opened, Fleet& fleet, ThreadPool& pool) {
  const Problem& problem = opened.objective();
  Vector x(problem.dim());
  problem.start(x);
  Evaluation at_start;
  evaluate(problem, x, fleet, at_start);
  const double start = norm_sq(at_start.gradient);
  if (d.solve.target) {
    require_not_met("target", *d.solve.target, start <= *d.solve.target,
                    fmt::format("|grad f|^2 = {:.3g}", start));
  }
  if (d.target_gap) {
    require_not_met("target-gap", *d.target_gap, at_start.f <= target_f_of(*d.target_gap, opened.facts),
                    fmt::format("f = {:.6g} is f*", at_start.f));
  }
  if (d.solve.target_accuracy) {
    const double accuracy = *problem.test_accuracy(x, pool);
    require_not_met("target-accuracy", *d.solve.target_accuracy, accuracy >= *d.solve.target_accuracy,
                    fmt::format("it is {:.3g}", accuracy));
    return of_accuracy(*d.solve.target_accuracy);
  }
  if (d.target_gap) return of_gap(*d.target_gap);
  if (d.solve.target) return of_gradient(*d.solve.target, fmt::format("|grad f|^2 <= {}", *d.solve.target));
  if (!(start > 0)) throw InputError("no target is given, and the gradient at the start is 0 already");
  if (!std::isfinite(start))
    throw InputError("no target is given, and the gradient at the start is infinite");
  // Three digits, so that a user can pass it as target=.
  const std::string goal = fmt::format("{:.2e}", share * start);
  return of_gradient(std::stod(goal), fmt::format("|grad f|^2 <= {}, {} of that at the start", goal, share));
}

}  // namespace laconic
