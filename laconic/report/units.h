// SPDX-License-Identifier: Apache-2.0
// Numbers with units as text.
#pragma once

#include <string>

namespace laconic {

/// Bits with a metric prefix and three digits: "950 bit", "12.3 kbit", "4.56 Mbit"; or two: "12 kbit", "4.6
/// Mbit".
std::string bits_text(double bits, int digits = 3);

/// Seconds with three digits, below 1 s with a metric prefix: "1.25 us", "12.3 ms", "4560 s".
std::string seconds_text(double seconds);

}  // namespace laconic
