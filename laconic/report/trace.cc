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
#include <unistd.h>

#include "laconic/core/error.h"

namespace laconic {

struct FileRecorder::File {
  explicit File(std::string path_of) : path(std::move(path_of)), handle(std::fopen(path.c_str(), "wx")) {
    if (handle == nullptr && errno == EEXIST) throw InputError(fmt::format("{}: another run has it", path));
    if (handle == nullptr) refuse();
  }
  /// Goes on after a length that length_until() has found.
  File(std::string path_of, std::uintmax_t length) : path(std::move(path_of)) {
    std::error_code error;
    std::filesystem::resize_file(path, length, error);
    if (error) throw InputError(fmt::format("{}: cannot shorten: {}", path, error.message()));
    handle = std::fopen(path.c_str(), "ab");
    if (handle == nullptr) refuse();
  }
  ~File() {
    if (handle != nullptr) std::fclose(handle);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void line(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), handle) != text.size() || std::fflush(handle) != 0) lose();
  }

  void sync() {
    if (fsync(fileno(handle)) != 0) lose();
  }

  std::string path;
  std::FILE* handle = nullptr;

 private:
  [[noreturn]] void refuse() const {
    throw InputError(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
  }
  [[noreturn]] void lose() const {
    throw RunError(
        fmt::format("{}: cannot write: {}; the rows before are complete", path, std::strerror(errno)));
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

/// Bytes up to the end of the row of that round. Only whole lines count: the last one may be cut off.
std::uintmax_t length_until(const std::string& path, const std::string& header, std::size_t last_round) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line) || line + "\n" != header) {
    throw InputError(fmt::format("{}: is not the file of this run; need the header {}", path,
                                 header.substr(0, header.size() - 1)));
  }
  for (std::uintmax_t length = header.size(); std::getline(file, line) && !file.eof();) {
    length += line.size() + 1;
    if (line.starts_with(fmt::format("{},", last_round))) return length;
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

FileRecorder::FileRecorder(const std::string& folder, bool with_accuracy, std::size_t last_round)
    : with_accuracy_(with_accuracy) {
  const std::string trace = folder + "/trace.csv";
  const std::string timing = folder + "/timing.csv";
  const std::uintmax_t of_trace = length_until(trace, trace_header(with_accuracy), last_round);
  const std::uintmax_t of_timing = length_until(timing, kTimingHeader, last_round);
  trace_ = std::make_unique<File>(trace, of_trace);  // both will do: now they may be cut
  timing_ = std::make_unique<File>(timing, of_timing);
}

void FileRecorder::sync() {
  trace_->sync();
  timing_->sync();
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
