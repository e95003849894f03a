// SPDX-License-Identifier: Apache-2.0
// The MPI launcher that started this process, as its environment describes it.
#pragma once

#include <cstddef>
#include <optional>

namespace laconic::cli {

/// How many processes mpirun or srun says it has started; nothing where no launcher did, so that a plain run
/// never touches MPI.
std::optional<std::size_t> ranks_of_launcher();

/// Whether that launcher lets the others go on when one dies: mpirun --enable-recovery.
bool launcher_outlives_ranks();

}  // namespace laconic::cli
