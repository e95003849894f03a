// SPDX-License-Identifier: Apache-2.0
// Files that are either whole or not there, whatever happens to the process or the machine.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace laconic {

/// A file in the making: written beside `path` as path.part, which commit() brings to the disk and
/// renames into place. Uncommitted, it leaves what was there before. All but the destructor throw
/// RunError naming the path and the reason.
class WholeFile {
 public:
  explicit WholeFile(std::string path);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void append(const void* bytes, std::size_t count);
  void commit();

 private:
  [[noreturn]] void fail() const;
  [[nodiscard]] std::string beside() const { return path_ + ".part"; }

  std::string path_;
  std::FILE* file_;
};

/// The content of a file. Throws InputError naming the path and the reason.
std::string read_whole(const std::string& path);

/// InputError naming the path and the reason where write_whole() would fail as things are. Leaves nothing.
void require_writable(const std::string& path);

/// A WholeFile of this content.
void write_whole(const std::string& path, std::string_view content);

}  // namespace laconic
