// SPDX-License-Identifier: Apache-2.0
#include "cli/main.h"

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "cli/command_line.h"
#include "cli/launcher.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/core/error.h"
#include "laconic/core/failure.h"
#include "laconic/transport/agreement.h"
#include "laconic/transport/mpi.h"

namespace laconic::cli {
namespace {

void complain(const std::string& message) { print_err("laconic: {}\n", message); }

int main_alone(int argc, char** argv) {
  try {
    return run_program(argc, argv, *laconic::alone(), 1);
  } catch (...) {
    const Failure failure = failure_in_flight();
    complain(failure.message);
    return exit_code_of(failure.kind);
  }
}

int main_of_many(int argc, char** argv, std::size_t launched) {
  MpiSession mpi(launcher_outlives_ranks());
  const std::size_t rank = mpi.world().rank();
  try {
    // Otherwise each process would act as the only one, and all would write the same files.
    if (mpi.world().size() != launched) {
      throw InputError(
          fmt::format("the launcher started {} processes, but Open MPI connects {}; use Open MPI's mpirun, "
                      "or srun --mpi=pmix",
                      launched, mpi.world().size()));
    }
    // Ranks with different verbs would wait for each other for ever.
    require_same(mpi.world(), fmt::format("the verb \"{}\"", argc > 1 ? argv[1] : ""));
    return run_program(argc, argv, mpi.world(), mpi.ranks_on_this_machine());
  } catch (const SharedFailure&) {
    const Failure failure = failure_in_flight();
    if (rank == 0) complain(failure.message);
    return exit_code_of(failure.kind);
  } catch (...) {
    const Failure failure = failure_in_flight();
    if (mpi.world().size() == 1) {
      complain(failure.message);
      return exit_code_of(failure.kind);
    }
    // The other ranks are in a round and would wait for ever, so abort them. If all ranks fail alike, rank 0
    // prints the message: it aborts the others while they sleep here.
    if (rank > 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
    complain(fmt::format("rank {}: {}", rank, failure.message));
    mpi.abort(exit_code_of(failure.kind));
  }
}

}  // namespace

int exit_code_of(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::none:
      return kDone;
    case Failure::Kind::input:
      return kWrongInput;
    case Failure::Kind::interrupt:
      return exit_code_of(Request::interrupt);
    case Failure::Kind::terminate:
      return exit_code_of(Request::terminate);
    case Failure::Kind::run:
      break;
  }
  return kFailed;
}

int main(int argc, char** argv) {
  open_standard_streams();
  hear_checkpoint_requests();
  const std::optional<std::size_t> launched = ranks_of_launcher();
  return launched ? main_of_many(argc, argv, *launched) : main_alone(argc, argv);
}

}  // namespace laconic::cli
