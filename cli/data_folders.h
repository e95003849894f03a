// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace laconic::cli {

/// The folders of the environment variable LACONIC_DATA, separated there by colons: Resources::folders of every
/// verb.
std::vector<std::string> data_folders();

}  // namespace laconic::cli
