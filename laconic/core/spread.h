// SPDX-License-Identifier: Apache-2.0
// The mean of a few numbers, and how far they lie from it.
#pragma once

#include <span>

namespace laconic {

struct Spread {
  double mean = 0;
  double deviation = 0;  // the sample standard deviation, sqrt(sum / (count - 1)); 0 for a single value
};

/// Of at least one value. Exact for equal values: their mean is the value, their deviation is 0.
Spread spread_of(std::span<const double> values);

}  // namespace laconic
