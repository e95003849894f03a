// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace laconic {

/// The content of a file or a pipe: all of it, or the first `limit` bytes. A named pipe into which no process
/// writes gets `patience` to find one. Throws InputError, "PATH: cannot read: REASON", where there is no such
/// file, it is a folder or a device, it does not fit into memory, or the system refuses it.
std::string read_whole(const std::string& path, std::size_t limit = static_cast<std::size_t>(-1),
                       std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace laconic
