// SPDX-License-Identifier: Apache-2.0
// Files that are either whole or not there, whatever happens to the process or the machine.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

/// A file in the making: written beside `path` under a name of its own, path.part, or path.part-2 where
/// another file has that one. commit() brings it to the disk and renames it into place; uncommitted, it
/// leaves what was there before. Where `path` is a link, the file that it names is replaced. Folders,
/// devices, pipes and links to nothing are refused. All but the destructor throw RunError, "PATH: cannot
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
  [[noreturn]] void fail() const;  // for the system's reason

  std::string path_;    // as it was given, for errors
  std::string target_;  // the same, links followed
  std::string beside_;
  std::FILE* file_ = nullptr;
};

/// The folders of a path that were missing, made by this process. Until keep() they go again with the object,
/// unless something is in them by then. Throws RunError naming the folder and the reason, with none of them
/// left.
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

/// A WholeFile of this content.
void write_whole(const std::string& path, std::string_view content);

/// InputError where write_output() would fail as things are, in the same words. Leaves nothing.
void require_writable(const std::string& path);

/// write_whole() that makes the folder of the file where it is missing.
void write_output(const std::string& path, std::string_view content);

}  // namespace laconic
