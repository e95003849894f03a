// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/trace.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <type_traits>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "laconic/core/checksum.h"
#include "laconic/core/error.h"

namespace laconic {

/// A file of whole lines.
struct FileRecorder::File {
  explicit File(std::string path_of) : path(std::move(path_of)), handle(std::fopen(path.c_str(), "wx")) {
    if (handle == nullptr && errno == EEXIST) throw InputError(fmt::format("{}: another run has it", path));
    begin();
  }
  /// Goes on behind some lines, whose checksum is given.
  File(std::string path_of, std::uintmax_t length_of_lines, std::uint32_t checksum_of_lines)
      : path(std::move(path_of)), length(length_of_lines), checksum(checksum_of_lines) {
    std::error_code error;
    std::filesystem::resize_file(path, length, error);
    if (error) throw InputError(fmt::format("{}: cannot shorten: {}", path, error.message()));
    handle = std::fopen(path.c_str(), "ab");
    begin();
  }
  ~File() {
    if (handle != nullptr) std::fclose(handle);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void line(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), handle) != text.size()) lose();
    length += text.size();
    checksum = checksum_of(text, checksum);
  }

  void sync() {
    if (fsync(fileno(handle)) != 0) lose();
    struct stat by_name {
    }, by_handle{};
    fstat(fileno(handle), &by_handle);
    if (stat(path.c_str(), &by_name) != 0 || by_name.st_ino != by_handle.st_ino)
      throw RunError(fmt::format("{}: was removed while the run went on", path));
  }

  std::string path;
  std::FILE* handle = nullptr;
  std::uintmax_t length = 0;
  std::uint32_t checksum = 0;

 private:
  void begin() {
    if (handle == nullptr) throw InputError(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
    std::setvbuf(handle, nullptr, _IONBF,
                 0);  // a line is on its way when it is written, or it is lost at once
  }
  [[noreturn]] void lose() const {
    const int reason = errno;
    // Half a line may be there.
    const bool cut = ftruncate(fileno(handle), static_cast<off_t>(length)) == 0;
    throw RunError(fmt::format("{}: cannot write: {}{}", path, std::strerror(reason),
                               cut ? "; the rows before are complete" : ""));
  }
};

namespace {

/// One cell a column, with commas between; cell(name, value) for each.
template <class Cell>
std::string trace_line(const Row& row, bool with_accuracy, Cell cell) {
  std::string line;
  for_each_column(row, [&](const char* name, const auto& value) {
    constexpr bool kOptional = std::is_same_v<std::decay_t<decltype(value)>, std::optional<double>>;
    if (kOptional && !with_accuracy) return;
    if (!line.empty()) line += ',';
    if constexpr (kOptional) {
      line += cell(name, value.value_or(0));
    } else {
      line += cell(name, value);
    }
  });
  return line + "\n";
}

std::string trace_header(bool with_accuracy) {
  return trace_line({}, with_accuracy, [](const char* name, auto) { return std::string(name); });
}

constexpr const char* kTimingHeader = "round,seconds,bytes_sent,bytes_received\n";

struct Lines {
  std::uintmax_t length = 0;
  std::uint32_t checksum = 0;
};

/// Those up to the row of that round. Only whole lines count: the last one may be cut off.
Lines lines_until(const std::string& path, const std::string& header, std::size_t last_round) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  const std::string last = fmt::format("{},", last_round);
  Lines lines;
  for (std::string line; std::getline(file, line) && !file.eof();) {
    line += '\n';
    if (lines.length == 0 && line != header) break;
    lines.length += line.size();
    lines.checksum = checksum_of(line, lines.checksum);
    if (line.starts_with(last)) return lines;
  }
  if (lines.length == 0) {
    throw InputError(fmt::format("{}: is not the file of this run; need the header {}", path,
                                 header.substr(0, header.size() - 1)));
  }
  throw InputError(
      fmt::format("{}: has no row of round {}, after which the checkpoint was made", path, last_round));
}

}  // namespace

FileRecorder::FileRecorder(const std::string& folder, bool with_accuracy)
    : trace_(std::make_unique<File>(folder + "/trace.csv")),
      timing_(std::make_unique<File>(folder + "/timing.csv")),
      with_accuracy_(with_accuracy) {
  trace_->line(trace_header(with_accuracy));
  timing_->line(kTimingHeader);
}

FileRecorder::FileRecorder(const std::string& folder, bool with_accuracy, const Progress& from)
    : with_accuracy_(with_accuracy) {
  const std::string trace = folder + "/trace.csv";
  const std::string timing = folder + "/timing.csv";
  const Lines of_trace = lines_until(trace, trace_header(with_accuracy), from.last.round);
  const Lines of_timing = lines_until(timing, kTimingHeader, from.last.round);
  if (of_trace.checksum != from.trace_checksum)
    throw InputError(fmt::format("{}: was changed since the checkpoint was made", trace));
  trace_ =
      std::make_unique<File>(trace, of_trace.length, of_trace.checksum);  // both will do: now they may be cut
  timing_ = std::make_unique<File>(timing, of_timing.length, of_timing.checksum);
}

std::uint32_t FileRecorder::sync() {
  trace_->sync();
  timing_->sync();
  return trace_->checksum;
}

FileRecorder::~FileRecorder() = default;

void FileRecorder::record(const Row& r, const Timing& timing) {
  trace_->line(
      trace_line(r, with_accuracy_, [](const char*, auto value) { return fmt::format("{}", value); }));
  timing_->line(
      fmt::format("{},{:.6f},{},{}\n", r.round, timing.seconds, timing.bytes_sent, timing.bytes_received));
}

const std::vector<double>* Table::column(const std::string& name) const {
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (columns[c] == name) return &values[c];
  }
  return nullptr;
}

Table read_table(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw InputError(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  Table table;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (file.eof() && number > 1) break;  // a row that was cut off has no end of line
    std::size_t column = 0;
    for (std::size_t begin = 0; begin <= line.size(); ++column) {
      const std::size_t comma = std::min(line.find(',', begin), line.size());
      const std::string_view cell = std::string_view(line).substr(begin, comma - begin);
      begin = comma + 1;
      if (number == 1) {
        table.columns.emplace_back(cell);
        table.values.emplace_back();
        continue;
      }
      double value = 0;
      const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
      if (column >= table.columns.size() || error != std::errc{} || end != cell.data() + cell.size()) {
        throw InputError(fmt::format("{}:{}: not a row of {} numbers", path, number, table.columns.size()));
      }
      table.values[column].push_back(value);
    }
    if (number > 1 && column != table.columns.size()) {
      throw InputError(fmt::format("{}:{}: not a row of {} numbers", path, number, table.columns.size()));
    }
  }
  if (table.columns.size() < 2 || table.values[0].empty())
    throw InputError(fmt::format("{}: holds no rows", path));
  return table;
}

}  // namespace laconic
