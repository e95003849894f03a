// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/minimum.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

constexpr int kDirections = 100;
constexpr int kProducts = 3000;
constexpr double kRounding = 1e-15;  // of f

class Newton {
 public:
  Newton(const Problem& problem, AllShards& all)
      : problem_(problem), all_(all), x_(problem.dim()), g_(x_.size()), p_(x_.size()) {
    problem_.start(x_);
  }

  Minimum find() {
    const double f_start = value(x_);
    double f = f_start;
    Vector next(x_.size());
    for (int k = 0; k < kDirections; ++k) {
      gradient();
      direct();
      const double slope = dot(g_, p_);  // -2 times what the quadratic model hopes to gain
      if (-slope <= kRounding * (std::abs(f) + f_start - f)) return {f_start, f};
      double step = 1;
      double lower = value_after(step, next);
      while (!(lower <= f + 1e-4 * step * slope) && step > 1e-10) lower = value_after(step /= 2, next);
      if (!(lower < f)) return {f_start, f};  // nothing is left but rounding
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
  }

  void hessian_vector(View v, MutView out) {
    all_.mean(
        problem_.shards(),
        [&](std::size_t i, MutView own) { problem_.hessian_vector(i, Rows::everything(), x_, v, own); }, out);
  }

  /// H p = -g, as exactly as the gradient is small.
  void direct() {
    const double size = std::sqrt(norm_sq(g_));
    const double enough = std::min(0.1, std::sqrt(size)) * size;
    fill(p_, 0.0);
    Vector residual(g_), direction(g_), product(g_.size());
    scale(-1, direction);
    for (std::size_t k = 0; k < 2 * g_.size() + 10; ++k) {
      const double left = norm_sq(residual);
      if (std::sqrt(left) <= enough) return;
      if (products_++ == kProducts) fail();
      hessian_vector(direction, product);
      const double curvature = dot(direction, product);
      if (!(curvature > 0)) return;  // flat, as far as rounding can tell
      const double length = left / curvature;
      axpy(length, direction, p_);
      axpy(length, product, residual);
      const double turn = norm_sq(residual) / left;
      for (std::size_t j = 0; j < direction.size(); ++j) direction[j] = turn * direction[j] - residual[j];
    }
  }

  const Problem& problem_;
  AllShards& all_;
  Vector x_, g_, p_;
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
