// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/latex.h"

#include <string_view>
#include <utility>

namespace laconic {

std::string latex_text(const std::string& text) {
  constexpr std::pair<std::string_view, std::string_view> kEscapes[] = {{"\\", "\\textbackslash{}"},
                                                                        {"{", "\\{"},
                                                                        {"}", "\\}"},
                                                                        {"$", "\\$"},
                                                                        {"&", "\\&"},
                                                                        {"#", "\\#"},
                                                                        {"%", "\\%"},
                                                                        {"_", "\\_"},
                                                                        {"^", "\\textasciicircum{}"},
                                                                        {"~", "\\textasciitilde{}"},
                                                                        {"<", "\\textless{}"},
                                                                        {">", "\\textgreater{}"},
                                                                        {"|", "\\textbar{}"},
                                                                        {"\"", "\\textquotedbl{}"},
                                                                        {"−", "$-$"},
                                                                        {"\n", " "}};
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::string_view taken = std::string_view(text).substr(i, 1);
    std::string_view written = taken;
    for (const auto& [special, escape] : kEscapes) {
      if (!std::string_view(text).substr(i).starts_with(special)) continue;
      taken = special;
      written = escape;
    }
    out += written;
    i += taken.size();
  }
  return out;
}

}  // namespace laconic
