// SPDX-License-Identifier: Apache-2.0
// The weights of a network's first layer are most of x. They are turned from the doubles of x to numbers of
// the network, and their derivatives back, in parts that stay in the first cache (sparse_panel.h), so that
// neither is stored a second time. For the code between HWY_BEFORE_NAMESPACE() and HWY_AFTER_NAMESPACE() of
// mlp.cc.
#include "laconic/core/lanes.h"
#include "laconic/core/transpose.h"
#include "laconic/problem/sparse_panel.h"

#if defined(LACONIC_PROBLEM_FIRST_LAYER_H) == defined(HWY_TARGET_TOGGLE)  // included once for each target
#ifdef LACONIC_PROBLEM_FIRST_LAYER_H
#undef LACONIC_PROBLEM_FIRST_LAYER_H
#else
#define LACONIC_PROBLEM_FIRST_LAYER_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {

/// The position of a layer's parameters in x.
struct Layer {
  std::size_t inputs, units;
  std::size_t begin;  // of the weights

  [[nodiscard]] std::size_t begin_of_biases() const { return begin + units * inputs; }
  [[nodiscard]] std::size_t end() const { return begin_of_biases() + units; }
};

/// to[0 .. count-1] = from, as Real.
template <class Real>
void convert(const double* from, std::size_t count, Real* to) {
  for (std::size_t k = 0; k < count; ++k) to[k] = static_cast<Real>(from[k]);
}

/// mean (+)= share * sum; the first block overwrites.
template <class Real>
void add_mean(bool first, double share, const Real* sum, std::size_t count, double* mean) {
  if (first) {
    for (std::size_t k = 0; k < count; ++k) mean[k] = share * static_cast<double>(sum[k]);
  } else {
    for (std::size_t k = 0; k < count; ++k) mean[k] += share * static_cast<double>(sum[k]);
  }
}

/// As many numbers at `from` as a row of a square has, rounded to Real.
template <class Real>
[[gnu::always_inline]] inline typename Square<Real>::Vector rounded_row(const double* from) {
  if constexpr (sizeof(Real) == sizeof(double)) {
    return load<typename Square<Real>::Vector>(from);
  } else {
#if HWY_TARGET == HWY_AVX3
    return _mm512_cvtpd_ps(_mm512_loadu_pd(from));
#elif HWY_TARGET == HWY_AVX2
    return _mm256_set_m128(_mm256_cvtpd_ps(_mm256_loadu_pd(from + 4)),
                           _mm256_cvtpd_ps(_mm256_loadu_pd(from)));
#else
    typename Square<Real>::Vector row;
    convert(from, Square<Real>::kSide, reinterpret_cast<float*>(&row));
    return row;
#endif
  }
}

/// add_mean() of a row of a square.
template <class Real>
[[gnu::always_inline]] inline void add_mean_of_row(bool first, double share,
                                                   typename Square<Real>::Vector row, double* mean) {
  const auto put = [&](auto v, double* to) {
    v *= share;
    if (!first) v += load<decltype(v)>(to);
    std::memcpy(to, &v, sizeof(v));
  };
  if constexpr (sizeof(Real) == sizeof(double)) {
    put(row, mean);
  } else {
#if HWY_TARGET == HWY_AVX3
    put(_mm512_cvtps_pd(row), mean);
#elif HWY_TARGET == HWY_AVX2
    put(_mm256_cvtps_pd(_mm256_castps256_ps128(row)), mean);
    put(_mm256_cvtps_pd(_mm256_extractf128_ps(row, 1)), mean + 4);
#else
    add_mean(first, share, reinterpret_cast<const float*>(&row), Square<Real>::kSide, mean);
#endif
  }
}

/// Writes a part of W', W being the weights of the first layer. Lines end with zeros.
template <class Real>
void fill_with_weights(const double* weights, const Layer& layer, const Part<Real>& part) {
  constexpr std::size_t kSide = Square<Real>::kSide;
  const std::size_t units = std::min(part.width, layer.units - part.first);
  const double* const from = weights + part.first * layer.inputs + part.first_column;
  const auto scalar = [&](std::size_t c, std::size_t u) {
    part.lines[c * part.width + u] = u < units ? static_cast<Real>(from[u * layer.inputs + c]) : 0;
  };
  std::size_t c = 0;
  for (; c + kSide <= part.columns; c += kSide) {
    std::size_t u = 0;
    for (; u + kSide <= units; u += kSide) {
      Square<Real> square;
#pragma GCC unroll 8
      for (std::size_t i = 0; i < kSide; ++i)
        square.row[i] = rounded_row<Real>(from + (u + i) * layer.inputs + c);
      transpose(square);
      store_square(square, part.lines + c * part.width + u, part.width);
    }
    for (; u < part.width; ++u)
      for (std::size_t i = 0; i < kSide; ++i) scalar(c + i, u);
  }
  for (; c < part.columns; ++c)
    for (std::size_t u = 0; u < part.width; ++u) scalar(c, u);
}

/// add_mean() of the weights of the first layer, from a part of their transposed derivative.
template <class Real>
void add_mean_of_weights(bool first, double share, const Part<Real>& part, const Layer& layer, double* mean) {
  constexpr std::size_t kSide = Square<Real>::kSide;
  const std::size_t units = std::min(part.width, layer.units - part.first);
  double* const to = mean + part.first * layer.inputs + part.first_column;
  const auto scalar = [&](std::size_t c, std::size_t u) {
    add_mean(first, share, part.lines + c * part.width + u, 1, to + u * layer.inputs + c);
  };
  std::size_t u = 0;
  for (; u + kSide <= units; u += kSide) {
    std::size_t c = 0;
    for (; c + kSide <= part.columns; c += kSide) {
      Square<Real> square = load_square(part.lines + c * part.width + u, part.width);
      transpose(square);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < kSide; ++i)
        add_mean_of_row<Real>(first, share, square.row[i], to + (u + i) * layer.inputs + c);
    }
    for (; c < part.columns; ++c)
      for (std::size_t i = 0; i < kSide; ++i) scalar(c, u + i);
  }
  for (; u < units; ++u)
    for (std::size_t c = 0; c < part.columns; ++c) scalar(c, u);
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
