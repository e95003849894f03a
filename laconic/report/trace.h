// SPDX-License-Identifier: Apache-2.0
// The rows of a run: what is known at an evaluated round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace laconic {

/// Cumulative where it counts; per client where it says so. No clock in here, so that two runs can be
/// compared byte by byte. Columns without meaning for a method hold 0.
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
  std::optional<double> train_accuracy;  // where the problem classifies
  std::optional<double> test_accuracy;   // 0 in the file where there is no test set
};

/// visit(name, member) for each column, in the order of the file.
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
}

/// What a row has cost on this machine, since the start of the run and evaluations
/// included. Never the same twice.
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
  /// Brings to the disk what was recorded, and returns its checksum: a checkpoint
  /// that follows will rely on it.
  virtual std::uint32_t sync() { return 0; }
};

/// Keeps the rows in memory.
class MemoryRecorder final : public Recorder {
 public:
  void record(const Row& row, const Timing& /*timing*/) override { rows.push_back(row); }
  std::vector<Row> rows;
};

/// Where a run stands after a round, besides what its method remembers.
struct Progress {
  std::size_t round = 0;
  Timing timing;                     // rank 0's, over all the processes that the run has had
  double network_seconds = 0;        // modelled, to here
  Row last;                          // the last row recorded
  std::uint32_t trace_checksum = 0;  // Recorder::sync()
};

class LineFile;

/// trace.csv and timing.csv in an existing folder, each row complete in its file before the next round, so
/// that they stay readable whatever happens to the run. Throws RunError when a write fails (a full disk): the
/// files then end with the row before; and from sync() when a file was removed meanwhile.
class FileRecorder : public Recorder {
 public:
  /// Makes both files; an InputError where the folder holds one of them or they cannot be made.
  FileRecorder(const std::string& folder, bool with_accuracy);
  /// Goes on with both files after the last row; what a run that was killed wrote behind it is cut off. An
  /// InputError where they do not hold that row, or another trace before it.
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

/// A trace read back: column names and, per column, the values. Throws InputError where it is not a table of
/// numbers.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<double>> values;  // values[column][row]

  /// nullptr when there is no such column.
  [[nodiscard]] const std::vector<double>* column(const std::string& name) const;
};
Table read_table(const std::string& path);

}  // namespace laconic
