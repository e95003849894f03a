// SPDX-License-Identifier: Apache-2.0
// The server's update rule, given the mean movement of its clients, moved = mean_m (y_m - x).
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

  /// Updates x and the memory. Elementwise, by + * / sqrt only, so that all ranks compute the same bits.
  virtual void move(double step, View moved, std::span<Vector> memory, MutView x) const = 0;
};

/// x += eta_s moved.
std::unique_ptr<OuterRule> plain_outer();

/// FedAdam (Reddi, Charles, Zaheer, Garrett, Rush, Konecny, Kumar, McMahan 2021, arXiv 2003.00295, Algorithm
/// 2):
///   m <- b1 m + (1 - b1) moved,  v <- b2 v + (1 - b2) moved^2,  x <- x + eta_s m / (sqrt(v) + tau)
/// with m = 0 and v = tau^2 at the start, without bias correction.
struct ServerAdam {
  double beta1 = 0.9;   // 0 <= beta1 < 1
  double beta2 = 0.99;  // 0 <= beta2 < 1
  double tau = 1e-3;    // > 0
};
std::unique_ptr<OuterRule> server_adam(const ServerAdam& options);

/// Nesterov's momentum, as DiLoCo has it (Douillard et al. 2023, arXiv 2311.08105):
///   b <- mu b + moved,  x <- x + eta_s (moved + mu b)
/// 0 <= mu < 1.
std::unique_ptr<OuterRule> nesterov(double mu);

}  // namespace laconic
