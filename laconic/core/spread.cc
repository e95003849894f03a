// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/spread.h"

#include <cmath>

namespace laconic {

Spread spread_of(std::span<const double> values) {
  const double first = values.front();
  const auto count = static_cast<double>(values.size());
  double shift = 0;  // of the mean from the first value: exactly 0 for equal values
  for (const double value : values) shift += (value - first) / count;
  if (values.size() == 1) return {.mean = first};
  double sum = 0;
  for (const double value : values) sum += std::pow(value - first - shift, 2);
  return {.mean = first + shift, .deviation = std::sqrt(sum / (count - 1))};
}

}  // namespace laconic
