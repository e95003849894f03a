// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/vec.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>

#include "laconic/core/lanes.h"

namespace laconic {
namespace {

// Sixteen partial sums in four groups of four: enough independent additions to keep two vector units busy.
// They also define the fixed order of the sum.
constexpr std::size_t kLanes = 16;

/// lane[l] += the sum of term(j, number) over j = l, l + 16, .. < n. The type of `number` gives how many
/// terms a call returns: double for term j, Doubles for the terms j .. j+3.
template <class Term>
void add_to_lanes(std::size_t n, Term term, double* lane) {
  Doubles fours[kLanes / 4];
  std::memcpy(fours, lane, sizeof(fours));
  std::size_t j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    for (std::size_t k = 0; k < kLanes / 4; ++k) fours[k] += term(j + 4 * k, Doubles{});
  }
  std::memcpy(lane, fours, sizeof(fours));
  for (std::size_t l = 0; j < n; ++j, ++l) lane[l] += term(j, double{});
}

double sum_of_lanes(const double* lanes) {
  double lane[kLanes];
  std::memcpy(lane, lanes, sizeof(lane));
  for (std::size_t width = kLanes / 2; width > 0; width /= 2) {
    for (std::size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
  }
  return lane[0];
}

template <class Term>
double ordered_sum(std::size_t n, Term term) {
  double lane[kLanes] = {};
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

void DotOfPieces::add(View a, View b) {
  assert(a.size() == b.size());
  const auto product = [&]<class T>(std::size_t j, T) { return load<T>(&a[j]) * load<T>(&b[j]); };
  add_to_lanes(a.size(), product, lane_);
}

double DotOfPieces::total() const { return sum_of_lanes(lane_); }

double dot(View a, View b) {
  DotOfPieces whole;
  whole.add(a, b);
  return whole.total();
}

double norm_sq(View a) { return sum_of_squares(a); }
double norm_sq(FloatView a) { return sum_of_squares(a); }

double distance_sq(View a, View b) {
  assert(a.size() == b.size());
  return ordered_sum(a.size(), [&]<class T>(std::size_t j, T) {
    const T difference = load<T>(&a[j]) - load<T>(&b[j]);
    return difference * difference;
  });
}

void axpy(double a, View x, MutView y) {
  assert(x.size() == y.size());
  for (std::size_t j = 0; j < x.size(); ++j) y[j] += a * x[j];
}

void scale(double a, MutView x) {
  for (double& v : x) v *= a;
}

void subtract(View a, View b, MutView out) {
  assert(a.size() == b.size() && a.size() == out.size());
  for (std::size_t j = 0; j < out.size(); ++j) out[j] = a[j] - b[j];
}

void copy(View from, MutView to) {
  assert(from.size() == to.size());
  std::copy(from.begin(), from.end(), to.begin());
}

void fill(MutView x, double value) { std::fill(x.begin(), x.end(), value); }

bool all_finite(View x) { return are_finite(x); }
bool all_finite(FloatView x) { return are_finite(x); }

}  // namespace laconic
