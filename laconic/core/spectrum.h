// SPDX-License-Identifier: Apache-2.0
// The largest eigenvalue of a symmetric positive semidefinite matrix that is known by its products only: A'A,
// where the product is two passes over data.
#pragma once

#include <cstddef>
#include <functional>

#include "laconic/core/vec.h"

namespace laconic {

/// out = M v, for M symmetric positive semidefinite; both of one length. Overwrites out.
using Product = std::function<void(View v, MutView out)>;

/// lambda_max(M) of an n x n matrix, n >= 1, never below the truth by more than rounding, so that step sizes
/// 1 / L stay valid: what is returned is the best Rayleigh quotient plus the norm of its residual. Above the
/// truth by at most 1e-12 of it, except where Lanczos does not converge (eigenvalues clustered at the top)
/// and n is too large for a dense solver: then by that residual, which is small for a cluster. Deterministic.
/// Throws InputError, of data that M is made of, where M v is not finite.
/// Cost: n products for n <= kDenseSize, else usually 20 to 60.
double largest_eigenvalue(std::size_t n, const Product& product);

constexpr std::size_t kDenseSize = 24;

struct Extremes {
  double least = 0;
  double largest = 0;
};

/// Both ends of the spectrum, each to about n * 1e-16 * largest, by a dense solver: n products and n^3 work.
Extremes extreme_eigenvalues(std::size_t n, const Product& product);

}  // namespace laconic
