// SPDX-License-Identifier: Apache-2.0
// Numbers with a unit, as users write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace laconic {

/// Seconds: "50ms", "3us", "0.2s", "2min", "1h"; a number without a unit is in seconds. Empty if the text is
/// not a number from 0 to 1e9 s.
std::optional<double> seconds_in(std::string_view text);

/// Bits per second: "100mbit", "1gbit", "56kbit", "9600bit", also as "100Mbit/s" and "100Mbps". Empty if the
/// text is not a number from 0.001 bit to 1e9 gbit with one of these units.
std::optional<double> bandwidth_in(std::string_view text);

/// The text without the spaces between a number and its unit: "10 Mbit/s, 20 ms" becomes "10Mbit/s, 20ms".
std::string with_joined_units(std::string_view text);

/// Bytes per second, as in "10MB" or "10MB/s", in bits per second. Empty if the text does not end with a capital
/// B in this way.
std::optional<double> bandwidth_of_bytes_in(std::string_view text);

}  // namespace laconic
