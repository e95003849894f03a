// SPDX-License-Identifier: Apache-2.0
// Texts for LaTeX.
#pragma once

#include <string>

namespace laconic {

/// The text with LaTeX's special characters escaped, so that each is typeset as it is.
std::string latex_text(const std::string& text);

}  // namespace laconic
