// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/spread.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace laconic {
namespace {

TEST(Spread, IsMeanAndSampleDeviation) {
  const std::vector<double> values = {2, 4, 4, 4, 5, 5, 7, 9};
  const Spread spread = spread_of(values);
  EXPECT_DOUBLE_EQ(spread.mean, 5);
  EXPECT_DOUBLE_EQ(spread.deviation, std::sqrt(32.0 / 7));
}

TEST(Spread, IsExactForEqualValues) {
  for (const double value : {0.1, -3e-300, 1e300, 1.0 / 3}) {
    for (const std::size_t count : {1, 3, 7, 10}) {
      const Spread spread = spread_of(std::vector<double>(count, value));
      EXPECT_EQ(spread.mean, value) << count;
      EXPECT_EQ(spread.deviation, 0) << count;
    }
  }
}

TEST(Spread, IsThatOfTheDifferencesFarFromZero) {
  const double far = 1e15;
  const Spread spread = spread_of(std::vector<double>{far, far + 2, far + 4});
  EXPECT_EQ(spread.mean, far + 2);
  EXPECT_EQ(spread.deviation, 2);
}

TEST(Spread, KeepsASingleValueThatIsNotFinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(spread_of(std::vector<double>{infinity}).mean, infinity);
}

}  // namespace
}  // namespace laconic
