// SPDX-License-Identifier: Apache-2.0
// Four values at a time in g++'s vector types, which g++ compiles for any CPU. Only integer operations and
// separate additions and products of doubles are used, so the results have the same bits on every CPU. For
// .cc files only: functions that take vectors must not be called across files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__AVX__)
#include <immintrin.h>
#endif

// Vectors are never passed across files, so it does not matter that the calling convention differs with AVX.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace laconic {

using Doubles = double __attribute__((vector_size(32)));
using Floats = float __attribute__((vector_size(16)));
using Bits = std::uint64_t __attribute__((vector_size(32)));
using SignedBits = std::int64_t __attribute__((vector_size(32)));

inline constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

template <class Four, class Element>
Four load(const Element* from) {
  Four v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

inline Doubles widened(Floats v) {
#if defined(__AVX__)  // one instruction; g++ 12 compiles the code below to five
  return _mm256_cvtps_pd(v);
#else
  return __builtin_convertvector(v, Doubles);
#endif
}

/// The entry at `from` (as a double), or the four from there on (as Doubles). Floats are widened.
template <class To = Doubles, class Real>
To doubles_at(const Real* from) {
  if constexpr (std::is_same_v<To, double>) {
    return static_cast<double>(*from);
  } else if constexpr (std::is_same_v<Real, float>) {
    return widened(load<Floats>(from));
  } else {
    return load<Doubles>(from);
  }
}

/// Four entries from `to` on; floats are rounded.
inline void store(Doubles v, double* to) { std::memcpy(to, &v, sizeof(v)); }
inline void store(Doubles v, float* to) {
  const Floats rounded = __builtin_convertvector(v, Floats);
  std::memcpy(to, &rounded, sizeof(rounded));
}

inline std::uint64_t any_lane(Bits v) { return (v[0] | v[1]) | (v[2] | v[3]); }

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

}  // namespace laconic
