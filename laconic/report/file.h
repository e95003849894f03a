// SPDX-License-Identifier: Apache-2.0
// Files that are either whole or not there.
#pragma once

#include <string>
#include <string_view>

namespace laconic {

/// Writes `content` beside `path` and renames it into place. Throws RunError naming the path and the reason.
void write_whole(const std::string& path, std::string_view content);

}  // namespace laconic
