// SPDX-License-Identifier: Apache-2.0
// The page that `laconic report` writes: one HTML file with all that it shows and all that draws it.
#pragma once

#include <string>

namespace laconic::cli {

/// Whether this program carries what the page draws with. If not, an InputError says how to get it.
void require_charts();

/// The page around its data, a JSON text in UTF-8 (which may hold anything, also the end of a script).
std::string page_of(const std::string& json);

}  // namespace laconic::cli
