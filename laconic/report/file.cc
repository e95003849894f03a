// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

/// Why no file can be written at `path`, which resolves to `target`; empty if one can.
std::string reason_against(const std::string& path, const fs::path& target) {
  if (path.empty()) return "the name is empty";
  if (path.find('\0') != std::string::npos) return "a NUL follows in the name";
  std::error_code error;
  const fs::file_status status = fs::status(target, error);
  if (fs::is_directory(status) || !target.has_filename()) return "that is a folder";
  if (fs::is_regular_file(status)) return "";
  if (fs::exists(status)) return "that is no regular file";
  if (fs::is_symlink(fs::symlink_status(target, error))) return "that is a link to what is not there";
  return "";
}

fs::path without_links(const std::string& path) {
  std::error_code error;
  fs::path target = path;
  if (fs::is_symlink(fs::symlink_status(target, error)) && fs::exists(target, error))
    target = fs::canonical(target, error);
  return target;
}

std::string folder_of(const std::string& path) {
  const fs::path folder = without_links(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace

WholeFile::WholeFile(std::string path) : path_(std::move(path)), target_(without_links(path_).string()) {
  if (const std::string why = reason_against(path_, target_); !why.empty()) fail(why);
  // A file of another process, running or killed, is not removed.
  constexpr int kMost = 100;
  int handle = -1;
  for (int count = 1; handle < 0 && count <= kMost; ++count) {
    beside_ = fmt::format("{}.part{}", target_, count == 1 ? "" : fmt::format("-{}", count));
    handle = ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (handle < 0 && errno != EEXIST) fail();
  }
  if (handle < 0) fail(fmt::format("remove {}.part-2 and those like it, which others have left", target_));
  file_ = fdopen(handle, "wb");
}

WholeFile::~WholeFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  std::remove(beside_.c_str());
}

void WholeFile::append(const void* bytes, std::size_t count) {
  if (count > 0 && std::fwrite(bytes, 1, count, file_) != count) fail();  // nullptr has count 0
}

void WholeFile::commit() {
  if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0) fail();
  if (std::rename(beside_.c_str(), target_.c_str()) != 0) fail();
  std::fclose(std::exchange(file_, nullptr));  // no data is left in its buffer
}

void WholeFile::fail(const std::string& why) const {
  throw RunError(fmt::format("{}: cannot write: {}", path_.c_str(), why));  // c_str(): the path up to a NUL
}

void WholeFile::fail() const { fail(std::strerror(errno)); }

NewFolders::NewFolders(const std::string& path) {
  std::error_code error;
  fs::path folder;
  for (const fs::path& name : fs::absolute(path, error)) {
    folder /= name;
    if (fs::is_directory(folder, error)) continue;
    if (fs::create_directory(folder, error)) {
      made_.push_back(folder.string());
      continue;
    }
    if (!error) continue;  // another process made it first
    std::error_code none;
    const fs::file_status there = fs::symlink_status(folder, none);
    const bool is_link = fs::is_symlink(there) && !fs::exists(folder, none);
    remove();
    throw RunError(fmt::format("cannot make the folder {}: {}", path,
                               is_link             ? folder.string() + " is a link to what is not there"
                               : fs::exists(there) ? folder.string() + " is not a folder"
                                                   : error.message()));
  }
}

NewFolders::~NewFolders() { remove(); }

void NewFolders::remove() {
  std::error_code ignored;
  for (; !made_.empty(); made_.pop_back()) fs::remove(made_.back(), ignored);
}

void write_whole(const std::string& path, std::string_view content) {
  WholeFile file(path);
  file.append(content.data(), content.size());
  file.commit();
}

void require_writable(const std::string& path) {
  try {
    const NewFolders folders(folder_of(path));
    const WholeFile begun(path);
  } catch (const RunError& failure) {
    throw InputError(failure.what());
  }
}

void write_output(const std::string& path, std::string_view content) {
  NewFolders folders(folder_of(path));
  write_whole(path, content);
  folders.keep();
}

}  // namespace laconic
