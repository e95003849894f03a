// SPDX-License-Identifier: Apache-2.0
// Files that are either complete or absent, even if the process or the machine fails.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

/// An unfinished file. Its content is written beside `path`, to path.part, or to path.part-2 (and so on) if
/// that name is taken. commit() brings the file to the disk and renames it to `path`. Without commit(), an
/// existing file at `path` stays unchanged. If `path` is a link, its target is replaced. Folders, devices,
/// pipes and dangling links are refused. All members except the destructor throw RunError, "PATH: cannot
/// write: REASON".
class WholeFile {
 public:
  explicit WholeFile(std::string path);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void append(const void* bytes, std::size_t count);
  void commit();

 private:
  [[noreturn]] void fail(const std::string& why) const;
  [[noreturn]] void fail() const;  // with the reason from errno

  std::string path_;    // as given, for error messages
  std::string target_;  // path_ with links resolved
  std::string beside_;
  std::FILE* file_ = nullptr;
};

/// Makes the missing folders of a path. Unless keep() is called, the destructor removes those that are still
/// empty. Throws RunError naming the folder and the reason, and leaves none of them.
class NewFolders {
 public:
  explicit NewFolders(const std::string& path);
  ~NewFolders();
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;

  void keep() { made_.clear(); }

 private:
  void remove();

  std::vector<std::string> made_;  // outermost first
};

/// Writes and commits a WholeFile with this content.
void write_whole(const std::string& path, std::string_view content);

/// Throws InputError, in the same words, if write_output() would fail at present. Leaves no files.
void require_writable(const std::string& path);

/// write_whole(), after making the folder of the file if it is missing.
void write_output(const std::string& path, std::string_view content);

}  // namespace laconic
