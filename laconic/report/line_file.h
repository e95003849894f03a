// SPDX-License-Identifier: Apache-2.0
// A file that grows by whole lines. Each line is in the file when line() returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace laconic {

/// The first lines of a file.
struct Lines {
  std::uintmax_t length = 0;  // in bytes
  std::uint32_t checksum = 0;
};
/// The lines up to the one that begins with `last_round` and a comma. Only whole lines count, as the last one
/// may be cut off. Throws InputError if the header differs, or if there is no such line.
Lines lines_until(const std::string& path, const std::string& header, std::size_t last_round);
/// The header and all whole lines. Throws InputError if the header differs.
Lines all_lines(const std::string& path, const std::string& header);
/// The header, and the lines that begin with a number of at most `last_round` and a comma. Throws InputError
/// if the header differs.
Lines lines_not_after(const std::string& path, const std::string& header, std::size_t last_round);

class LineFile {
 public:
  /// Makes a new file. Throws InputError if it exists already, or cannot be made.
  explicit LineFile(std::string path);
  /// Continues after these lines; cuts off what follows them. Throws InputError if that fails.
  LineFile(std::string path, const Lines& lines);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  /// `text` must end with a newline. Throws RunError if it cannot be written (a full disk); the lines before
  /// it are complete then.
  void line(const std::string& text);
  /// Brings the lines to the disk. Throws RunError if that fails, also if the file was removed meanwhile.
  void sync();
  /// The checksum of all lines.
  [[nodiscard]] std::uint32_t checksum() const { return lines_.checksum; }

 private:
  void begin();
  [[noreturn]] void lose() const;

  std::string path_;
  std::FILE* handle_ = nullptr;
  Lines lines_;
};

}  // namespace laconic
