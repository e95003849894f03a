// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace laconic {

/// The content of a file or a pipe: all of it, or the first `limit` bytes. If no process has opened a named
/// pipe for writing, the call waits for one for at most `patience`. Throws InputError, "PATH: cannot read:
/// REASON", if the file does not exist, is a folder or a device, does not fit into memory, or cannot be read.
/// `working`, if given, is called several times a second, while it waits for a pipe too. It may throw.
std::string read_whole(const std::string& path, std::size_t limit = static_cast<std::size_t>(-1),
                       std::chrono::milliseconds patience = std::chrono::seconds(10),
                       const std::function<void()>& working = {});

}  // namespace laconic
