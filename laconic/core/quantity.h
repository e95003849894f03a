// SPDX-License-Identifier: Apache-2.0
// IndexSet with a unit behind them, as people write them.
#pragma once

#include <optional>
#include <string_view>

namespace laconic {

/// Seconds: "50ms", "3us", "0.2s", "2min", "1h"; without a unit as they are. Nothing where the text is not a
/// number from 0 to 1e9 s.
std::optional<double> seconds_in(std::string_view text);

/// Bits a second: "100mbit", "1gbit", "56kbit", "9600bit". Nothing where the text is not a number from
/// 0.001 bit to 1e9 gbit with one of these units.
std::optional<double> bandwidth_in(std::string_view text);

}  // namespace laconic
