// SPDX-License-Identifier: Apache-2.0
// Whole powers by + and * only, so that all ranks agree on them, whatever their CPUs and their libm.
#pragma once

#include <cstddef>

namespace laconic {

/// base^exponent.
inline double power(double base, std::size_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base) {
    if (exponent % 2 == 1) result *= base;
  }
  return result;
}

}  // namespace laconic
