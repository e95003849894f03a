// SPDX-License-Identifier: Apache-2.0
// Numbers for people.
#pragma once

#include <string>

namespace laconic {

/// Bits with a metric prefix and three digits: "950 bit", "12.3 kbit", "4.56 Mbit".
std::string bits_text(double bits);

}  // namespace laconic
