// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/roster.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/failure.h"
#include "laconic/core/lines.h"
#include "laconic/core/read_whole.h"
#include "laconic/sites/site_name.h"

namespace laconic {
namespace {

constexpr std::string_view kBlanks = " \t\r";

/// The name in a line; empty if it has none.
std::string_view name_in(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const std::size_t begin = std::min(line.find_first_not_of(kBlanks), line.size());
  return line.substr(begin, line.find_last_not_of(kBlanks) + 1 - begin);
}

/// What is wrong with the line, in which the name is; empty: nothing. `line_of` has the lines of the names
/// before it.
std::string fault_of_line(const std::string& line, std::string_view name,
                          const std::map<std::string, std::size_t, std::less<>>& line_of) {
  if (line.find('\0') != std::string::npos) return "has a NUL; need a text file";
  if (!is_utf8(line)) return "is not text in UTF-8";
  if (name.empty()) return "";
  if (!is_name(name)) return fmt::format("\"{}\" is no name of a site; {}", name, kNameRule);
  if (name == kServerName) return fmt::format("\"{}\" is the server's name; need names of sites", name);
  const auto earlier = line_of.find(name);
  if (earlier != line_of.end())
    return fmt::format("{} is in line {} already; need each name once", name, earlier->second);
  return "";
}

}  // namespace

Roster::Roster(std::vector<std::string> names) : names_(std::move(names)) {
  for (std::size_t client = 0; client < names_.size(); ++client) {
    const std::string& name = names_[client];
    check(is_name(name) && name != kServerName, "a roster has valid names");
    check(clients_.emplace(name, client).second, "a roster has each name once");
  }
}

std::optional<std::size_t> Roster::find(std::string_view name) const {
  const auto found = clients_.find(name);
  return found == clients_.end() ? std::nullopt : std::optional(found->second);
}

Roster read_roster(const std::string& path) {
  const std::string content = read_whole(path);
  std::string_view rest = without_byte_order_mark(content);
  std::vector<std::string> names;
  std::map<std::string, std::size_t, std::less<>> line_of;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::string_view name = name_in(line);
    const std::string fault = fault_of_line(line, name, line_of);
    if (!fault.empty()) throw InputError(fmt::format("{}:{}: {}", path, number, fault));
    if (name.empty()) continue;
    names.emplace_back(name);
    line_of.emplace(name, number);
  }
  if (names.empty())
    throw InputError(fmt::format("{}: has no name of a site; need a name a line: line i is client i", path));
  return Roster(std::move(names));
}

}  // namespace laconic
