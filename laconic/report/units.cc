// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/units.h"

#include <iterator>

#include <fmt/format.h>

namespace laconic {

std::string bits_text(double bits) {
  constexpr const char* kUnits[] = {"bit", "kbit", "Mbit", "Gbit", "Tbit", "Pbit"};
  std::size_t unit = 0;
  while (bits >= 999.5 && unit + 1 < std::size(kUnits)) {
    bits /= 1000;
    ++unit;
  }
  const int decimals = bits >= 99.95 || unit == 0 ? 0 : bits >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", bits, decimals, kUnits[unit]);
}

}  // namespace laconic
