// SPDX-License-Identifier: Apache-2.0
// Files that may be gzip. Their first two bytes decide, not their names.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace laconic {

/// The whole content of a plain or gzip file. Several gzip members in sequence are one content. Every gzip
/// trailer (length and CRC) is checked. The file may be a pipe. Cost: the packed and the unpacked bytes are
/// in memory at once. Throws InputError, beginning with the path, if the file cannot be read
/// (core/read_whole.h), is empty, is truncated or corrupt gzip, or is packed in another way (bzip2, xz, zstd,
/// zip). `working`, if given, is called several times a second. It may throw.
std::string read_file(const std::string& path, const std::function<void()>& working = {});

/// The first `bytes` bytes of that content, or all of it if it is shorter: enough to recognise the format of
/// a file. Reads at most 64 KiB of the file and does not check the rest. Throws as read_file does.
std::string read_file_start(const std::string& path, std::size_t bytes);

}  // namespace laconic
