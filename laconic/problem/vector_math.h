// SPDX-License-Identifier: Apache-2.0
// exp, tanh and log1p for four numbers at once, by polynomials. Without libm, as its last bits differ between
// CPUs, and as compilers do not vectorise a function written for one number (15 ns instead of 1 to 3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace laconic {

// GCC's vector types: plain arithmetic on four numbers at once, which compiles for any CPU. `a < b` is a
// mask, and `mask ? a : b` selects elementwise.
using Doubles = double __attribute__((vector_size(32)));
using Integers = std::int64_t __attribute__((vector_size(32)));
using Floats = float __attribute__((vector_size(16)));
constexpr std::size_t kLanes = 4;

template <class Vec, class Scalar>
inline Vec load(const Scalar* from) {
  Vec v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

inline Doubles all(double a) { return a - Doubles{}; }

inline Doubles magnitude(Doubles a) {
  return reinterpret_cast<Doubles>(reinterpret_cast<Integers>(a) & INT64_C(0x7fffffffffffffff));
}

/// a b + c, rounded once, in one instruction instead of two. IEEE 754 fixes its bits, so that the result does
/// not depend on the CPU. A CPU without the instruction computes the same result slowly.
inline Doubles multiply_add(Doubles a, Doubles b, Doubles c) {
  Doubles result;
  for (std::size_t l = 0; l < kLanes; ++l) result[l] = __builtin_fma(a[l], b[l], c[l]);
  return result;
}

/// c[0] + c[1] v + ... by Estrin's scheme: the pairs c[k] + c[k+1] v are independent of each other, and so
/// are the pairs of pairs. Horner's scheme would wait for the latency of each step.
template <std::size_t N>
[[gnu::always_inline]] inline Doubles polynomial(const double (&c)[N], Doubles v) {
  static_assert(N % 4 == 0, "fill up with zeros");
  const Doubles v2 = v * v;
  const Doubles v4 = v2 * v2;
  Doubles p{};
#pragma GCC unroll 8  // g++ 12 would otherwise keep the loop, with its loads and branches
  for (std::size_t k = N; k > 0; k -= 4) {
    const Doubles low = multiply_add(all(c[k - 3]), v, all(c[k - 4]));
    const Doubles high = multiply_add(all(c[k - 1]), v, all(c[k - 2]));
    const Doubles four = multiply_add(high, v2, low);
    p = k == N ? four : multiply_add(p, v4, four);
  }
  return p;
}

/// exp(-a) for a >= 0; 2^-1022 at least, so that nothing here is subnormal.
inline Doubles exp_of_minus(Doubles a) {
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
  a = a > 708.0 ? all(708.0) : a;  // this order of operands keeps NaN
  const Doubles shifted = a * kLog2E + kRound;
  const Doubles k = shifted - kRound;
  const Doubles r = multiply_add(k, all(kLn2Tail), k * kLn2Head - a);  // -a = -k ln 2 + r
  const Integers exponent =
      1023 - (reinterpret_cast<Integers>(shifted) - reinterpret_cast<Integers>(all(kRound)));
  return polynomial(kExp, r) * reinterpret_cast<Doubles>(exponent << 52);
}

/// tanh(a), absolute error at most 3e-16.
inline Doubles tanh(Doubles a) {
  const Doubles t = exp_of_minus(2.0 * magnitude(a));
  const Doubles size = (1.0 - t) / (1.0 + t);
  return a < 0.0 ? -size : size;
}

/// log(1 + t) for 0 <= t <= 1, to full relative precision near 0 too: 2 atanh(t / (2 + t)).
inline Doubles log1p(Doubles t) {
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
                                      0.17780763826113302,
                                      0,
                                      0};
  const Doubles s = t / (t + 2.0);
  return s * polynomial(kAtanh, s * s);
}

/// log(1 + t) for any t >= 0: 1 + t is 2^k (1 + u) with u in [0, 1).
inline Doubles log_of_one_plus(Doubles t) {
  constexpr double kLn2 = 0.69314718055994531;
  const Integers bits = reinterpret_cast<Integers>(t + 1.0);
  const Integers k = (bits >> 52) - 1023;
  const Doubles u =
      reinterpret_cast<Doubles>((bits & INT64_C(0x000fffffffffffff)) | INT64_C(0x3ff0000000000000)) - 1.0;
  const Doubles large = __builtin_convertvector(k, Doubles) * kLn2 + log1p(u);
  return t > 1.0 ? large
                 : log1p(t);  // this order of operands keeps NaN, and loses no precision of small t in 1 + t
}

}  // namespace laconic
