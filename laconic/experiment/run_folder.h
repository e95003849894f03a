// SPDX-License-Identifier: Apache-2.0
// The folder of a run or a sweep, which belongs to one process (rank 0) at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "laconic/report/checkpoint.h"
#include "laconic/report/file.h"

namespace laconic {

/// InputError where no file can be written under that name (report/file.h), or it is one that a run, a sweep
/// or a reproduction writes into its folder. Links are followed.
void require_output(const std::string& path);

/// Of the number-th of several figures, from 1: map.svg, map-2.svg, ...
std::string numbered(const std::string& path, std::size_t number);

class RunFolder {
 public:
  static constexpr const char* kCheckpoint = "checkpoint";  // a folder in it

  /// Only names the folder. `patience`: with a process that still works in it when it is to be taken, as one
  /// that was killed may for a while.
  explicit RunFolder(std::string path, std::chrono::milliseconds patience = std::chrono::seconds(10))
      : path_(std::move(path)), patience_(patience) {}
  /// Where the folder was taken for a new run that never began, it is left as it was found.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] bool has(const std::string& name) const;

  /// Whether there is a run in it, if only one that has not begun.
  [[nodiscard]] bool is_described() const;
  /// The file that describes the run: run.toml, or, where another run will make way for it, run.toml.next.
  [[nodiscard]] std::string description() const;
  /// Whether the run has ended, whichever way.
  [[nodiscard]] bool is_finished() const;
  [[nodiscard]] bool has_checkpoint() const;
  /// Whether the run has left that file; not where it is another's, that will make way.
  [[nodiscard]] bool holds(const std::string& name) const;

  /// Makes the folder where needed, takes it for a new run, and writes its description. An earlier run is an
  /// InputError or, with `force`, left as it is until keep(). So is a folder that cannot be made or written,
  /// or that a process still works in.
  void take(bool force, const std::string& run_toml);
  /// Takes the folder to go on with the run in it. InputError where it holds none, or a
  /// process still works in it.
  void take_up();

  /// The new run is in order: clears what an earlier one left.
  void clear();
  /// It has begun: from here on the folder is its own.
  void keep();

  /// The run has ended, and everything about it is written. RunError where a file was lost on the way.
  void finish();

 private:
  /// Until this process ends or the object does.
  void lock();
  /// What a process that was killed was about to write.
  void remove_leftovers() const;

  std::string path_;
  std::chrono::milliseconds patience_;
  int lock_ = -1;
  std::optional<NewFolders> made_;    // until keep()
  std::optional<std::string> wrote_;  // the description; until keep()
};

}  // namespace laconic
