// SPDX-License-Identifier: Apache-2.0
// The value of a key as JSON: a number if the text is one, else a string.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace laconic {

/// A whole number from -2^63 to 2^64 - 1 exactly, another finite number as a double, else the text. The values
/// of `out` and `title` are always texts.
nlohmann::ordered_json json_of_setting(std::string_view key, const std::string& text);

/// The text of a string or a number, in the shortest form that reads back as the same number; "" for anything
/// else.
std::string text_of_setting(const nlohmann::ordered_json& value);

}  // namespace laconic
