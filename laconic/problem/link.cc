// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/link.h"

#include <cstdint>
#include <cstring>

#include "laconic/core/error.h"

namespace laconic {
namespace {

// Compilers do not vectorise a link function that is written for one row (15 ns a row instead of 2 to 3),
// hence GCC's vector types: plain arithmetic on four rows at once, which any CPU can be compiled for. `a <
// b` gives a mask.
using Doubles = double __attribute__((vector_size(32)));
using Integers = std::int64_t __attribute__((vector_size(32)));
using Floats = float __attribute__((vector_size(16)));
constexpr std::size_t kLanes = 4;

template <class Vec, class Scalar>
Vec load(const Scalar* from) {
  Vec v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

Doubles all(double a) { return a - Doubles{}; }

Doubles magnitude(Doubles a) {
  return reinterpret_cast<Doubles>(reinterpret_cast<Integers>(a) & INT64_C(0x7fffffffffffffff));
}

/// c[0] + c[1] v + ... (Horner).
template <std::size_t N>
Doubles polynomial(const double (&c)[N], Doubles v) {
  Doubles p = all(c[N - 1]);
  for (std::size_t k = N - 1; k-- > 0;) p = p * v + c[k];
  return p;
}

/// exp(-a) for a >= 0; 2^-1022 at least, so that nothing here is subnormal.
Doubles exp_of_minus(Doubles a) {
  constexpr double kLog2E = 1.4426950408889634;
  constexpr double kLn2Head = 0x1.62e42fefap-1;  // few enough bits that k * kLn2Head is exact
  constexpr double kLn2Tail = 0x1.cf79abc9e3b3ap-40;
  constexpr double kRound = 0x1.8p52;  // adding it leaves the nearest whole number in the low bits
  // exp on |r| <= ln(2)/2, Chebyshev interpolation, relative error 4e-18.
  static constexpr double kExp[] = {1.0,
                                    1.0,
                                    0.5000000000000019,
                                    0.1666666666666668,
                                    0.04166666666648795,
                                    0.008333333333319589,
                                    0.0013888888952352863,
                                    0.00019841269890076403,
                                    2.4801485441561313e-05,
                                    2.755724088722987e-06,
                                    2.763265472252779e-07,
                                    2.5110049204818658e-08};
  a = a > 708.0 ? all(708.0) : a;  // this way round, so that NaN stays NaN
  const Doubles shifted = a * kLog2E + kRound;
  const Doubles k = shifted - kRound;
  const Doubles r = (k * kLn2Head - a) + k * kLn2Tail;  // -a = -k ln 2 + r
  const Integers exponent =
      1023 - (reinterpret_cast<Integers>(shifted) - reinterpret_cast<Integers>(all(kRound)));
  return polynomial(kExp, r) * reinterpret_cast<Doubles>(exponent << 52);
}

/// log(1 + t) for 0 <= t <= 1, to full relative precision near 0 too: 2 atanh(t / (2 + t)).
Doubles log1p(Doubles t) {
  // 2 atanh(s) / s as a polynomial in s^2 <= 1/9, Chebyshev interpolation, relative error 5e-17.
  static constexpr double kAtanh[] = {2.0,
                                      0.6666666666668257,
                                      0.399999999952876,
                                      0.2857142911165716,
                                      0.22222190861346283,
                                      0.1818285980047391,
                                      0.15363676248891633,
                                      0.13591305485579894,
                                      0.09880789048764786,
                                      0.17780763826113302};
  const Doubles s = t / (t + 2.0);
  return s * polynomial(kAtanh, s * s);
}

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
