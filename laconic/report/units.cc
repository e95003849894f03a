// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/units.h"

#include <iterator>
#include <string>

#include <fmt/format.h>

namespace laconic {
namespace {

/// Decimals of a value shown with `digits` digits.
int decimals_of(double value, int digits) {
  int decimals = digits - 1;
  for (; decimals > 0 && value >= 9.995; value /= 10) --decimals;
  return decimals;
}

}  // namespace

std::string bits_text(double bits, int digits) {
  constexpr const char* kUnits[] = {"bit", "kbit", "Mbit", "Gbit", "Tbit", "Pbit"};
  std::size_t unit = 0;
  bits = std::stod(fmt::format("{:.{}e}", bits, digits - 1));
  while (bits >= 999.5 && unit + 1 < std::size(kUnits)) {
    bits /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bits, unit == 0 ? 0 : decimals_of(bits, digits), kUnits[unit]);
}

std::string seconds_text(double seconds) {
  constexpr const char* kUnits[] = {"s", "ms", "us", "ns"};
  std::size_t unit = 0;
  while (seconds < 0.9995 && unit + 1 < std::size(kUnits)) {
    seconds *= 1000;
    ++unit;
  }
  if (seconds == 0) return "0 s";
  return fmt::format("{:.{}f} {}", seconds, decimals_of(seconds, 3), kUnits[unit]);
}

}  // namespace laconic
