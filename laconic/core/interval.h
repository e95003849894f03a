// SPDX-License-Identifier: Apache-2.0
// The numbers that an argument accepts.
#pragma once

#include <limits>
#include <string>
#include <string_view>

namespace laconic {

/// The numbers between two ends. An infinite end is never included.
struct Interval {
  double low = -std::numeric_limits<double>::infinity();
  bool includes_low = false;
  double high = std::numeric_limits<double>::infinity();
  bool includes_high = false;

  /// False for NaN.
  [[nodiscard]] constexpr bool contains(double value) const {
    return (includes_low ? value >= low : value > low) && (includes_high ? value <= high : value < high);
  }
};

/// The interval as an inequality about `name`: `0 < p <= 1`, or `zeta >= 0` if one end is infinite.
std::string print(const Interval& interval, std::string_view name);

inline constexpr Interval kPositive{.low = 0};                           // x > 0
inline constexpr Interval kNotNegative{.low = 0, .includes_low = true};  // x >= 0
inline constexpr Interval kShare{0, true, 1, true};                      // 0 <= x <= 1
inline constexpr Interval kPositiveShare{0, false, 1, true};             // 0 < x <= 1
inline constexpr Interval kShareBelowOne{0, true, 1, false};             // 0 <= x < 1

}  // namespace laconic
