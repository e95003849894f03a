// SPDX-License-Identifier: Apache-2.0
// Eigen's products, compiled for the CPU of the machine that builds: Eigen takes the vectors that it is
// compiled for, and the rest of a build is for any CPU.
#pragma once

#include "laconic/core/products.h"

namespace laconic {

/// C = A B. In memory A and B or their transposed matrices, and C, are row after row without gaps.
void multiply_by_eigen(const MatrixView<const float>& a, const MatrixView<const float>& b,
                       const MatrixView<float>& c);
void multiply_by_eigen(const MatrixView<const double>& a, const MatrixView<const double>& b,
                       const MatrixView<double>& c);

/// C -= A
void subtract_by_eigen(const MatrixView<const float>& a, const MatrixView<float>& c);
void subtract_by_eigen(const MatrixView<const double>& a, const MatrixView<double>& c);

}  // namespace laconic
