// SPDX-License-Identifier: Apache-2.0
// Ranks as processes started by an MPI launcher. Only mpi.cc includes <mpi.h>.
#pragma once

#include <cstddef>
#include <memory>

#include "laconic/transport/transport.h"

namespace laconic {

/// MPI from its initialisation to its end. At most one per process; the main thread must create and use it.
class MpiSession {
 public:
  /// `outlives_ranks`: the launcher continues the job when a rank dies. The ranks then do not wait for each
  /// other at the end.
  explicit MpiSession(bool outlives_ranks);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  /// All ranks of the launch. All transfers are point to point and nonblocking, directly between ranks. Its
  /// calls throw nothing: MPI ends the whole job if a peer is lost.
  [[nodiscard]] Transport& world() { return *world_; }

  /// The number of ranks of the launch on this rank's machine, including this rank.
  [[nodiscard]] std::size_t ranks_on_this_machine() const { return ranks_on_this_machine_; }

  /// Ends every rank, on all machines, with this exit code.
  [[noreturn]] void abort(int exit_code);

 private:
  bool outlives_ranks_;
  std::size_t ranks_on_this_machine_ = 1;
  std::unique_ptr<Transport> world_;
};

}  // namespace laconic
