// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/vec.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace laconic {
namespace {

Vector some_vector(std::size_t n, double phase) {
  Vector v(n);
  for (std::size_t j = 0; j < n; ++j) v[j] = std::sin(phase + static_cast<double>(j * j));
  return v;
}

/// The order of the sum, on which all results depend: term j is added to sum j mod 16, and then the upper
/// half of the sums to the lower half.
template <class Term>
double documented_sum(std::size_t n, Term term) {
  double sums[16] = {};
  for (std::size_t j = 0; j < n; ++j) sums[j % 16] += term(j);
  for (const std::size_t half : {8, 4, 2, 1}) {
    for (std::size_t l = 0; l < half; ++l) sums[l] += sums[l + half];
  }
  return sums[0];
}

TEST(Vec, SumsRunInTheOneOrder) {
  for (std::size_t n = 0; n < 70; ++n) {
    const Vector a = some_vector(n, 1), b = some_vector(n, 2);
    EXPECT_EQ(dot(a, b), documented_sum(n, [&](std::size_t j) { return a[j] * b[j]; }));
    EXPECT_EQ(norm_sq(a), documented_sum(n, [&](std::size_t j) { return a[j] * a[j]; }));
    EXPECT_EQ(distance_sq(a, b),
              documented_sum(n, [&](std::size_t j) { return (a[j] - b[j]) * (a[j] - b[j]); }));
  }
}

TEST(Vec, OneNumberThatIsNoneIsFoundAnywhere) {
  for (const double wrong :
       {std::nan(""), std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    for (std::size_t j = 0; j < 37; ++j) {
      Vector v(37, std::numeric_limits<double>::max());
      EXPECT_TRUE(all_finite(v));
      v[j] = wrong;
      EXPECT_FALSE(all_finite(v)) << j;
    }
  }
}

}  // namespace
}  // namespace laconic
