// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/units.h"

#include <iterator>

#include <fmt/format.h>

namespace laconic {
namespace {

/// For three digits.
int decimals_of(double value) { return value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2; }

}  // namespace

std::string bits_text(double bits) {
  constexpr const char* kUnits[] = {"bit", "kbit", "Mbit", "Gbit", "Tbit", "Pbit"};
  std::size_t unit = 0;
  while (bits >= 999.5 && unit + 1 < std::size(kUnits)) {
    bits /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bits, unit == 0 ? 0 : decimals_of(bits), kUnits[unit]);
}

std::string seconds_text(double seconds) {
  constexpr const char* kUnits[] = {"s", "ms", "us", "ns"};
  std::size_t unit = 0;
  while (seconds < 0.9995 && unit + 1 < std::size(kUnits)) {
    seconds *= 1000;
    ++unit;
  }
  if (seconds == 0) return "0 s";
  return fmt::format("{:.{}f} {}", seconds, decimals_of(seconds), kUnits[unit]);
}

}  // namespace laconic
