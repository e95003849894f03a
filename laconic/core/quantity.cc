// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/quantity.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <string>

namespace laconic {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

std::optional<double> quantity_in(std::string_view text, std::initializer_list<Unit> units) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || std::signbit(value)) return {};
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& known : units) {
    if (unit == known.name) return value * known.factor;
  }
  return {};
}

}  // namespace

std::optional<double> seconds_in(std::string_view text) {
  const auto seconds =
      quantity_in(text, {{"", 1}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}});
  return seconds && *seconds <= 1e9 ? seconds : std::nullopt;
}

std::optional<double> bandwidth_in(std::string_view text) {
  if (bandwidth_of_bytes_in(text)) return {};
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (small.ends_with("bps")) {
    small.replace(small.size() - 3, 3, "bit");
  } else if (small.ends_with("bit/s")) {
    small.resize(small.size() - 2);
  }
  const auto bits = quantity_in(small, {{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}});
  return bits && *bits >= 1e-3 && *bits <= 1e18 ? bits : std::nullopt;
}

std::string with_joined_units(std::string_view text) {
  std::string joined;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t next = std::min(text.find_first_not_of(' ', i), text.size() - 1);
    const bool is_between = text[i] == ' ' && !joined.empty() &&
                            std::isdigit(static_cast<unsigned char>(joined.back())) != 0 &&
                            std::isalpha(static_cast<unsigned char>(text[next])) != 0;
    if (!is_between) joined += text[i];
  }
  return joined;
}

std::optional<double> bandwidth_of_bytes_in(std::string_view text) {
  for (const std::string_view second : {"/s", "ps"}) {
    if (text.ends_with(second)) text.remove_suffix(second.size());
  }
  return quantity_in(text, {{"B", 8}, {"kB", 8e3}, {"KB", 8e3}, {"MB", 8e6}, {"GB", 8e9}});
}

}  // namespace laconic
