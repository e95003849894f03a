// SPDX-License-Identifier: Apache-2.0
#include "cli/launcher.h"

#include <cstdlib>
#include <string_view>

namespace laconic::cli {
namespace {

std::optional<std::size_t> number_of(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return {};
  return std::strtoull(text, nullptr, 10);
}

}  // namespace

std::optional<std::size_t> ranks_of_launcher() {
  // Set by mpirun of Open MPI; by mpiexec of MPICH and srun --mpi=pmi2; by srun of any kind. A batch script
  // that calls the program without srun has no step and is one process.
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    if (const auto ranks = number_of(variable)) {
      // A step with one task may contain a launcher, as when a job script calls mpirun.
      if (*ranks > 1 || std::string_view(variable) != "SLURM_STEP_NUM_TASKS") return ranks;
    }
  }
  return {};
}

bool launcher_outlives_ranks() {
  const char* text = std::getenv("OMPI_MCA_orte_enable_recovery");
  return text != nullptr && std::string_view("1tTyY").find(text[0]) != std::string_view::npos;
}

}  // namespace laconic::cli
