// SPDX-License-Identifier: Apache-2.0
// The page that `laconic report` writes: one HTML file with all that it shows and all that draws it.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace laconic {

/// The JSON text; bytes that are no UTF-8, as names of folders may hold, are replaced.
std::string json_text(const nlohmann::ordered_json& json);

/// Whether this program carries what the page draws with. If not, an InputError says how to get it.
void require_charts();

/// The page around its data, a JSON text in UTF-8 (which may hold anything, also the end of a script).
std::string page_of(const std::string& json);

}  // namespace laconic
