// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "laconic/laconic.h"
using namespace laconic;

int main() {
  ThreadPool pool(2);
  Fleet fleet(pool);
  const auto problem = make_problem(parse("quadratic(d=1000, s=0.8)"), {.clients = 100});
  const MethodSetting setting{.problem = *problem, .constants = problem->constants(fleet)};
  for (const char* name : {"gd", "marina(rand-k(1%))", "marina(perm-k)"}) {
    const Assembly assembly = assemble(parse(name), setting);
    const auto method = make_method(assembly, resolve(parse_step("theory"), assembly));
    MemoryRecorder trace;
    solve(*problem, *method, fleet, {.rounds = 100000, .target = 1e-4, .max_bits = 5e6}, trace);
    const Row& last = trace.rows.back();
    std::printf("%-18s %6zu rounds, %5.2f Mbit a client: |grad f|^2 = %.1e\n", name, last.round,
                last.uplink_bits / 1e6, last.grad_norm_sq);
  }
}
