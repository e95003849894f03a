// SPDX-License-Identifier: Apache-2.0
// Small squares of numbers, transposed in registers, for code between HWY_BEFORE_NAMESPACE() and
// HWY_AFTER_NAMESPACE() of .cc files (targets.h).
#include "laconic/core/widest.h"

#if defined(LACONIC_CORE_TRANSPOSE_H) == defined(HWY_TARGET_TOGGLE)  // included once for each target
#ifdef LACONIC_CORE_TRANSPOSE_H
#undef LACONIC_CORE_TRANSPOSE_H
#else
#define LACONIC_CORE_TRANSPOSE_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {

inline constexpr std::size_t kSquareBytes = std::min<std::size_t>(32, kWidestBytes);

/// As many vectors as each has lanes.
template <class Real>
struct Square;
template <>
struct Square<float> {
  using Vector = float __attribute__((vector_size(kSquareBytes)));
  static constexpr std::size_t kSide = kSquareBytes / sizeof(float);
  Vector row[kSide];
};
template <>
struct Square<double> {
  using Vector = double __attribute__((vector_size(kSquareBytes)));
  static constexpr std::size_t kSide = kSquareBytes / sizeof(double);
  Vector row[kSide];
};

/// The square at `from`; its rows are `step` apart.
template <class Real>
[[gnu::always_inline]] inline Square<Real> load_square(const Real* from, std::size_t step) {
  Square<Real> square;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < square.kSide; ++i) std::memcpy(&square.row[i], from + i * step, kSquareBytes);
  return square;
}

template <class Real>
[[gnu::always_inline]] inline void store_square(const Square<Real>& square, Real* to, std::size_t step) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < square.kSide; ++i) std::memcpy(to + i * step, &square.row[i], kSquareBytes);
}

/// Exchanges the blocks off the diagonal of [above; below]; its columns go in blocks of Half.
template <std::size_t Half, class Row, std::size_t... J>
[[gnu::always_inline]] inline void exchange(Row& above, Row& below, std::index_sequence<J...> /*columns*/) {
  constexpr std::size_t kSide = sizeof...(J);
  const Row a = above, b = below;
  above = __builtin_shufflevector(a, b, ((J & Half) == 0 ? J : kSide + J - Half)...);
  below = __builtin_shufflevector(a, b, ((J & Half) == 0 ? J + Half : kSide + J)...);
}

/// Transposes in registers: the two blocks off the diagonal change places, in the whole square, then in each
/// of its quarters, and so on.
template <class Real, std::size_t Half = Square<Real>::kSide / 2>
[[gnu::always_inline]] inline void transpose(Square<Real>& square) {
  constexpr std::size_t kSide = Square<Real>::kSide;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kSide; ++i)
    if ((i & Half) == 0)
      exchange<Half>(square.row[i], square.row[i + Half], std::make_index_sequence<kSide>());
  if constexpr (Half > 1) transpose<Real, Half / 2>(square);
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
