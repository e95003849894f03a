// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/trace.h"

#include <charconv>
#include <cmath>
#include <sstream>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/read_whole.h"
#include "laconic/report/line_file.h"

namespace laconic {

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
      if (value) line += cell(name, *value);
    } else {
      line += cell(name, value);
    }
  });
  return line + "\n";
}

std::string trace_header(bool with_accuracy) {
  const Row row{.train_accuracy = 0, .test_accuracy = 0};
  return trace_line(row, with_accuracy, [](const char* name, auto) { return std::string(name); });
}

constexpr const char* kTimingHeader = "round,seconds,bytes_sent,bytes_received\n";

constexpr ColumnRow kTraceColumns[] = {
    {"round", "", "the number of the round; row 0 is the starting point"},
    {"f", "", "the objective at the method's point; without a server, at the mean of the nodes' models"},
    {"grad_norm_sq", "", "the squared norm of the true gradient at that point"},
    {"uplink_floats", "values",
     "values sent by a client since the start, mean over the clients, without indices"},
    {"uplink_bits", "bits", "bits of the messages sent by a client since the start, mean over the clients"},
    {"downlink_bits", "bits", "bits of the messages sent to a client since the start, mean over the clients"},
    {"oracle_calls", "gradients",
     "single-sample gradients computed by a client since the start, mean over the clients"},
    {"participants", "messages", "messages that were used in this round"},
    {"step", "", "the step in use: gamma, or the local step of methods with local steps"},
    {"consensus", "",
     "the mean squared distance of the nodes' models from their mean, (1/n) sum |x_i - mean|^2; 0 with a "
     "server"},
    {"network_seconds", "s",
     "time on the modelled clock since the start; 0 without network=, compute= or delays"},
    {"train_accuracy", "share",
     "share of the training rows classified correctly; only of problems that classify"},
    {"test_accuracy", "share", "share of the test rows classified correctly; empty if there is no test set"},
    {"downlink_floats", "values", "values sent to a client since the start, mean over the clients"},
};

constexpr ColumnRow kTimingColumns[] = {
    {"round", "", "the number of the round"},
    {"seconds", "s", "real time since the start of the run, with evaluations"},
    {"bytes_sent", "bytes", "bytes that the processes of the run really sent to each other"},
    {"bytes_received", "bytes", "bytes that the processes of the run really received from each other"},
};

}  // namespace

std::span<const ColumnRow> trace_columns() { return kTraceColumns; }

std::span<const ColumnRow> timing_columns() { return kTimingColumns; }

FileRecorder::FileRecorder(const std::string& folder, bool with_accuracy)
    : trace_(std::make_unique<LineFile>(folder + "/trace.csv")),
      timing_(std::make_unique<LineFile>(folder + "/timing.csv")),
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
  trace_ = std::make_unique<LineFile>(trace, of_trace);  // both files are valid, so they may be cut now
  timing_ = std::make_unique<LineFile>(timing, of_timing);
}

std::uint32_t FileRecorder::sync() {
  trace_->sync();
  timing_->sync();
  return trace_->checksum();
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
  std::istringstream file(read_whole(path));
  Table table;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (file.eof() && number > 1) break;  // a row without a newline was cut off
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
      double value = std::nan("");
      const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
      const bool is_number = error == std::errc{} && end == cell.data() + cell.size();
      if (column >= table.columns.size() || !(cell.empty() || is_number)) {
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
