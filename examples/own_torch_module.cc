// SPDX-License-Identifier: Apache-2.0
// A user-defined torch::nn module, trained by SAVIC: ten clients, each with some of the classes, and little
// communication.
#include <cstdio>

#include <torch/nn.h>

#include "laconic/data/generated.h"
#include "laconic/laconic.h"
#include "laconic/torch/torch_problem.h"
using namespace laconic;
namespace nn = torch::nn;

int main() {
  // 600 rows of 20 numbers, in two classes that are not linearly separable.
  const Dataset data = generate({.rows = 600, .columns = 20, .nnz = 20}, 0);
  const Shards shards = split_rows(parse("by-label"), data.labels, 10, 1);
  const auto network = [] {
    return nn::Sequential(nn::Linear(20, 32), nn::GELU(), nn::LayerNorm(nn::LayerNormOptions({32})),
                          nn::Linear(32, 2));
  };
  const auto problem = make_torch_problem(network, data, shards, {.lambda = 1e-4});

  ThreadPool pool(2);
  Fleet fleet(pool);
  const Assembly assembly = assemble(parse("savic(adam, steps=5)"), {.problem = *problem, .batch = 20});
  const auto method = make_method(assembly, 0.005);
  MemoryRecorder trace;
  solve(*problem, *method, fleet, {.rounds = 40, .eval_every = 10}, trace);
  for (const Row& row : trace.rows)
    std::printf("round %2zu: loss %.4f, %.2f Mbit a client\n", row.round, row.f, row.uplink_bits / 1e6);
  return trace.rows.back().f < 0.5 * trace.rows.front().f ? 0 : 1;
}
