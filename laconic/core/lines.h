// SPDX-License-Identifier: Apache-2.0
// Functions on texts of several lines.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace laconic {

/// The text without the byte order mark that editors put in front of UTF-8.
std::string_view without_byte_order_mark(std::string_view text);

/// The first line in which the texts differ, from a and from b. "nothing" stands for a text that has ended.
std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b);

}  // namespace laconic
