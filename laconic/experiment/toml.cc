// SPDX-License-Identifier: Apache-2.0
// The one source file that includes toml++, because it is slow to compile.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "laconic/core/read_whole.h"
#include "laconic/experiment/config.h"

namespace laconic {

namespace {

using Found = std::vector<std::pair<toml::source_position, KeyValue>>;

constexpr const char* kQuick = "quick";

/// A table sorts its keys. This restores the order of the file, so that an error names the first wrong line.
std::vector<KeyValue> in_order_of_file(const toml::table& table, const std::string& path, bool is_quick) {
  Found found;
  for (const auto& [key, node] : table) {
    const std::string place = fmt::format("{}:{}", path, node.source().begin.line);
    std::string value;
    if (const auto* text = node.as_string()) {
      value = text->get();
    } else if (const auto* integer = node.as_integer()) {
      value = fmt::format("{}", integer->get());
    } else if (const auto* real = node.as_floating_point()) {
      value = fmt::format("{}", real->get());
    } else if (!is_quick && key == kQuick && node.is_table()) {
      continue;
    } else {
      throw InputError(fmt::format("{}: {}: need a text or a number", place, key.str()));
    }
    found.push_back({node.source().begin, {std::string(key.str()), std::move(value), place}});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first.line < b.first.line; });
  std::vector<KeyValue> settings;
  for (auto& [position, setting] : found) settings.push_back(std::move(setting));
  return settings;
}

}  // namespace

std::vector<KeyValue> parse_toml(std::string_view text, const std::string& path, bool quick) {
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    throw InputError(fmt::format("{}:{}:{}: {}", path, error.source().begin.line, error.source().begin.column,
                                 error.description()));
  }
  std::vector<KeyValue> settings = in_order_of_file(table, path, false);
  if (!quick) return settings;
  const toml::table* instead = table[kQuick].as_table();
  if (instead == nullptr)
    throw InputError(fmt::format("{}: --quick needs a table [{}], and there is none", path, kQuick));
  for (KeyValue& setting : in_order_of_file(*instead, path, true)) settings.push_back(std::move(setting));
  return settings;
}

std::vector<KeyValue> read_toml(const std::string& path, bool quick) {
  std::error_code ignored;
  const auto file = std::filesystem::status(path, ignored);
  if (file.type() == std::filesystem::file_type::not_found || std::filesystem::is_directory(file)) {
    throw InputError(
        fmt::format("\"{}\" is neither key=value nor a TOML file: {}", path,
                    std::filesystem::is_directory(file) ? "it is a folder" : "there is no such file"));
  }
  return parse_toml(read_whole(path), path, quick);
}

}  // namespace laconic
