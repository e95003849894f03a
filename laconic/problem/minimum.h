// SPDX-License-Identifier: Apache-2.0
// The minimum of a convex f, or its infimum where f has no minimum, for stop rules and curves of f - f*.
#pragma once

#include "laconic/problem/all_shards.h"
#include "laconic/problem/problem.h"

namespace laconic {

struct Minimum {
  double f_start = 0;  // f(x_0)
  double f_star = 0;
};

/// Newton's method with directions by conjugate gradients (Nocedal, Wright 2006, Algorithm 7.1), until the
/// decrement is below the rounding error of f. Throws InputError where f is not known to be convex or has no
/// Hessian-vector products. Throws InputError if 100 directions or 3000 products (each a pass over all data)
/// are not enough: f then has no minimum, or is too ill-conditioned. Throws InputError if the result is not
/// reliable: a number overflows, or a change of one coordinate could still lower f by 1e-10 of |f| plus the
/// decrease so far. Counts in no ledger and uses no noise. Collective.
Minimum minimum_of(const Problem& problem, AllShards& all);

}  // namespace laconic
