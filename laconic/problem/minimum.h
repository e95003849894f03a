// SPDX-License-Identifier: Apache-2.0
// The least value of a convex f, or what it comes down to where it has none, for stop rules and curves on f - f*.
#pragma once

#include "laconic/problem/all_shards.h"
#include "laconic/problem/problem.h"

namespace laconic {

struct Minimum {
  double f_start = 0;  // f(x_0)
  double f_star = 0;
};

/// By Newton's method, each direction from conjugate gradients (Nocedal, Wright 2006, Algorithm 7.1), until the
/// decrement is lost in the rounding of f. Throws InputError where f is not known to be convex or has no
/// Hessian-vector products; where 100 directions or 3000 products, each a pass over all data, do not do: f
/// then has no minimum, or one that is too ill-conditioned; and where the result cannot be trusted: a number
/// overflows, or a single coordinate could still lower f by 1e-10 of what was gained. Outside every ledger,
/// and noise. Collective.
Minimum minimum_of(const Problem& problem, AllShards& all);

}  // namespace laconic
