// SPDX-License-Identifier: Apache-2.0
// The least value of a convex f, for stop rules and curves on f - f*.
#pragma once

#include "laconic/problem/all_shards.h"
#include "laconic/problem/problem.h"

namespace laconic {

struct Minimum {
  double f_start = 0;  // f(x_0)
  double f_star = 0;
};

/// By Newton's method, each direction from conjugate gradients (Nocedal, Wright 2006, Algorithm 7.1), until its
/// decrement is lost in the rounding of f. Needs Hessian-vector products and a convex f: throws InputError
/// where the problem has none, where it meets a direction of negative curvature, and where 100 directions do
/// not do. Outside every ledger, and noise. Collective. Costs some passes over all data a direction, and at
/// most d + 10 products.
Minimum minimum_of(const Problem& problem, AllShards& all);

}  // namespace laconic
