// SPDX-License-Identifier: Apache-2.0
// Texts of one fact a line, by which two runs are told apart.
#pragma once

#include <string>
#include <utility>

namespace laconic {

/// The first line in which the texts differ, as each of them has it; "nothing" for one that has ended.
std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b);

}  // namespace laconic
