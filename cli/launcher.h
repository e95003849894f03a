// SPDX-License-Identifier: Apache-2.0
// The MPI launcher that started this process, as its environment describes it.
#pragma once

#include <cstddef>
#include <optional>

namespace laconic::cli {

/// The number of processes that mpirun or srun started. Nothing if no launcher started this process; a plain
/// run then never calls MPI.
std::optional<std::size_t> ranks_of_launcher();

/// Whether the launcher lets the other ranks continue when one dies: mpirun --enable-recovery.
bool launcher_outlives_ranks();

}  // namespace laconic::cli
