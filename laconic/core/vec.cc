// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/vec.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/core/vec.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

// Sixteen partial sums in four groups of four: enough independent additions to keep two vector units busy.
// They also define the fixed order of the sum.
constexpr std::size_t kSums = 16;

/// lane[l] += the sum of term(j, number) over j = l, l + 16, .. < n. The type of `number` gives how many
/// terms a call returns: double for term j, Doubles for the terms j .. j+3.
template <class Term>
void add_to_lanes(std::size_t n, Term term, double* lane) {
  Doubles fours[kSums / 4];
  std::memcpy(fours, lane, sizeof(fours));
  std::size_t j = 0;
  for (; j + kSums <= n; j += kSums) {
    for (std::size_t k = 0; k < kSums / 4; ++k) fours[k] += term(j + 4 * k, Doubles{});
  }
  std::memcpy(lane, fours, sizeof(fours));
  for (std::size_t l = 0; j < n; ++j, ++l) lane[l] += term(j, double{});
}

double sum_of_lanes(const double* lanes) {
  double lane[kSums];
  std::memcpy(lane, lanes, sizeof(lane));
  for (std::size_t width = kSums / 2; width > 0; width /= 2) {
    for (std::size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
  }
  return lane[0];
}

template <class Term>
double ordered_sum(std::size_t n, Term term) {
  double lane[kSums] = {};
  add_to_lanes(n, term, lane);
  return sum_of_lanes(lane);
}

template <class Real>
double sum_of_squares(std::span<const Real> a) {
  return ordered_sum(a.size(), [&]<class T>(std::size_t j, T) {
    const T v = doubles_at<T>(&a[j]);
    return v * v;
  });
}

template <class Real>
bool are_finite(std::span<const Real> x) {
  // 0 * v is 0 if v is finite and NaN otherwise. A sum vectorises; an early exit would not.
  return ordered_sum(x.size(), [&]<class T>(std::size_t j, T) { return 0.0 * doubles_at<T>(&x[j]); }) == 0.0;
}

}  // namespace

void add_dot_to_lanes(View a, View b, double* lane) {
  const auto product = [&]<class T>(std::size_t j, T) { return load<T>(&a[j]) * load<T>(&b[j]); };
  add_to_lanes(a.size(), product, lane);
}

double dot(View a, View b) {
  double lane[kSums] = {};
  add_dot_to_lanes(a, b, lane);
  return sum_of_lanes(lane);
}

double norm_sq_of_doubles(View a) { return sum_of_squares(a); }
double norm_sq_of_floats(FloatView a) { return sum_of_squares(a); }

double distance_sq(View a, View b) {
  return ordered_sum(a.size(), [&]<class T>(std::size_t j, T) {
    const T difference = load<T>(&a[j]) - load<T>(&b[j]);
    return difference * difference;
  });
}

void axpy(double a, View x, MutView y) {
  for (std::size_t j = 0; j < x.size(); ++j) y[j] += a * x[j];
}

void scale(double a, MutView x) {
  for (double& v : x) v *= a;
}

void subtract(View a, View b, MutView out) {
  for (std::size_t j = 0; j < out.size(); ++j) out[j] = a[j] - b[j];
}

bool doubles_are_finite(View x) { return are_finite(x); }
bool floats_are_finite(FloatView x) { return are_finite(x); }

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {

HWY_EXPORT(add_dot_to_lanes);
HWY_EXPORT(sum_of_lanes);
HWY_EXPORT(dot);
HWY_EXPORT(norm_sq_of_doubles);
HWY_EXPORT(norm_sq_of_floats);
HWY_EXPORT(distance_sq);
HWY_EXPORT(axpy);
HWY_EXPORT(scale);
HWY_EXPORT(subtract);
HWY_EXPORT(doubles_are_finite);
HWY_EXPORT(floats_are_finite);

void DotOfPieces::add(View a, View b) {
  assert(a.size() == b.size());
  HWY_DYNAMIC_DISPATCH(add_dot_to_lanes)(a, b, lane_);
}

double DotOfPieces::total() const { return HWY_DYNAMIC_DISPATCH(sum_of_lanes)(lane_); }

double dot(View a, View b) {
  assert(a.size() == b.size());
  return HWY_DYNAMIC_DISPATCH(dot)(a, b);
}

double norm_sq(View a) { return HWY_DYNAMIC_DISPATCH(norm_sq_of_doubles)(a); }
double norm_sq(FloatView a) { return HWY_DYNAMIC_DISPATCH(norm_sq_of_floats)(a); }

double distance_sq(View a, View b) {
  assert(a.size() == b.size());
  return HWY_DYNAMIC_DISPATCH(distance_sq)(a, b);
}

void axpy(double a, View x, MutView y) {
  assert(x.size() == y.size());
  HWY_DYNAMIC_DISPATCH(axpy)(a, x, y);
}

void scale(double a, MutView x) { HWY_DYNAMIC_DISPATCH(scale)(a, x); }

void subtract(View a, View b, MutView out) {
  assert(a.size() == b.size() && a.size() == out.size());
  HWY_DYNAMIC_DISPATCH(subtract)(a, b, out);
}

void copy(View from, MutView to) {
  assert(from.size() == to.size());
  std::copy(from.begin(), from.end(), to.begin());
}

void fill(MutView x, double value) { std::fill(x.begin(), x.end(), value); }

bool all_finite(View x) { return HWY_DYNAMIC_DISPATCH(doubles_are_finite)(x); }
bool all_finite(FloatView x) { return HWY_DYNAMIC_DISPATCH(floats_are_finite)(x); }

}  // namespace laconic
#endif
