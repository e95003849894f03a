// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/loss.h"

#include "laconic/core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/problem/loss.cc"
#include "laconic/problem/loss_points.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

using V = MostDoubles;
static_assert(kLossLanes % kLanesOf<V> == 0);

template <LossPointOf<V> point_of>
LossSums apply(std::size_t count, const double* target, const float* weight, double* margin,
               bool classifies) {
  Doubles value{}, correct{};
  for (std::size_t k = 0; k < count; k += kLanesOf<V>) {
    const V b = load<V>(target + k);
    const V w = doubles_at<V>(weight + k);
    const V u = load<V>(margin + k);
    const LossPoint<V> point = point_of(u, b);
    add_fours(w * point.loss, value);
    add_fours(b * u > 0.0 ? w : all<V>(0), correct);
    store(w * point.slope, margin + k);
  }
  return {sum(value), classifies ? sum(correct) : 0};
}

template <LossPointOf<V> point_of>
void apply_second(std::size_t count, const double* target, const double* margin, double* change) {
  for (std::size_t k = 0; k < count; k += kLanesOf<V>) {
    const LossPoint<V> point = point_of(load<V>(margin + k), load<V>(target + k));
    store(point.curvature * load<V>(change + k), change + k);
  }
}

}  // namespace

LossSums apply_loss(Loss loss, std::size_t count, const double* target, const float* weight, double* margin) {
  switch (loss) {
    case Loss::logistic:
      return apply<logistic_point<V>>(count, target, weight, margin, true);
    case Loss::nonconvex:
      return apply<nonconvex_point<V>>(count, target, weight, margin, true);
    case Loss::least_squares:
      return apply<least_squares_point<V>>(count, target, weight, margin, false);
  }
  check(false, "unknown loss");
  return {};
}

void apply_curvature(Loss loss, std::size_t count, const double* target, const double* margin,
                     double* change) {
  switch (loss) {
    case Loss::logistic:
      return apply_second<logistic_point<V>>(count, target, margin, change);
    case Loss::nonconvex:
      return apply_second<nonconvex_point<V>>(count, target, margin, change);
    case Loss::least_squares:
      return apply_second<least_squares_point<V>>(count, target, margin, change);
  }
  check(false, "unknown loss");
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

HWY_EXPORT(apply_loss);
HWY_EXPORT(apply_curvature);

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
  check(count % kLossLanes == 0, "apply_loss works on whole vectors");
  return HWY_DYNAMIC_DISPATCH(apply_loss)(loss, count, target, weight, margin);
}

void apply_curvature(Loss loss, std::size_t count, const double* target, const double* margin,
                     double* change) {
  check(count % kLossLanes == 0, "apply_curvature works on whole vectors");
  HWY_DYNAMIC_DISPATCH(apply_curvature)(loss, count, target, margin, change);
}

}  // namespace laconic
#endif
