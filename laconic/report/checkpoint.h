// SPDX-License-Identifier: Apache-2.0
// A run between two rounds, on disk, in a folder that all ranks see:
//
//   17.2-of-4.part   round 17, rank 2 of 4: the vectors of its workers; of rank 0 also what all ranks share
//   manifest.json    which parts make the newest checkpoint, of what run, and where it stands
//
// Every rank writes its own part. When all parts are whole, rank 0 replaces the manifest, and then removes
// the parts of the checkpoint before. So whenever a run is killed, the manifest names parts that are whole.
// Every file has a version and a checksum (CRC-32).
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "laconic/core/range.h"
#include "laconic/report/trace.h"
#include "laconic/rounds/method.h"
#include "laconic/transport/fleet.h"

namespace laconic {

class Checkpoints {
 public:
  /// In this folder, which need not exist yet. `identity` is what makes the run what it is (description, data,
  /// constants), one fact a line: only the run that wrote a checkpoint reads it.
  Checkpoints(std::string folder, std::string identity);

  /// Makes the folder where needed, before the first save() does. Throws InputError when that fails.
  void make_folder();

  /// Whether the folder holds a whole checkpoint. Throws InputError where that cannot be seen.
  static bool any(const std::string& folder);

  /// Collective. Cost: the bytes of the state, to the disk. Throws RunError, on this rank only, when a file
  /// cannot be written; the checkpoint before is still whole then.
  void save(Fleet& fleet, const Progress& progress, const State& state);

  /// Restores the state of a method with so many workers, of which this rank owns some, and returns
  /// where the run stood. Whatever the number of ranks that wrote it. Throws InputError, naming the
  /// file, when the checkpoint is damaged, incomplete, of another version, or of another run (then with
  /// the fact in which they differ).
  Progress load(const State& state, std::size_t workers, Range own);

  /// Removes files of other checkpoints than the one loaded: a process that is killed leaves them. Other files
  /// in the folder stay. While no rank saves.
  void remove_leftovers() const;

 private:
  struct Manifest;
  struct Saved {
    std::size_t round, ranks;
  };
  [[nodiscard]] Manifest read_manifest() const;
  [[nodiscard]] std::string manifest_path() const;
  [[nodiscard]] std::string part_path(std::size_t round, std::size_t rank, std::size_t ranks) const;

  std::string folder_;
  std::string identity_;
  std::optional<Saved> saved_;  // the newest
  bool folder_made_ = false;    // one that is lost later is missed
};

}  // namespace laconic
