// SPDX-License-Identifier: Apache-2.0
// A checkpoint: the state of a run between two rounds, on disk, in a folder that all ranks see:
//
//   17.2-of-4.part   round 17, rank 2 of 4: the vectors of its clients; rank 0 also writes the shared vectors
//   manifest.json    the parts of the newest checkpoint, the identity of the run, and its progress
//
// Every rank writes its own part. When all parts are complete, rank 0 replaces the manifest, and then removes
// the parts of the previous checkpoint. So at any time the manifest names complete parts, even if the run is
// killed. Every file has a version and a checksum (CRC-32).
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
  /// Checkpoints in this folder, which need not exist yet. `identity` describes the run (description, data,
  /// constants), one fact a line: only a run with the same identity can read the checkpoint.
  Checkpoints(std::string folder, std::string identity);

  /// Makes the folder if it is missing, ahead of the first save(). Throws InputError on failure.
  void make_folder();

  /// Whether the folder holds a complete checkpoint. Throws InputError if this cannot be determined.
  static bool any(const std::string& folder);

  /// Collective. Cost: writes the bytes of the state to the disk. Throws RunError, on this rank only, if a
  /// file cannot be written; the previous checkpoint is still complete then.
  void save(Fleet& fleet, const Progress& progress, const State& state);

  /// Restores the state of a method with this number of clients, `own` on this rank, and returns the progress
  /// of the run. The number of ranks that wrote the checkpoint may differ. Throws InputError, naming the
  /// file, if the checkpoint is damaged, incomplete, of another version, or of another run (then also naming
  /// the fact that differs).
  Progress load(const State& state, std::size_t clients, Range own);

  /// Removes files of checkpoints other than the one loaded: a process that is killed leaves such files.
  /// Other files in the folder stay. Call it only while no rank saves.
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
  bool folder_made_ = false;    // set once: if the folder is removed later, save() fails
};

}  // namespace laconic
