// SPDX-License-Identifier: Apache-2.0
// The losses of loss.h at four margins at once, for the loops over rows.
#pragma once

#include "laconic/problem/vector_math.h"

namespace laconic {

/// Loss, first and second derivative at a margin.
struct LossPoint {
  Doubles loss, slope, curvature;
};

// With t = exp(-|z|), 1 - sigma(z) is t / (1 + t) for z > 0 and 1 / (1 + t) otherwise: neither branch
// overflows.

[[gnu::always_inline]] inline LossPoint logistic_point(Doubles margin, Doubles label) {
  const Doubles z = label * margin;
  const Doubles t = exp_of_minus(magnitude(z));
  const Doubles loss = (z > 0.0 ? all(0) : -z) + log1p(t);
  const Doubles slope = -label * ((z > 0.0 ? t : all(1)) / (t + 1.0));
  return {loss, slope, t / ((t + 1.0) * (t + 1.0))};
}

[[gnu::always_inline]] inline LossPoint nonconvex_point(Doubles margin, Doubles label) {
  const Doubles z = label * margin;
  const Doubles t = exp_of_minus(magnitude(z));
  const Doubles scale = 1.0 / (t + 1.0);
  const Doubles far = t * scale;
  const Doubles s = z > 0.0 ? far : scale;  // 1 - sigma(z)
  const Doubles sigma = z > 0.0 ? scale : far;
  return {s * s, -2.0 * label * (s * s) * sigma, s * s * sigma * (4.0 - 6.0 * s)};
}

[[gnu::always_inline]] inline LossPoint least_squares_point(Doubles margin, Doubles target) {
  const Doubles residual = margin - target;
  return {0.5 * residual * residual, residual, all(1)};
}

using LossPointOf = LossPoint(Doubles margin, Doubles target);

}  // namespace laconic
