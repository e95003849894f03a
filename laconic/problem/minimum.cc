// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/minimum.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

constexpr int kDirections = 100;
constexpr int kProducts = 3000;
constexpr double kRounding = 1e-15;  // of f
constexpr double kUnsure = 1e-10;    // relative to f: a result that may have a larger error is refused
constexpr double kSmall = 1e-3;      // relative to the largest derivative by this coordinate so far
constexpr std::size_t kLooks = 64;   // number of coordinates checked one by one, about

class Newton {
 public:
  Newton(const Problem& problem, AllShards& all)
      : problem_(problem), all_(all), x_(problem.dim()), g_(x_.size()), p_(x_.size()), most_(x_.size()) {
    problem_.start(x_);
  }

  Minimum find() {
    const double f_start = value(x_);
    if (!std::isfinite(f_start)) refuse("f at the start is not finite");
    double f = f_start;
    Vector next(x_.size());
    for (int k = 0; k < kDirections; ++k) {
      gradient();
      const bool solved = direct();
      const double slope = dot(g_, p_);  // -2 times the decrease predicted by the quadratic model
      if (!std::isfinite(slope)) refuse("a direction of descent is not finite");
      const double scale = std::abs(f) + f_start - f;
      if (-slope <= kRounding * scale) {
        // Without curvature there is no quadratic model. But a loss that has reached 0 cannot decrease
        // further.
        if (!solved && std::abs(f) > kRounding * (f_start - f)) refuse("its curvature is lost in rounding");
        require_stationary(scale);
        return {f_start, f};
      }
      double step = 1;
      double lower = value_after(step, next);
      while (!(lower <= f + 1e-4 * step * slope) && step > 1e-10) lower = value_after(step /= 2, next);
      if (!(lower < f)) {  // any further decrease is below rounding
        if (-slope > kUnsure * scale) refuse("f does not fall where its derivatives say that it does");
        require_stationary(scale);
        return {f_start, f};
      }
      x_.swap(next);
      f = lower;
    }
    fail();
  }

 private:
  [[noreturn]] static void fail() {
    throw InputError(
        fmt::format("target-gap: no minimum is found in {} directions and {} products; there may be none "
                    "(add lambda=), or "
                    "it is too ill-conditioned",
                    kDirections, kProducts));
  }

  [[noreturn]] static void refuse(const std::string& why) {
    throw InputError(fmt::format(
        "target-gap: the minimum of f cannot be trusted: {}; scale the columns of the data", why));
  }

  /// Conjugate gradients stop by the norm of the gradient. If columns have very different scales, rounding
  /// errors in a large column hide small coordinates that have not moved at all. The derivatives by these are
  /// then as large as at the start.
  void require_stationary(double scale) {
    std::vector<std::size_t> suspects;
    for (std::size_t j = 0; j < g_.size(); ++j) {
      if (std::abs(g_[j]) > kSmall * most_[j]) suspects.push_back(j);
    }
    const std::size_t stride = suspects.size() / kLooks + 1;
    Vector unit(g_.size()), image(g_.size());
    for (std::size_t s = 0; s < suspects.size(); s += stride) {
      const std::size_t j = suspects[s];
      unit[j] = 1;
      hessian_vector(unit, image);
      unit[j] = 0;
      const double gain = g_[j] * (g_[j] / image[j]) / 2;  // by the quadratic model, along this coordinate
      if (!(gain <= kUnsure * scale))
        refuse(fmt::format("the derivative by x[{}] is still {:.3g}", j, g_[j]));
    }
  }

  /// f(next), next = x + step p.
  double value_after(double step, Vector& next) {
    copy(x_, next);
    axpy(step, p_, next);
    return value(next);
  }

  double value(View x) {
    const Vector values = all_.numbers(problem_.shards(), [&](std::size_t i) {
      thread_local Vector g;
      g.resize(x.size());
      return problem_.value_gradient(i, Rows::everything(), x, g).value;
    });
    double sum = 0;
    for (const double each : values) sum += each;
    return sum / static_cast<double>(values.size());
  }

  void gradient() {
    all_.mean(
        problem_.shards(),
        [&](std::size_t i, MutView g) { problem_.value_gradient(i, Rows::everything(), x_, g); }, g_);
    if (!all_finite(g_)) refuse("its gradient is not finite");
    for (std::size_t j = 0; j < g_.size(); ++j) most_[j] = std::max(most_[j], std::abs(g_[j]));
  }

  void hessian_vector(View v, MutView out) {
    all_.mean(
        problem_.shards(),
        [&](std::size_t i, MutView own) { problem_.hessian_vector(i, Rows::everything(), x_, v, own); }, out);
  }

  /// Solves H p = -g, to a tolerance that decreases with the gradient. Returns whether the residual is at
  /// most half of g. Works on g / 2^e, with entries below 2, so that their squares neither overflow nor
  /// underflow.
  bool direct() {
    const double size = std::sqrt(norm_sq(g_));
    fill(p_, 0.0);
    double largest = 0;
    for (const double each : g_) largest = std::max(largest, std::abs(each));
    if (largest == 0) return true;
    const int e = std::ilogb(largest);
    Vector residual(g_), direction(g_.size()), product(g_.size());
    for (double& each : residual) each = std::ldexp(each, -e);
    for (std::size_t j = 0; j < direction.size(); ++j) direction[j] = -residual[j];
    double left = norm_sq(residual);
    const double start = std::sqrt(left);
    const double enough = std::clamp(std::sqrt(size), 1e-10, 0.1) * start;
    for (std::size_t k = 0; k < 2 * g_.size() + 10 && std::sqrt(left) > enough; ++k) {
      if (products_++ == kProducts) fail();
      hessian_vector(direction, product);
      const double curvature = dot(direction, product);
      if (!std::isfinite(curvature)) refuse("its curvature is not finite");
      if (!(curvature > 0)) break;  // flat, as far as rounding can tell
      const double length = left / curvature;
      axpy(length, direction, p_);
      axpy(length, product, residual);
      const double before = left;
      left = norm_sq(residual);
      const double turn = left / before;
      for (std::size_t j = 0; j < direction.size(); ++j) direction[j] = turn * direction[j] - residual[j];
    }
    for (double& each : p_) each = std::ldexp(each, e);
    return std::sqrt(left) <= start / 2;
  }

  const Problem& problem_;
  AllShards& all_;
  Vector x_, g_, p_;
  Vector most_;  // by coordinate, the largest absolute derivative so far
  int products_ = 0;
};

}  // namespace

Minimum minimum_of(const Problem& problem, AllShards& all) {
  if (!problem.is_convex())
    throw InputError("target-gap: needs a convex problem; this one is not, or not known to be");
  if (!problem.has_curvature())
    throw InputError("target-gap: needs Hessian-vector products, which this problem does not have");
  return Newton(problem, all).find();
}

}  // namespace laconic
