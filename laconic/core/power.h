// SPDX-License-Identifier: Apache-2.0
// Integer powers by multiplication only, so that all ranks get the same bits on any CPU and with any libm.
#pragma once

#include <cstddef>

namespace laconic {

inline double power(double base, std::size_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base) {
    if (exponent % 2 == 1) result *= base;
  }
  return result;
}

}  // namespace laconic
