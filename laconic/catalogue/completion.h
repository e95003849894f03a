// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "laconic/catalogue/catalogue.h"

namespace laconic {

/// A script for bash that completes verbs, keys, names of values and files. It is made of the tables; their table
/// "verbs" has the verbs.
std::string bash_completion(const std::vector<NameTable>& tables);

}  // namespace laconic
