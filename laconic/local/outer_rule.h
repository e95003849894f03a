// SPDX-License-Identifier: Apache-2.0
// The server's update rule: its step along a direction. In local methods the direction is the mean movement
// of the clients, mean_m (y_m - x), and the step is eta_s. In star methods it is the estimate of the
// gradient, and the step is -gamma.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "laconic/core/vec.h"

namespace laconic {

class OuterRule {
 public:
  virtual ~OuterRule() = default;

  /// The number of vectors that the rule remembers, and the initial value of all entries of the k-th of them.
  [[nodiscard]] virtual std::size_t memory() const { return 0; }
  [[nodiscard]] virtual double first(std::size_t /*k*/) const { return 0; }

  /// Updates x and the memory. By + * / sqrt only, in a fixed order, so that all ranks compute the same bits.
  virtual void move(double step, View direction, std::span<Vector> memory, MutView x) const = 0;

  /// Whether the objective is f + r with a term r of the rule. complete() then changes f(x) and the gradient
  /// of f at x to f(x) + r(x) and (x - prox_{gamma r}(x - gamma grad f(x))) / gamma.
  [[nodiscard]] virtual bool adds_term() const { return false; }
  virtual void complete(double /*gamma*/, View /*x*/, double& /*f*/, MutView /*gradient*/) const {}
};

/// x += step * direction.
std::unique_ptr<OuterRule> plain_outer();

/// b <- beta b + direction,  x += step * b. 0 <= beta < 1. The direction is not damped: at rest the step is
/// step / (1 - beta).
std::unique_ptr<OuterRule> heavy_ball(double beta);

/// x <- soft(x + step * direction, |step| lambda), where soft moves each entry towards 0 by at most its
/// second argument: the prox of r(x) = lambda |x|_1. lambda >= 0.
std::unique_ptr<OuterRule> prox_l1(double lambda);

/// FedAdam (Reddi, Charles, Zaheer, Garrett, Rush, Konecny, Kumar, McMahan 2021, arXiv 2003.00295, Algorithm
/// 2):
///   m <- b1 m + (1 - b1) direction,  v <- b2 v + (1 - b2) direction^2,  x <- x + step m / (sqrt(v) + tau)
/// with m = 0 and v = tau^2 at the start, without bias correction.
struct ServerAdam {
  double beta1 = 0.9;   // 0 <= beta1 < 1
  double beta2 = 0.99;  // 0 <= beta2 < 1
  double tau = 1e-3;    // > 0
};
std::unique_ptr<OuterRule> server_adam(const ServerAdam& options);

/// Nesterov's momentum, as DiLoCo has it (Douillard et al. 2023, arXiv 2311.08105):
///   b <- mu b + direction,  x <- x + step (direction + mu b)
/// 0 <= mu < 1.
std::unique_ptr<OuterRule> nesterov(double mu);

}  // namespace laconic
