// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/vec.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>

namespace laconic {
namespace {

// Sixteen running sums: enough independent additions to keep two vector units busy, and the fixed order of
// the sum.
constexpr std::size_t kLanes = 16;

template <class Term>
double ordered_sum(std::size_t n, Term term) {
  std::array<double, kLanes> lane{};
  std::size_t j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) lane[l] += term(j + l);
  }
  for (std::size_t l = 0; j < n; ++j, ++l) lane[l] += term(j);
  for (std::size_t width = kLanes / 2; width > 0; width /= 2) {
    for (std::size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
  }
  return lane[0];
}

}  // namespace

double dot(View a, View b) {
  assert(a.size() == b.size());
  return ordered_sum(a.size(), [&](std::size_t j) { return a[j] * b[j]; });
}

double norm_sq(View a) { return dot(a, a); }

double distance_sq(View a, View b) {
  assert(a.size() == b.size());
  return ordered_sum(a.size(), [&](std::size_t j) { return (a[j] - b[j]) * (a[j] - b[j]); });
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

bool all_finite(View x) {
  // 0 * v is 0 for a number and NaN otherwise; a sum vectorises where an early exit would not.
  return ordered_sum(x.size(), [&](std::size_t j) { return 0.0 * x[j]; }) == 0.0;
}

}  // namespace laconic
