// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace laconic {

/// The name of the server's certificate. No site has it.
constexpr std::string_view kServerName = "server";

/// As X.509 limits the CN of a certificate.
constexpr std::size_t kLongestName = 64;

/// The rule for names, for messages.
constexpr const char* kNameRule =
    "a name has 1 to 64 letters (a-z, A-Z), digits and any of . _ - and begins with a letter or a digit";

/// Whether the text is a name for a site, or for the server. A name can also be the name of a folder.
constexpr bool is_name(std::string_view text) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= kLongestName && is_alphanumeric(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace laconic
