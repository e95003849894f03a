// SPDX-License-Identifier: Apache-2.0
// What can be said of a method without a run: an example, and the theorem of its step.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "laconic/methods/methods.h"

namespace laconic {

/// A value of the key `method`, such as marina(rand-k(10)); the name alone if no example is known.
std::string example_of(const MethodRow& row);

/// Step, example and paper of each method. Assembles the methods on a small problem with known constants.
std::vector<std::vector<std::pair<std::string, std::string>>> facts_of_methods();

}  // namespace laconic
