// SPDX-License-Identifier: Apache-2.0
// The same run on as many processes as mpirun starts: each keeps the data of its own clients.
//   mpirun -n 4 example_mpi
#include <cstdio>

#include "laconic/laconic.h"
using namespace laconic;

int main() {
  MpiSession mpi(/*outlives_ranks=*/false);
  ThreadPool pool(1);
  Fleet fleet(pool, mpi.world());
  const Range own = block_of(100, mpi.world().rank(), mpi.world().size());
  const auto problem =
      make_problem(parse("quadratic(d=1000, s=0.8)"), {.clients = 100, .own = IndexSet(own)});
  const Assembly assembly =
      assemble(parse("marina(perm-k)"), {.problem = *problem, .constants = problem->constants(fleet)});
  const auto method = make_method(assembly, resolve(parse_step("theory"), assembly));
  MemoryRecorder trace;
  const Summary summary = solve(*problem, *method, fleet, {.rounds = 500}, trace);  // all ranks together
  if (mpi.world().rank() == 0)
    std::printf("%zu ranks: f = %.17g after %zu rounds\n", mpi.world().size(), summary.last.f,
                summary.rounds);
}
