// SPDX-License-Identifier: Apache-2.0
// The methods that `laconic advise` tries where none are given.
#pragma once

#include <string>
#include <vector>

#include "laconic/experiment/config.h"

namespace laconic {

/// Those of a server; of a description with a topology those without one. The first is what the others are
/// compared with.
std::vector<std::string> candidates(const Config& config);

}  // namespace laconic
