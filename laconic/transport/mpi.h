// SPDX-License-Identifier: Apache-2.0
// Ranks that are processes started by an MPI launcher. The MPI library's own
// header is included by mpi.cc alone.
#pragma once

#include <cstddef>
#include <memory>

#include "laconic/transport/transport.h"

namespace laconic {

/// MPI from its initialisation to its end: at most one in the life of a process, made
/// and used by the main thread.
class MpiSession {
 public:
  /// `outlives_ranks`: the launcher lets the job go on when a rank dies; then ranks do not meet at the end.
  explicit MpiSession(bool outlives_ranks);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  /// All ranks of the launch. Everything moves point to point and nonblocking, straight from rank to rank.
  /// Its calls throw nothing: MPI ends the whole job when a peer is lost.
  [[nodiscard]] Transport& world() { return *world_; }

  /// How many ranks of the launch run on this rank's machine, itself included. Collective.
  [[nodiscard]] std::size_t ranks_on_this_machine() const;

  /// Ends every rank with this exit code, wherever they are.
  [[noreturn]] void abort(int exit_code);

 private:
  bool outlives_ranks_;
  std::unique_ptr<Transport> world_;
};

}  // namespace laconic
