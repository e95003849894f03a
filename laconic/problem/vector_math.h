// SPDX-License-Identifier: Apache-2.0
// exp, tanh and log1p for several numbers at once (V: Doubles or MostDoubles), by polynomials. Without libm,
// as its last bits differ between CPUs, and as compilers do not vectorise a function written for one number
// (15 ns instead of 1 to 3). Each lane has the same bits in both widths and on every CPU.
#include "laconic/core/lanes.h"

#if defined(LACONIC_PROBLEM_VECTOR_MATH_H) == defined(HWY_TARGET_TOGGLE)  // included once for each target
#ifdef LACONIC_PROBLEM_VECTOR_MATH_H
#undef LACONIC_PROBLEM_VECTOR_MATH_H
#else
#define LACONIC_PROBLEM_VECTOR_MATH_H
#endif

#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {

template <class V>
inline V magnitude(V a) {
  return reinterpret_cast<V>(reinterpret_cast<Integers<V>>(a) & INT64_C(0x7fffffffffffffff));
}

/// c[0] + c[1] v + ... by Estrin's scheme: the pairs c[k] + c[k+1] v are independent of each other, and so
/// are the pairs of pairs. Horner's scheme would wait for the latency of each step.
template <std::size_t N, class V>
[[gnu::always_inline]] inline V polynomial(const double (&c)[N], V v) {
  static_assert(N % 2 == 0, "fill up with a zero");
  constexpr std::size_t kFours = N / 4 * 4;
  const V v2 = v * v;
  const V v4 = v2 * v2;
  const auto pair = [&](std::size_t k) { return multiply_add(all<V>(c[k + 1]), v, all<V>(c[k])); };
  V p{};
  if constexpr (kFours < N) p = pair(kFours);
#pragma GCC unroll 8  // g++ 12 would otherwise keep the loop, with its loads and branches
  for (std::size_t k = kFours; k > 0; k -= 4) {
    const V four = multiply_add(pair(k - 2), v2, pair(k - 4));
    p = k == N ? four : multiply_add(p, v4, four);
  }
  return p;
}

/// exp(-a) for a >= 0; 2^-1022 at least, so that nothing here is subnormal.
template <class V>
inline V exp_of_minus(V a) {
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
  a = a > 708.0 ? all<V>(708.0) : a;  // this order of operands keeps NaN
  const V shifted = a * kLog2E + kRound;
  const V k = shifted - kRound;
  const V r = multiply_add(k, all<V>(kLn2Tail), k * kLn2Head - a);  // -a = -k ln 2 + r
  const Integers<V> exponent =
      1023 - (reinterpret_cast<Integers<V>>(shifted) - reinterpret_cast<Integers<V>>(all<V>(kRound)));
  return polynomial(kExp, r) * reinterpret_cast<V>(exponent << 52);
}

/// tanh(a), absolute error at most 3e-16.
template <class V>
inline V tanh(V a) {
  const V t = exp_of_minus(2.0 * magnitude(a));
  const V size = (1.0 - t) / (1.0 + t);
  return a < 0.0 ? -size : size;
}

/// log(1 + t) for 0 <= t <= 1, to full relative precision near 0 too: 2 atanh(t / (2 + t)).
template <class V>
inline V log1p(V t) {
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
  const V s = t / (t + 2.0);
  return s * polynomial(kAtanh, s * s);
}

/// log(1 + t) for any t >= 0: 1 + t is 2^k (1 + u) with u in [0, 1).
template <class V>
inline V log_of_one_plus(V t) {
  constexpr double kLn2 = 0.69314718055994531;
  const Integers<V> bits = reinterpret_cast<Integers<V>>(t + 1.0);
  const Integers<V> k = (bits >> 52) - 1023;
  const V u = reinterpret_cast<V>((bits & INT64_C(0x000fffffffffffff)) | INT64_C(0x3ff0000000000000)) - 1.0;
  const V large = __builtin_convertvector(k, V) * kLn2 + log1p(u);
  const V small = log1p(t);
  return t > 1.0 ? large : small;  // keeps NaN, and loses no precision of small t in 1 + t
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
