// SPDX-License-Identifier: Apache-2.0
// The widest vectors of a target, for code between HWY_BEFORE_NAMESPACE() and HWY_AFTER_NAMESPACE() of .cc
// files (targets.h) with results that do not depend on the width of vectors: no sum goes across lanes.
#include "laconic/core/targets.h"  // which includes this file for each target

#if defined(LACONIC_CORE_WIDEST_H) == defined(HWY_TARGET_TOGGLE)  // included once for each target
#ifdef LACONIC_CORE_WIDEST_H
#undef LACONIC_CORE_WIDEST_H
#else
#define LACONIC_CORE_WIDEST_H
#endif

#include <cstddef>
#include <cstring>
#include <vector>

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include <immintrin.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3
inline constexpr std::size_t kWidestBytes = 64;
inline constexpr std::size_t kRegisters = 32;
#elif HWY_TARGET == HWY_AVX2
inline constexpr std::size_t kWidestBytes = 32;
inline constexpr std::size_t kRegisters = 16;
#else
inline constexpr std::size_t kWidestBytes = 16;
inline constexpr std::size_t kRegisters = 16;
#endif

template <class Real>
struct WidestOf;
template <>
struct WidestOf<float> {
  using Type = float __attribute__((vector_size(kWidestBytes)));
};
template <>
struct WidestOf<double> {
  using Type = double __attribute__((vector_size(kWidestBytes)));
};
template <class Real>
using Widest = typename WidestOf<Real>::Type;
template <class Real>
inline constexpr std::size_t kWidestLanes = kWidestBytes / sizeof(Real);

template <class Real>
Widest<Real> load_widest(const Real* from) {
  Widest<Real> v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

template <class Real>
void store_widest(Widest<Real> v, Real* to) {
  std::memcpy(to, &v, sizeof(v));
}

/// `count` numbers at an address at which no vector crosses a line of the cache.
template <class Real>
class AlignedNumbers {
 public:
  explicit AlignedNumbers(std::size_t count)
      : lines_((count * sizeof(Real) + sizeof(Line) - 1) / sizeof(Line)) {}
  Real* data() { return lines_.data()->numbers; }

 private:
  struct alignas(64) Line {
    Real numbers[64 / sizeof(Real)];
  };
  std::vector<Line> lines_;
};

/// a b + c, rounded once; on a baseline without the instruction twice.
inline Widest<float> fused(Widest<float> a, Widest<float> b, Widest<float> c) {
#if HWY_TARGET == HWY_AVX3
  return _mm512_fmadd_ps(a, b, c);
#elif HWY_TARGET == HWY_AVX2
  return _mm256_fmadd_ps(a, b, c);
#else
  return a * b + c;
#endif
}
inline Widest<double> fused(Widest<double> a, Widest<double> b, Widest<double> c) {
#if HWY_TARGET == HWY_AVX3
  return _mm512_fmadd_pd(a, b, c);
#elif HWY_TARGET == HWY_AVX2
  return _mm256_fmadd_pd(a, b, c);
#else
  return a * b + c;
#endif
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
