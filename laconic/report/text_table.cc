// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/text_table.h"

#include <algorithm>

#include <fmt/format.h>

namespace laconic {

std::string text_table(const std::vector<std::vector<std::string>>& cells, std::size_t words,
                       const std::vector<std::string>& notes) {
  std::vector<std::size_t> width(cells[0].size());
  for (const auto& row : cells) {
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  }
  std::string text;
  for (std::size_t r = 0; r < cells.size(); ++r) {
    const auto& row = cells[r];
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c)
      line +=
          c < words ? fmt::format("{:<{}}  ", row[c], width[c]) : fmt::format("{:>{}}  ", row[c], width[c]);
    if (!notes.empty()) line += notes[r];
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace laconic
