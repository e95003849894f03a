// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/setting_json.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

namespace laconic {
namespace {

/// Nothing unless the whole text is such a number.
template <class Number>
std::optional<Number> number_in(const std::string& text) {
  Number value{};
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  return error == std::errc{} && end == last ? std::optional(value) : std::nullopt;
}

}  // namespace

nlohmann::ordered_json json_of_setting(std::string_view key, const std::string& text) {
  if (key == "out" || key == "title") return text;
  if (const auto whole = number_in<std::uint64_t>(text)) return *whole;
  if (const auto whole = number_in<std::int64_t>(text)) return *whole;
  if (const auto real = number_in<double>(text); real && std::isfinite(*real)) return *real;
  return text;
}

std::string text_of_setting(const nlohmann::ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_unsigned()) return fmt::format("{}", value.get<std::uint64_t>());
  if (value.is_number_integer()) return fmt::format("{}", value.get<std::int64_t>());
  return value.is_number() ? fmt::format("{}", value.get<double>()) : "";
}

}  // namespace laconic
