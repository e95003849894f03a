// SPDX-License-Identifier: Apache-2.0
// The losses of linear models as functions of the margin a'x of one row, and their derivatives, many rows at
// a time.
#pragma once

#include <cstddef>

namespace laconic {

/// l(u; b) of a row with features a, margin u = a'x and target b; z = b u where b is a label, +1 or -1.
enum class Loss {
  logistic,       // log(1 + exp(-z))
  nonconvex,      // (1 - sigma(z))^2, MARINA (arXiv 2102.07845), problem 1
  least_squares,  // (u - b)^2 / 2
};

/// c = sup |l''|, so that l has a c |a|^2 - Lipschitz gradient.
double curvature_bound(Loss loss);

struct LossSums {
  double value = 0;    // sum of weight * loss
  double correct = 0;  // sum of the weights of rows with z > 0; 0 for least squares
};

/// For k < count: overwrites margin[k] by weight[k] * l'(margin[k]; target[k]), and returns the sums of the
/// losses. `count` is a multiple of kLossLanes: pad with rows of weight 0. One pass, vectorised, without
/// libm: exp and log1p are polynomials (vector_math.h) of operations with bits fixed by IEEE 754, so that the
/// result does not depend on the CPU. The relative error of value and derivative is at most 1e-14 for any
/// margin. A NaN margin gives NaN.
LossSums apply_loss(Loss loss, std::size_t count, const double* target, const float* weight, double* margin);

/// For k < count: overwrites change[k] by l''(margin[k]; target[k]) * change[k]. `count` as above. The error
/// of l'' is at most 1e-14 of its size; near the zeros of l'' of the nonconvex loss, at most 1e-14 of the
/// largest |l''|.
void apply_curvature(Loss loss, std::size_t count, const double* target, const double* margin,
                     double* change);

constexpr std::size_t kLossLanes = 8;

}  // namespace laconic
