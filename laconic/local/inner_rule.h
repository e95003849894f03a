// SPDX-License-Identifier: Apache-2.0
// The client's update rule: one local step, given a gradient.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "laconic/core/range.h"
#include "laconic/core/vec.h"

namespace laconic {

/// What becomes of the vectors that a rule remembers when a round ends.
enum class Between {
  kept,      // each client keeps its own
  averaged,  // the clients send them, and the next round starts from their mean
  reset      // the next round starts from 0
};

struct InnerStep {
  std::size_t number = 1;  // t = 1, 2, ... of the client's local steps in the run
  double length = 0;       // gamma
  View scale;              // s > 0 (laconic/local/scaling.h); empty: 1
  View start;              // x, where the client began the round; for rules that uses_start()
};

class InnerRule {
 public:
  virtual ~InnerRule() = default;

  /// The number of vectors that the rule remembers; they are 0 at first. At most one if they are averaged.
  [[nodiscard]] virtual std::size_t memory() const { return 0; }
  [[nodiscard]] virtual Between between_rounds() const { return Between::kept; }
  /// Whether the rule divides its steps by a scale. Others are called without one.
  [[nodiscard]] virtual bool takes_scale() const { return true; }

  /// Whether the rule reads where the round began.
  [[nodiscard]] virtual bool uses_start() const { return false; }

  /// Steps from `from` to `to` by the gradient g, and updates the memory. `to` may be `from`; g may be
  /// changed.
  virtual void step(const InnerStep& step, MutView g, std::span<Vector> memory, View from,
                    MutView to) const = 0;
};

/// to = from - gamma g / s
std::unique_ptr<InnerRule> plain_inner();

/// m <- beta m + (1 - beta) g,  to = from - gamma m / s.  0 < beta < 1; `between` is averaged or reset.
std::unique_ptr<InnerRule> inner_momentum(double beta, Between between);

/// m <- beta m + g,  to = from - gamma m. 0 < beta < 1; m starts each round at 0. After L steps y is x -
/// gamma times a sum of the gradients with weights that add up to heavy_weight(beta, L) = (L - beta (1 -
/// beta^L) / (1 - beta)) / (1 - beta), which is L for beta = 0.
std::unique_ptr<InnerRule> inner_heavy_ball(double beta);
double heavy_weight(double beta, std::size_t steps);

/// to = from - gamma (g + mu (from - x)) / s, where x is the client's point at the start of the round:
/// FedProx (Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith 2018, arXiv 1812.06127). mu >= 0.
std::unique_ptr<InnerRule> proximal_inner(double mu);

/// AdamW: Adam with decoupled weight decay (Loshchilov, Hutter 2019, arXiv 1711.05101, Algorithm 2, no
/// schedule):
///   m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2
///   to = from - gamma ((m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) + decay from)
/// m and v are kept. The rule takes no scale.
struct AdamW {
  double beta1 = 0.9;    // 0 <= beta1 < 1
  double beta2 = 0.999;  // 0 <= beta2 < 1
  double epsilon = 1e-8;
  double decay = 0;  // >= 0
};
std::unique_ptr<InnerRule> adamw(const AdamW& options);

/// The t-th step of AdamW on the coordinates of `range` only, with gamma = length.
void adamw_step(const AdamW& options, double length, std::size_t t, Range range, View g, MutView m, MutView v,
                View from, MutView to);

}  // namespace laconic
