// SPDX-License-Identifier: Apache-2.0
// Several values at a time in g++'s vector types, for the code between HWY_BEFORE_NAMESPACE() and
// HWY_AFTER_NAMESPACE() of .cc files (targets.h). The width of `Doubles` is part of an algorithm, not of a
// CPU: g++ splits a vector into those that the target has. `MostDoubles` has the width of the target. Operations on integers and separate additions, products and
// fused multiply-adds of floating-point numbers have the same bits on every CPU.
#include "laconic/core/targets.h"  // which includes this file for each target

#if defined(LACONIC_CORE_LANES_H) == defined(HWY_TARGET_TOGGLE)  // included once for each target
#ifdef LACONIC_CORE_LANES_H
#undef LACONIC_CORE_LANES_H
#else
#define LACONIC_CORE_LANES_H
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include <immintrin.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {

/// Four numbers. `a < b` is a mask with all bits of a lane set or none, and `mask ? a : b` selects.
using Doubles = double __attribute__((vector_size(32)));
using Floats = float __attribute__((vector_size(16)));
using Bits = std::uint64_t __attribute__((vector_size(32)));
using SignedBits = std::int64_t __attribute__((vector_size(32)));
inline constexpr std::size_t kLanes = 4;

/// Four numbers, or eight on a target with registers for them. For code whose results do not depend on which.
#if HWY_TARGET == HWY_AVX3
using MostDoubles = double __attribute__((vector_size(64)));
#else
using MostDoubles = Doubles;
#endif

template <class V>
inline constexpr std::size_t kLanesOf = sizeof(V) / sizeof(std::declval<V>()[0]);

/// The integers as wide as the lanes of V.
template <class V>
struct IntegersOf;
template <>
struct IntegersOf<Doubles> {
  using Type = SignedBits;
};
#if HWY_TARGET == HWY_AVX3
template <>
struct IntegersOf<MostDoubles> {
  using Type = std::int64_t __attribute__((vector_size(64)));
};
#endif
template <class V>
using Integers = typename IntegersOf<V>::Type;

/// Bit l: a[l] > b[l].
inline std::uint64_t lanes_above(Integers<MostDoubles> a, Integers<MostDoubles> b) {
#if HWY_TARGET == HWY_AVX3
  return _mm512_cmpgt_epi64_mask(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b));
#elif HWY_TARGET == HWY_AVX2
  return static_cast<std::uint64_t>(_mm256_movemask_pd(reinterpret_cast<__m256d>(a > b)));
#else
  std::uint64_t bits = 0;
  for (std::size_t l = 0; l < kLanesOf<MostDoubles>; ++l) bits |= std::uint64_t{a[l] > b[l]} << l;
  return bits;
#endif
}

inline constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

template <class V, class Element>
inline V load(const Element* from) {
  V v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

template <class V = Doubles>
inline V all(double a) {
  return a - V{};
}

inline Doubles widened(Floats v) {
  // One instruction; g++ 12 compiles the builtin to five.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  return _mm256_cvtps_pd(v);
#else
  return __builtin_convertvector(v, Doubles);
#endif
}

/// The entry at `from` (To: double), or those from there on (Doubles, MostDoubles). Floats are widened.
template <class To = Doubles, class Real>
inline To doubles_at(const Real* from) {
  if constexpr (std::is_same_v<To, double>) {
    return static_cast<double>(*from);
  } else if constexpr (std::is_same_v<Real, double>) {
    return load<To>(from);
  } else if constexpr (std::is_same_v<To, Doubles>) {
    return widened(load<Floats>(from));
  } else {
    const Doubles halves[2] = {doubles_at(from), doubles_at(from + kLanes)};
    return load<To>(halves);
  }
}

/// The entries from `to` on; floats are rounded.
template <class V>
inline void store(V v, double* to) {
  std::memcpy(to, &v, sizeof(v));
}
inline void store(double v, double* to) { *to = v; }
inline void store(Doubles v, float* to) {
  const Floats rounded = __builtin_convertvector(v, Floats);
  std::memcpy(to, &rounded, sizeof(rounded));
}

/// a b + c, rounded once. IEEE 754 fixes its bits, so that the result does not depend on the CPU. A CPU
/// without the instruction computes the same result slowly.
template <class V>
inline V multiply_add(V a, V b, V c) {
  V result;
  for (std::size_t l = 0; l < kLanesOf<V>; ++l) result[l] = __builtin_fma(a[l], b[l], c[l]);
  return result;
}

/// Square roots, rounded as IEEE 754 demands.
inline double square_root(double v) { return std::sqrt(v); }
inline MostDoubles square_root(MostDoubles v) {
#if HWY_TARGET == HWY_AVX3
  return _mm512_sqrt_pd(v);
#elif HWY_TARGET == HWY_AVX2
  return _mm256_sqrt_pd(v);
#else
  for (std::size_t l = 0; l < kLanesOf<MostDoubles>; ++l) v[l] = std::sqrt(v[l]);
  return v;
#endif
}

inline std::uint64_t any_lane(Bits v) { return (v[0] | v[1]) | (v[2] | v[3]); }

/// sum += the lanes of v, four at a time.
template <class V>
inline void add_fours(V v, Doubles& sum) {
  Doubles fours[kLanesOf<V> / kLanes];
  std::memcpy(fours, &v, sizeof(v));
  for (const Doubles& four : fours) sum += four;
}

/// The sum of four lanes, in a fixed order.
inline double sum(Doubles v) { return (v[0] + v[2]) + (v[1] + v[3]); }

/// Sixteen partial sums, which keep two vector units busy, added up in one fixed order.
class RunningSums {
 public:
  /// The partial sums to which the k-th group of four numbers is added.
  Doubles& operator[](std::size_t k) { return fours_[k % 4]; }

  [[nodiscard]] double total() const {
    const Doubles four = (fours_[0] + fours_[1]) + (fours_[2] + fours_[3]);
    return (four[0] + four[1]) + (four[2] + four[3]);
  }

 private:
  Doubles fours_[4]{};
};

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
