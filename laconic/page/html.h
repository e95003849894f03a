// SPDX-License-Identifier: Apache-2.0
// The page that `laconic report` writes: a single HTML file with its data and its scripts.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace laconic {

/// The JSON as text. Bytes that are not UTF-8, which names of folders may contain, are replaced.
std::string json_text(const nlohmann::ordered_json& json);

/// Throws InputError, with instructions, if the program has no charting library.
void require_charts();

/// The page with this data: any JSON text in UTF-8, even one that contains the end tag of a script.
std::string page_of(const std::string& json);

}  // namespace laconic
