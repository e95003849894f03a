// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include <benchmark/benchmark.h>

#include "laconic/core/cpu.h"
#include "laconic/core/error.h"

int main(int argc, char** argv) {
  try {
    laconic::use_cpu_of_environment();
  } catch (const laconic::InputError& error) {
    std::fprintf(stderr, "laconic_bench: %s\n", error.what());
    return 1;
  }
  benchmark::AddCustomContext("cpu", std::string(laconic::used_cpu()));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
