// SPDX-License-Identifier: Apache-2.0
// Braces in a value are an axis of a sweep (sweep/grid.h). The config of a single run has none.
#pragma once

#include <cstddef>
#include <string_view>

namespace laconic {

/// The first position outside quotes at which visit() accepts the character; npos if there is none.
template <class Visit>
std::size_t find_unquoted(std::string_view text, Visit visit) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && visit(text[i])) {
      return i;
    }
  }
  return std::string_view::npos;
}

/// The first opening brace outside quotes.
inline std::size_t find_open(std::string_view text) {
  return find_unquoted(text, [](char c) { return c == '{'; });
}

/// Whether the text has braces outside quotes.
inline bool has_braces(std::string_view text) { return find_open(text) != std::string_view::npos; }

}  // namespace laconic
