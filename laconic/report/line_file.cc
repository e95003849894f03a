// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/line_file.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "laconic/core/checksum.h"
#include "laconic/core/error.h"

namespace laconic {
namespace {

/// The whole lines from the header on, up to the first for which take() is false.
template <class Take>
Lines take_lines(const std::string& path, const std::string& header, Take take) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  Lines lines;
  for (std::string line; std::getline(file, line) && !file.eof();) {
    line += '\n';
    if (lines.length == 0 ? line != header : !take(line)) break;
    lines.length += line.size();
    lines.checksum = checksum_of(line, lines.checksum);
  }
  if (lines.length == 0) {
    throw InputError(fmt::format("{}: is not the file of this run; need the header {}", path,
                                 header.substr(0, header.size() - 1)));
  }
  return lines;
}

}  // namespace

Lines lines_until(const std::string& path, const std::string& header, std::size_t last_round) {
  const std::string last = fmt::format("{},", last_round);
  bool found = false;
  const Lines lines = take_lines(path, header, [&](const std::string& line) {
    const bool belongs = !found;
    found = found || line.starts_with(last);
    return belongs;
  });
  if (found) return lines;
  throw InputError(
      fmt::format("{}: has no row of round {}, after which the checkpoint was made", path, last_round));
}

Lines all_lines(const std::string& path, const std::string& header) {
  return take_lines(path, header, [](const std::string&) { return true; });
}

Lines lines_not_after(const std::string& path, const std::string& header, std::size_t last_round) {
  return take_lines(path, header, [&](const std::string& line) {
    std::size_t round = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), round);
    return error == std::errc{} && *end == ',' && round <= last_round;
  });
}

LineFile::LineFile(std::string path) : path_(std::move(path)), handle_(std::fopen(path_.c_str(), "wx")) {
  if (handle_ == nullptr && errno == EEXIST) throw InputError(fmt::format("{}: another run has it", path_));
  begin();
}

LineFile::LineFile(std::string path, const Lines& lines) : path_(std::move(path)), lines_(lines) {
  std::error_code error;
  std::filesystem::resize_file(path_, lines_.length, error);
  if (error) throw InputError(fmt::format("{}: cannot shorten: {}", path_, error.message()));
  handle_ = std::fopen(path_.c_str(), "ab");
  begin();
}

LineFile::~LineFile() {
  if (handle_ != nullptr) std::fclose(handle_);
}

void LineFile::line(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), handle_) != text.size()) lose();
  lines_.length += text.size();
  lines_.checksum = checksum_of(text, lines_.checksum);
}

void LineFile::sync() {
  if (fsync(fileno(handle_)) != 0) lose();
  struct stat by_name {
  }, by_handle{};
  fstat(fileno(handle_), &by_handle);
  if (stat(path_.c_str(), &by_name) != 0 || by_name.st_ino != by_handle.st_ino)
    throw RunError(fmt::format("{}: was removed while the run went on", path_));
}

void LineFile::begin() {
  if (handle_ == nullptr) throw InputError(fmt::format("{}: cannot write: {}", path_, std::strerror(errno)));
  std::setvbuf(handle_, nullptr, _IONBF,
               0);  // unbuffered: each line is written, or fails, at once
}

void LineFile::lose() const {
  const int reason = errno;
  // A part of a line may have been written.
  const bool cut = ftruncate(fileno(handle_), static_cast<off_t>(lines_.length)) == 0;
  throw RunError(fmt::format("{}: cannot write: {}{}", path_, std::strerror(reason),
                             cut ? "; the rows before are complete" : ""));
}

}  // namespace laconic
