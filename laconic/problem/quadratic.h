// SPDX-License-Identifier: Apache-2.0
// The synthetic quadratics of 3PC (Richtarik et al., ICML 2022, arXiv 2202.00998, appendix D), drawn exactly
// as the authors' generator draws them: f_i(x) = x'A_i x / 2 - b_i'x with
//   A_i = (nu_i/4) T + (lambda - lambda_min(mean (nu_i/4) T)) I,   T = tridiag(-1, 2, -1),
//   b_i = (nu_i/4) (-1 + beta_i) e_1,   nu_i = 1 + s xi_i,   beta_i = s eta_i,   xi_i, eta_i ~ N(0, 1).
// The mean f is strongly convex with mu = lambda; single f_i may be indefinite when the noise scale s is
// large.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "laconic/core/vec.h"
#include "laconic/problem/problem.h"

namespace laconic {

struct QuadraticOptions {
  std::size_t clients = 1;  // >= 1
  std::size_t d = 1000;     // >= 1
  double s = 0;             // noise scale, >= 0 and finite: heterogeneity of the clients
  double lambda = 1e-6;     // smallest eigenvalue of the mean matrix, > 0 and finite
  std::uint32_t seed = 12345;
};

/// Throws InputError for an option out of its range. A gradient costs one pass over x; rows(shard) = 1. The
/// starting point is (sqrt(d), 0, ..., 0). The constants and f_lower = min f have closed forms (a tridiagonal
/// solve for f_lower); L_i is the largest absolute eigenvalue of A_i.
std::unique_ptr<Problem> make_quadratic(const QuadraticOptions& options);

/// The random stream of the generator above: `count` standard normal numbers, bit for bit those of NumPy's
/// RandomState(seed) (MT19937, two draws a 53-bit double, Marsaglia's polar method, second number of a pair
/// first).
Vector legacy_normals(std::uint32_t seed, std::size_t count);

}  // namespace laconic
