// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/quantity.h"

#include <charconv>
#include <cmath>
#include <initializer_list>

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
  const auto bits = quantity_in(text, {{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}});
  return bits && *bits >= 1e-3 && *bits <= 1e18 ? bits : std::nullopt;
}

}  // namespace laconic
