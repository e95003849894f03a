// SPDX-License-Identifier: Apache-2.0
// The losses of loss.h at several margins at once (V: Doubles or MostDoubles), for the loops over rows.
#include "laconic/problem/vector_math.h"

#if defined(LACONIC_PROBLEM_LOSS_POINTS_H) == defined(HWY_TARGET_TOGGLE)  // included once for each target
#ifdef LACONIC_PROBLEM_LOSS_POINTS_H
#undef LACONIC_PROBLEM_LOSS_POINTS_H
#else
#define LACONIC_PROBLEM_LOSS_POINTS_H
#endif

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {

/// Loss, first and second derivative at a margin.
template <class V>
struct LossPoint {
  V loss, slope, curvature;
};

// With t = exp(-|z|), 1 - sigma(z) is t / (1 + t) for z > 0 and 1 / (1 + t) otherwise: neither branch
// overflows.

template <class V>
[[gnu::always_inline]] inline LossPoint<V> logistic_point(V margin, V label) {
  const V z = label * margin;
  const V t = exp_of_minus(magnitude(z));
  const V loss = (z > 0.0 ? all<V>(0) : -z) + log1p(t);
  const V slope = -label * ((z > 0.0 ? t : all<V>(1)) / (t + 1.0));
  return {loss, slope, t / ((t + 1.0) * (t + 1.0))};
}

template <class V>
[[gnu::always_inline]] inline LossPoint<V> nonconvex_point(V margin, V label) {
  const V z = label * margin;
  const V t = exp_of_minus(magnitude(z));
  const V scale = 1.0 / (t + 1.0);
  const V far = t * scale;
  const V s = z > 0.0 ? far : scale;  // 1 - sigma(z)
  const V sigma = z > 0.0 ? scale : far;
  return {s * s, -2.0 * label * (s * s) * sigma, s * s * sigma * (4.0 - 6.0 * s)};
}

template <class V>
[[gnu::always_inline]] inline LossPoint<V> least_squares_point(V margin, V target) {
  const V residual = margin - target;
  return {0.5 * residual * residual, residual, all<V>(1)};
}

template <class V>
using LossPointOf = LossPoint<V>(V margin, V target);

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
