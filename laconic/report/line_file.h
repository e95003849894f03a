// SPDX-License-Identifier: Apache-2.0
// A file that grows by whole lines, each of them in the file when line() returns.
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
/// Those up to the one that begins with `last_round` and a comma. Only whole lines count: the last one may be
/// cut off. InputError where the header is another, or there is no such line.
Lines lines_until(const std::string& path, const std::string& header, std::size_t last_round);
/// Those that begin with a number of at most `last_round` and a comma, and the header. InputError where that
/// is another.
Lines lines_not_after(const std::string& path, const std::string& header, std::size_t last_round);

class LineFile {
 public:
  /// A new one; InputError where it is there already, or cannot be made.
  explicit LineFile(std::string path);
  /// Goes on behind some lines; what is behind them is cut off. InputError where that cannot be done.
  LineFile(std::string path, const Lines& lines);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  /// `text` ends with the end of the line. RunError when it cannot be written (a full disk): the lines before
  /// are whole then.
  void line(const std::string& text);
  /// Brings them to the disk. RunError also where the file was removed meanwhile.
  void sync();
  /// Of all lines.
  [[nodiscard]] std::uint32_t checksum() const { return lines_.checksum; }

 private:
  void begin();
  [[noreturn]] void lose() const;

  std::string path_;
  std::FILE* handle_ = nullptr;
  Lines lines_;
};

}  // namespace laconic
