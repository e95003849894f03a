// SPDX-License-Identifier: Apache-2.0
#include "laconic/catalogue/text.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

namespace laconic {
namespace {

constexpr std::size_t kWidth = 110;   // of a line
constexpr std::size_t kUsage = 36;    // of the column of usages
constexpr std::size_t kHeading = 11;  // of the column of headings

/// The words of the text in lines of kWidth; all but the first begin with `indent` spaces. The first begins at that
/// column already.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::istringstream words(text);
  std::string lines;
  std::size_t column = indent;
  for (std::string word; words >> word;) {
    if (column > indent && column + 1 + word.size() > kWidth) {
      lines += fmt::format("\n{:{}}", "", indent);
      column = indent;
    }
    if (column > indent) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines;
}

std::string line_of(const NameRow& entry) {
  const std::string begin = entry.usage.size() <= kUsage
                                ? fmt::format("  {:<{}}  ", entry.usage, kUsage)
                                : fmt::format("  {}\n{:{}}", entry.usage, "", kUsage + 4);
  std::string summary = entry.summary;
  for (const char* heading : {"unit", "default"}) {
    if (const std::string text = fact(entry, heading); !text.empty())
      summary += fmt::format("; {} {}", heading, text);
  }
  return begin + wrapped(summary, kUsage + 4) + "\n";
}

std::string heading_line(std::string_view heading, const std::string& text) {
  return fmt::format("  {:<{}}{}\n", heading, kHeading, wrapped(text, kHeading + 2));
}

std::string in_cell(const std::string& text) {
  std::string cell;
  for (const char c : text) cell += c == '|' ? "\\|" : std::string(1, c);
  return cell;
}

/// The headings of the facts of a table, in order of appearance.
std::vector<std::string> headings_of(const NameTable& table) {
  std::vector<std::string> headings;
  for (const NameRow& entry : table.entries) {
    for (const auto& [heading, text] : entry.facts) {
      if (std::find(headings.begin(), headings.end(), heading) == headings.end()) headings.push_back(heading);
    }
  }
  return headings;
}

std::string markdown_of(const NameTable& table) {
  const std::vector<std::string> headings = headings_of(table);
  std::string text = fmt::format("## {}\n\n| {} | meaning |", table.title, table.kind);
  std::string rule = "|---|---|";
  for (const std::string& heading : headings) {
    text += fmt::format(" {} |", heading);
    rule += "---|";
  }
  text += fmt::format("\n{}\n", rule);
  for (const NameRow& entry : table.entries) {
    text += fmt::format("| `{}` | {} |", in_cell(entry.usage), in_cell(entry.summary));
    for (const std::string& heading : headings) {
      const std::string cell = in_cell(fact(entry, heading));
      const bool is_code = !cell.empty() && (heading == "default" || heading == "example");
      text += is_code ? fmt::format(" `{}` |", cell) : fmt::format(" {} |", cell);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string text_of(const NameTable& table) {
  std::string text = table.title + "\n";
  for (const NameRow& entry : table.entries) text += line_of(entry);
  return text;
}

std::string text_of(const Found& found) {
  const auto& [table, entry] = found;
  std::string text = fmt::format("{}: {}\n", entry->name, table->kind);
  text += heading_line("usage", entry->usage);
  text += heading_line("meaning", entry->summary);
  for (const auto& [heading, of_fact] : entry->facts) text += heading_line(heading, of_fact);
  if (!table->key.empty() && table->key != "method") {
    text += heading_line("key", fmt::format("{}={}", table->key, entry->usage));
  }
  return text;
}

std::string reference_of(const std::vector<NameTable>& tables) {
  std::string text =
      "# Reference\n\n"
      "The tables of the program. `laconic help NAME` prints a row of them. This file is the output of "
      "`laconic list\n"
      "--markdown`; a test fails when it is stale.\n";
  for (const NameTable& table : tables) text += fmt::format("\n{}", markdown_of(table));
  return text;
}

}  // namespace laconic
