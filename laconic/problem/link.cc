// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/link.h"

#include <cstring>

#include "laconic/core/error.h"
#include "laconic/problem/vector_math.h"

namespace laconic {
namespace {

struct Point {
  Doubles loss, slope;
};

// With t = exp(-|z|) neither branch overflows: 1 - sigma(z) is t / (1 + t) for z > 0 and 1 / (1 + t)
// otherwise.

Point logistic(Doubles margin, Doubles label) {
  const Doubles z = label * margin;
  const Doubles t = exp_of_minus(magnitude(z));
  const Doubles loss = (z > 0.0 ? all(0) : -z) + log1p(t);
  const Doubles slope = -label * ((z > 0.0 ? t : all(1)) / (t + 1.0));
  return {loss, slope};
}

Point nonconvex(Doubles margin, Doubles label) {
  const Doubles z = label * margin;
  const Doubles t = exp_of_minus(magnitude(z));
  const Doubles scale = 1.0 / (t + 1.0);
  const Doubles far = t * scale;
  const Doubles s = z > 0.0 ? far : scale;  // 1 - sigma(z)
  const Doubles sigma = z > 0.0 ? scale : far;
  return {s * s, -2.0 * label * (s * s) * sigma};
}

Point least_squares(Doubles margin, Doubles target) {
  const Doubles residual = margin - target;
  return {0.5 * residual * residual, residual};
}

double sum(Doubles v) { return (v[0] + v[2]) + (v[1] + v[3]); }

template <class PointOf>
LinkSums apply(std::size_t count, const double* target, const float* weight, double* margin, bool classifies,
               PointOf point_of) {
  Doubles value{}, correct{};
  for (std::size_t k = 0; k < count; k += kLanes) {
    const Doubles b = load<Doubles>(target + k);
    const Doubles w = __builtin_convertvector(load<Floats>(weight + k), Doubles);
    const Doubles u = load<Doubles>(margin + k);
    const Point point = point_of(u, b);
    value += w * point.loss;
    correct += b * u > 0.0 ? w : all(0);
    const Doubles coefficient = w * point.slope;
    std::memcpy(margin + k, &coefficient, sizeof coefficient);
  }
  return {sum(value), classifies ? sum(correct) : 0};
}

}  // namespace

double curvature_bound(Loss loss) {
  switch (loss) {
    case Loss::logistic:
      return 0.25;
    case Loss::nonconvex:
      return 0.1540586;  // s^2 (1-s) |4-6s| at s = (30 - sqrt(132)) / 48, rounded up
    case Loss::least_squares:
      return 1;
  }
  check(false, "unknown loss");
  return 0;
}

LinkSums apply_link(Loss loss, std::size_t count, const double* target, const float* weight, double* margin) {
  check(count % kLinkLanes == 0, "apply_link works on whole vectors");
  switch (loss) {
    case Loss::logistic:
      return apply(count, target, weight, margin, true, logistic);
    case Loss::nonconvex:
      return apply(count, target, weight, margin, true, nonconvex);
    case Loss::least_squares:
      return apply(count, target, weight, margin, false, least_squares);
  }
  check(false, "unknown loss");
  return {};
}

}  // namespace laconic
