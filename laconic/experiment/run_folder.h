// SPDX-License-Identifier: Apache-2.0
// The folder of a run or a sweep. One process (rank 0) owns it at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "laconic/report/checkpoint.h"
#include "laconic/report/file.h"

namespace laconic {

/// InputError if no file can be written at the path (report/file.h), or if it is a path that a run, a sweep
/// or a reproduction writes in its folder. Links are followed.
void require_output(const std::string& path);

/// The path of the number-th figure, from 1: map.svg, map-2.svg, ...
std::string numbered(const std::string& path, std::size_t number);

class RunFolder {
 public:
  static constexpr const char* kCheckpoint = "checkpoint";  // a folder in this folder
  static constexpr const char* kTerms = "terms.json";       // only of a run across sites (sites/terms.h)

  /// Does not touch the folder. `patience` is how long take() and take_up() wait for another process that
  /// still holds the folder, for example because it was killed and has not ended yet.
  explicit RunFolder(std::string path, std::chrono::milliseconds patience = std::chrono::seconds(10))
      : path_(std::move(path)), patience_(patience) {}
  /// If the folder was taken for a new run that never began, it is restored to its earlier state.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] bool has(const std::string& name) const;

  /// Whether the folder describes a run, even one that has not begun.
  [[nodiscard]] bool is_described() const;
  /// The path of the valid description: run.toml, or run.toml.next if a new run will replace the one in the
  /// folder.
  [[nodiscard]] std::string description() const;
  /// Whether the run has ended, for any reason.
  [[nodiscard]] bool is_finished() const;
  [[nodiscard]] bool has_checkpoint() const;
  /// Whether the described run wrote that file. False for files of a run that will be replaced.
  [[nodiscard]] bool holds(const std::string& name) const;

  /// Makes the folder if needed, takes it for a new run, and writes its description. If it holds an earlier
  /// run, throws InputError; with `force` that run stays unchanged until clear(). Throws InputError if the
  /// folder cannot be made or written, or if another process holds it.
  void take(bool force, const std::string& run_toml);
  /// Takes the folder to resume its run. InputError if it holds no run, or if another process holds it.
  void take_up();

  /// Deletes the files of an earlier run. Call once the new run has been checked.
  void clear();
  /// Call once the run has begun: the destructor no longer restores the folder.
  void keep();

  /// Call once the run has ended and all its files are written. RunError if a file was lost meanwhile.
  void finish();

 private:
  /// Holds the lock until this object or this process ends.
  void lock();
  /// Deletes unfinished files of a process that was killed.
  void remove_leftovers() const;

  std::string path_;
  std::chrono::milliseconds patience_;
  int lock_ = -1;
  std::optional<NewFolders> made_;    // until keep()
  std::optional<std::string> wrote_;  // the description; until keep()
};

}  // namespace laconic
