// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "laconic/core/error.h"

namespace laconic {

WholeFile::WholeFile(std::string path) : path_(std::move(path)), file_(std::fopen(beside().c_str(), "wb")) {
  if (file_ == nullptr) fail();
}

WholeFile::~WholeFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  std::remove(beside().c_str());
}

void WholeFile::append(const void* bytes, std::size_t count) {
  if (count > 0 && std::fwrite(bytes, 1, count, file_) != count) fail();  // no bytes may be nullptr
}

void WholeFile::commit() {
  if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0) fail();
  if (std::rename(beside().c_str(), path_.c_str()) != 0) fail();
  std::fclose(std::exchange(file_, nullptr));  // nothing of it is left to be written
}

void WholeFile::fail() const {
  throw RunError(fmt::format("{}: cannot write: {}", path_, std::strerror(errno)));
}

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  std::stringstream content;
  if (file.peek() != std::ifstream::traits_type::eof()) content << file.rdbuf();
  return content.str();
}

void require_writable(const std::string& path) {
  std::error_code none;
  if (std::filesystem::is_directory(path, none))
    throw InputError(fmt::format("{}: cannot write: that is a folder", path));
  try {
    const WholeFile begun(path);
  } catch (const RunError& error) {
    throw InputError(error.what());
  }
}

void write_whole(const std::string& path, std::string_view content) {
  WholeFile file(path);
  file.append(content.data(), content.size());
  file.commit();
}

}  // namespace laconic
