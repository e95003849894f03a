// SPDX-License-Identifier: Apache-2.0
// Shared parts of the tests of files: a temporary folder, gzip as other programs write it, and the message of
// an error.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "laconic/core/error.h"

namespace laconic {

/// A folder that the destructor removes with its content.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "laconic-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string path(const std::string& name) const { return (path_ / name).string(); }

  /// Writes a file, and makes missing folders above it; returns its path.
  std::string write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

/// While this object exists, the file cannot be read: root, who may read every file, becomes another user.
class WithoutPrivileges {
 public:
  explicit WithoutPrivileges(std::string path) : path_(std::move(path)), is_root_(geteuid() == 0) {
    EXPECT_EQ(chmod(path_.c_str(), 0), 0);
    constexpr uid_t kAnother = 65534;
    if (is_root_) {
      EXPECT_EQ(seteuid(kAnother), 0);
    }
  }
  ~WithoutPrivileges() {
    if (is_root_) {
      EXPECT_EQ(seteuid(0), 0);
    }
    EXPECT_EQ(chmod(path_.c_str(), 0700), 0);
  }
  WithoutPrivileges(const WithoutPrivileges&) = delete;
  WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;

 private:
  std::string path_;
  bool is_root_;
};

/// One gzip member.
inline std::string gzipped(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, content.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  deflateEnd(&stream);
  return packed.substr(0, stream.total_out);
}

/// The message of the InputError of `action`; "no error" if there is none.
inline std::string error_of(auto&& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace laconic
