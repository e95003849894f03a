// SPDX-License-Identifier: Apache-2.0
// Tables of names as text for a terminal, and as Markdown.
#pragma once

#include <string>
#include <vector>

#include "laconic/catalogue/catalogue.h"

namespace laconic {

/// The heading, and a line or more for each entry.
std::string text_of(const NameTable& table);
/// One entry with its facts.
std::string text_of(const Found& found);

/// docs/reference.md: a Markdown table for each table.
std::string reference_of(const std::vector<NameTable>& tables);

}  // namespace laconic
