// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/lines.h"

#include <sstream>

namespace laconic {

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b) {
  std::istringstream lines_of_a(a), lines_of_b(b);
  std::string of_a, of_b;
  do {
    if (!std::getline(lines_of_a, of_a)) of_a = "nothing";
    if (!std::getline(lines_of_b, of_b)) of_b = "nothing";
  } while (of_a == of_b && (lines_of_a || lines_of_b));
  return {of_a, of_b};
}

}  // namespace laconic
