// SPDX-License-Identifier: Apache-2.0
// Files that may be gzip: told apart by their first two bytes, not by their names.
#pragma once

#include <cstddef>
#include <string>

namespace laconic {

/// The whole content of a plain or gzip file; several gzip members in a row are one content. Every gzip
/// trailer (length and CRC) is checked. A pipe will do. Cost: the packed and the unpacked bytes in memory at
/// once. Throws InputError that begins with the path when it cannot be read (core/read_whole.h), holds
/// nothing, is gzip but cut off or corrupt, or is packed in another way (bzip2, xz, zstd, zip).
std::string read_file(const std::string& path);

/// The first `bytes` bytes of that content, or all of it when shorter: enough to tell what a file is. Reads
/// at most 64 KiB of the file; what lies behind is not checked. Throws as read_file does.
std::string read_file_start(const std::string& path, std::size_t bytes);

}  // namespace laconic
