// SPDX-License-Identifier: Apache-2.0
// The one source file that includes toml++, because it is slow to compile.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "cli/description.h"

namespace laconic::cli {

std::vector<Setting> read_toml(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    throw InputError(fmt::format("\"{}\" is neither key=value nor a TOML file: there is no such file", path));
  }
  std::ifstream file(path);
  if (!file) throw InputError(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  std::stringstream content;
  if (file.peek() != std::ifstream::traits_type::eof()) content << file.rdbuf();
  toml::table table;
  try {
    table = toml::parse(content.str(), path);
  } catch (const toml::parse_error& error) {
    throw InputError(fmt::format("{}:{}:{}: {}", path, error.source().begin.line, error.source().begin.column,
                                 error.description()));
  }
  // A table keeps its keys sorted; settings come in the order of the file, so that later errors name the
  // first line.
  std::vector<std::pair<toml::source_position, Setting>> found;
  for (const auto& [key, node] : table) {
    const std::string place = fmt::format("{}:{}", path, node.source().begin.line);
    std::string value;
    if (const auto* text = node.as_string()) {
      value = text->get();
    } else if (const auto* integer = node.as_integer()) {
      value = fmt::format("{}", integer->get());
    } else if (const auto* real = node.as_floating_point()) {
      value = fmt::format("{}", real->get());
    } else {
      throw InputError(fmt::format("{}: {}: need a text or a number", place, key.str()));
    }
    found.push_back({node.source().begin, {std::string(key.str()), std::move(value), place}});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first.line < b.first.line; });
  std::vector<Setting> settings;
  for (auto& [position, setting] : found) settings.push_back(std::move(setting));
  return settings;
}

}  // namespace laconic::cli
