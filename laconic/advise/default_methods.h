// SPDX-License-Identifier: Apache-2.0
// The methods that `laconic advise` tries by default.
#pragma once

#include <vector>

#include "laconic/core/spec.h"
#include "laconic/experiment/config.h"

namespace laconic {

/// Methods with a server; methods without one if the config has a topology. The first is the base of all
/// comparisons.
std::vector<Spec> default_methods(const Config& config);

}  // namespace laconic
