// SPDX-License-Identifier: Apache-2.0
// The rows of a run: the measurements of an evaluated round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace laconic {

/// Costs are cumulative, per client where noted. Contains no real time, so that two runs can be compared byte
/// by byte. Columns without meaning for a method are 0; an accuracy that is not measured is empty.
struct Row {
  std::size_t round = 0;
  double f = 0;
  double grad_norm_sq = 0;
  double uplink_floats = 0;      // mean per client
  double uplink_bits = 0;        // mean per client
  double downlink_bits = 0;      // mean per client
  double oracle_calls = 0;       // single-sample gradients, mean per client
  std::size_t participants = 0;  // messages in this round
  double step = 0;
  double consensus = 0;
  double network_seconds = 0;            // modelled (cost/clock.h)
  std::optional<double> train_accuracy;  // if the problem classifies
  std::optional<double> test_accuracy;   // if there is a test set
  double downlink_floats = 0;            // values that the server sent, mean per client
};

/// visit(name, member) for each column, in the order of the file. trace_columns() describes them.
template <class RowOrConst, class Visit>
void for_each_column(RowOrConst& row, Visit visit) {
  visit("round", row.round);
  visit("f", row.f);
  visit("grad_norm_sq", row.grad_norm_sq);
  visit("uplink_floats", row.uplink_floats);
  visit("uplink_bits", row.uplink_bits);
  visit("downlink_bits", row.downlink_bits);
  visit("oracle_calls", row.oracle_calls);
  visit("participants", row.participants);
  visit("step", row.step);
  visit("consensus", row.consensus);
  visit("network_seconds", row.network_seconds);
  visit("train_accuracy", row.train_accuracy);
  visit("test_accuracy", row.test_accuracy);
  visit("downlink_floats", row.downlink_floats);
}

/// A column of a file, for `laconic help`.
struct ColumnRow {
  const char* name;
  const char* unit;  // empty: a number without a unit
  const char* summary;
};
/// The columns of trace.csv, in the order of for_each_column(), and those of timing.csv.
std::span<const ColumnRow> trace_columns();
std::span<const ColumnRow> timing_columns();

/// The cost of a run on this machine up to a row, since the start and including evaluations. Differs between
/// equal runs.
struct Timing {
  double seconds = 0;
  std::uint64_t bytes_sent = 0;  // by this process to others
  std::uint64_t bytes_received = 0;
};

/// Receives the rows as they happen.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(const Row& row, const Timing& timing) = 0;
  /// After every round, evaluated or not; for progress bars.
  virtual void tick(std::size_t /*round*/) {}
  /// Brings the recorded rows to the disk, and returns their checksum: a checkpoint relies on it.
  virtual std::uint32_t sync() { return 0; }
};

/// Keeps the rows in memory.
class MemoryRecorder final : public Recorder {
 public:
  void record(const Row& row, const Timing& /*timing*/) override { rows.push_back(row); }
  std::vector<Row> rows;
};

/// The progress of a run after a round, in addition to the state of its method.
struct Progress {
  std::size_t round = 0;
  Timing timing;                     // rank 0's, summed over all processes of the run
  double network_seconds = 0;        // modelled, up to this round
  Row last;                          // the last row recorded
  std::uint32_t trace_checksum = 0;  // Recorder::sync()
};

class LineFile;

/// Writes trace.csv and timing.csv in an existing folder. Each row is complete in its file before the next
/// round, so the files stay readable even if the run is killed. Throws RunError if a write fails (a full
/// disk), in which case the files end with the previous row. sync() also throws if a file was removed
/// meanwhile.
class FileRecorder : public Recorder {
 public:
  /// Makes both files. Throws InputError if the folder holds one of them or they cannot be made.
  FileRecorder(const std::string& folder, bool with_accuracy);
  /// Continues both files after the last row, and cuts off what a killed run wrote after it. Throws
  /// InputError if they do not hold that row, or hold another trace before it.
  FileRecorder(const std::string& folder, bool with_accuracy, const Progress& from);
  ~FileRecorder() override;
  FileRecorder(const FileRecorder&) = delete;
  FileRecorder& operator=(const FileRecorder&) = delete;

  std::uint32_t sync() override;
  void record(const Row& row, const Timing& timing) override;

 private:
  std::unique_ptr<LineFile> trace_;
  std::unique_ptr<LineFile> timing_;
  bool with_accuracy_;
};

/// A trace read from a file: column names and, for each column, the values. An empty cell is NaN. read_table()
/// throws InputError if the file is not a table of numbers.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<double>> values;  // values[column][row]

  /// nullptr if there is no such column.
  [[nodiscard]] const std::vector<double>* column(const std::string& name) const;
};
Table read_table(const std::string& path);

}  // namespace laconic
