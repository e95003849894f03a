// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/loss.h"

#include <cstring>

#include "laconic/core/error.h"
#include "laconic/problem/loss_points.h"

namespace laconic {
namespace {

double sum(Doubles v) { return (v[0] + v[2]) + (v[1] + v[3]); }

template <LossPointOf point_of>
LossSums apply(std::size_t count, const double* target, const float* weight, double* margin,
               bool classifies) {
  Doubles value{}, correct{};
  for (std::size_t k = 0; k < count; k += kLanes) {
    const Doubles b = load<Doubles>(target + k);
    const Doubles w = __builtin_convertvector(load<Floats>(weight + k), Doubles);
    const Doubles u = load<Doubles>(margin + k);
    const LossPoint point = point_of(u, b);
    value += w * point.loss;
    correct += b * u > 0.0 ? w : all(0);
    const Doubles coefficient = w * point.slope;
    std::memcpy(margin + k, &coefficient, sizeof coefficient);
  }
  return {sum(value), classifies ? sum(correct) : 0};
}

template <LossPointOf point_of>
void apply_second(std::size_t count, const double* target, const double* margin, double* change) {
  for (std::size_t k = 0; k < count; k += kLanes) {
    const LossPoint point = point_of(load<Doubles>(margin + k), load<Doubles>(target + k));
    const Doubles changed = point.curvature * load<Doubles>(change + k);
    std::memcpy(change + k, &changed, sizeof changed);
  }
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

LossSums apply_loss(Loss loss, std::size_t count, const double* target, const float* weight, double* margin) {
  check(count % kLossLanes == 0, "apply_link works on whole vectors");
  switch (loss) {
    case Loss::logistic:
      return apply<logistic_point>(count, target, weight, margin, true);
    case Loss::nonconvex:
      return apply<nonconvex_point>(count, target, weight, margin, true);
    case Loss::least_squares:
      return apply<least_squares_point>(count, target, weight, margin, false);
  }
  check(false, "unknown loss");
  return {};
}

void apply_curvature(Loss loss, std::size_t count, const double* target, const double* margin,
                     double* change) {
  check(count % kLossLanes == 0, "apply_curvature works on whole vectors");
  switch (loss) {
    case Loss::logistic:
      return apply_second<logistic_point>(count, target, margin, change);
    case Loss::nonconvex:
      return apply_second<nonconvex_point>(count, target, margin, change);
    case Loss::least_squares:
      return apply_second<least_squares_point>(count, target, margin, change);
  }
  check(false, "unknown loss");
}

}  // namespace laconic
