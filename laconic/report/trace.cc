// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/trace.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {

struct FileRecorder::File {
  explicit File(std::string path_of) : path(std::move(path_of)), handle(std::fopen(path.c_str(), "wx")) {
    if (handle == nullptr && errno == EEXIST) throw InputError(fmt::format("{}: another run has it", path));
    if (handle == nullptr) throw InputError(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
  }
  ~File() {
    if (handle != nullptr) std::fclose(handle);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void line(const std::string& text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), handle) == text.size();
    if (!written || std::fflush(handle) != 0) {
      throw RunError(
          fmt::format("{}: cannot write: {}; the rows before are complete", path, std::strerror(errno)));
    }
  }

  std::string path;
  std::FILE* handle;
};

FileRecorder::FileRecorder(const std::string& folder, bool with_accuracy)
    : trace_(std::make_unique<File>(folder + "/trace.csv")),
      timing_(std::make_unique<File>(folder + "/timing.csv")),
      with_accuracy_(with_accuracy) {
  trace_->line(
      fmt::format("round,f,grad_norm_sq,uplink_floats,uplink_bits,downlink_bits,oracle_calls,participants,"
                  "step,consensus,network_seconds{}\n",
                  with_accuracy ? ",train_accuracy,test_accuracy" : ""));
  timing_->line("round,seconds,bytes_sent,bytes_received\n");
}

FileRecorder::~FileRecorder() = default;

void FileRecorder::record(const Row& r, const Timing& timing) {
  std::string line = fmt::format("{},{},{},{},{},{},{},{},{},{},{}", r.round, r.f, r.grad_norm_sq,
                                 r.uplink_floats, r.uplink_bits, r.downlink_bits, r.oracle_calls,
                                 r.participants, r.step, r.consensus, r.network_seconds);
  if (with_accuracy_)
    line += fmt::format(",{},{}", r.train_accuracy.value_or(0), r.test_accuracy.value_or(0));
  trace_->line(line + "\n");
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
