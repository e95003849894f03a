// SPDX-License-Identifier: Apache-2.0
// The largest eigenvalue of a symmetric positive semidefinite matrix that is given only by products with
// vectors. An example is A'A, where a product is two passes over the data.
#pragma once

#include <cstddef>
#include <functional>

#include "laconic/core/vec.h"

namespace laconic {

/// out = M v, for M symmetric positive semidefinite; v and out have the same length. Overwrites out.
using Product = std::function<void(View v, MutView out)>;

/// lambda_max(M) of an n x n matrix, n >= 1. The result is the best Rayleigh quotient plus the norm of its
/// residual: it is below the true value by rounding at most, so that step sizes 1 / L stay valid. It exceeds
/// the true value by a relative error of at most 1e-12, unless Lanczos does not converge (eigenvalues
/// clustered at the top) and n is too large for a dense solver. The error is then at most that residual,
/// which is small for a cluster. Deterministic. Throws InputError if M v is not finite; the cause is the data
/// of M.
/// Cost: n products for n <= kDenseSize, else usually 20 to 60.
double largest_eigenvalue(std::size_t n, const Product& product);

constexpr std::size_t kDenseSize = 24;

struct Extremes {
  double least = 0;
  double largest = 0;
};

/// The least and the largest eigenvalue, each to about n * 1e-16 * largest, by a dense solver: n products and
/// O(n^3) work.
Extremes extreme_eigenvalues(std::size_t n, const Product& product);

}  // namespace laconic
