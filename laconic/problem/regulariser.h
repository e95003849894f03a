// SPDX-License-Identifier: Apache-2.0
// The term that is added to every f_i and depends on x alone.
#pragma once

#include "laconic/core/vec.h"

namespace laconic {

struct Regulariser {
  enum class Kind {
    l2,         // (lambda/2) |x|^2
    nonconvex,  // lambda sum_k x_k^2 / (1 + x_k^2)
  };

  Kind kind = Kind::l2;
  double lambda = 0;  // >= 0 and finite

  /// g += its gradient at x; returns its value. One pass; none when lambda = 0.
  double add_gradient(View x, MutView g) const;

  /// out += its Hessian at x times v, which is diagonal. One pass; none when lambda = 0.
  void add_hessian_vector(View x, View v, MutView out) const;

  /// The largest second derivative: lambda, or 2 lambda (at x_k = 0) of the nonconvex one.
  [[nodiscard]] double curvature() const { return kind == Kind::l2 ? lambda : 2 * lambda; }
  /// Problem::ridge().
  [[nodiscard]] double ridge() const { return kind == Kind::l2 ? lambda : 0; }
  [[nodiscard]] bool is_convex() const { return kind == Kind::l2 || lambda == 0; }
};

}  // namespace laconic
