// SPDX-License-Identifier: Apache-2.0
// The overhead of a round over its gradients: messages, the fold, the step, the evaluation. One thread.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/timing.h"
#include "laconic/laconic.h"

namespace laconic {
namespace {

double seconds_of(auto&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Counter `ratio_to_gradients`: the median ratio over pairs (round, its gradients alone), timed alternately.
void round_against_gradients(benchmark::State& state, const std::string& problem_text,
                             const std::string& method_text, std::size_t clients) {
  const char* folder = std::getenv("LACONIC_DATA");
  std::unique_ptr<Problem> problem;
  try {
    problem =
        make_problem(parse(problem_text), {.clients = clients, .folders = {folder == nullptr ? "" : folder}});
  } catch (const InputError& error) {
    state.SkipWithError(error.what());
    return;
  }
  ThreadPool pool(1);
  Fleet fleet(pool);
  const Assembly assembly =
      assemble(parse(method_text), {.problem = *problem, .constants = problem->constants(fleet)});
  const auto method = make_method(assembly, resolve(parse_step("theory"), assembly));
  Evaluation watch;
  method->start(fleet, &watch);

  Vector gradient(problem->dim());
  const auto gradients = [&] {
    for (std::size_t i = 0; i < clients; ++i) {
      benchmark::DoNotOptimize(problem->value_gradient(i, Rows::everything(), method->point(), gradient));
    }
  };
  std::vector<double> ratios;
  std::size_t t = 0;
  for ([[maybe_unused]] auto _ : state) {
    const double whole = cpu_seconds_of([&] { method->round(fleet, ++t, &watch); });
    ratios.push_back(whole / cpu_seconds_of(gradients));
    state.SetIterationTime(whole);
  }
  // Checks that the evaluations within rounds equal a separate evaluation.
  Evaluation separate;
  evaluate(*problem, method->point(), fleet, separate);
  if (separate.f != watch.f || separate.gradient != watch.gradient)
    state.SkipWithError("the round measured wrongly");
  state.counters["ratio_to_gradients"] = median(ratios);
}

/// A round of K-GT on a torus with gradients of almost no cost. Counter `ratio_to_memory`: time relative to
/// reading and writing once all necessary data: x and c of every node and its messages z and u.
void gossip_round(benchmark::State& state, Wire wire) {
  constexpr std::size_t kDim = 10'000;
  const auto problem = make_problem(parse("quadratic(d=10000, s=0.1, lambda=0.01)"), {.clients = 1000});
  const std::size_t n = problem->shards();
  ThreadPool pool(static_cast<std::size_t>(state.range(0)));
  Fleet fleet(pool);
  const auto mixing = std::make_shared<MixingPlan>(
      make_mixing(Spec("metropolis"), make_topology(parse("torus(25,40)"), {.nodes = n})));
  const auto method =
      make_method(assemble(Spec("k-gt"), {.problem = *problem, .wire = wire, .mixing = mixing}), 0.1);
  method->start(fleet, nullptr);
  method->round(fleet, 1, nullptr);

  // Checks that the mean has moved by the mean gradient, and that the corrections sum to 0.
  Evaluation watch;
  method->evaluate(fleet, watch);
  Vector expected(kDim), gradient(kDim), sum(kDim);
  problem->start(expected);
  const Vector start = expected;
  for (std::size_t i = 0; i < n; ++i) {
    problem->value_gradient(i, Rows::everything(), start, gradient);
    axpy(-0.1 / static_cast<double>(n), gradient, expected);
    axpy(1, method->state(fleet).clients[i][1], sum);
  }
  if (distance_sq(method->point(), expected) > 1e-12 * norm_sq(expected) || norm_sq(sum) > 1e-20)
    state.SkipWithError("the round went wrong");

  const std::size_t message_doubles = kDim * bytes_of(wire) / sizeof(double);
  std::vector<Vector> states;
  for (std::size_t i = 0; i < n; ++i) {
    for (const std::size_t doubles : {kDim, kDim, message_doubles, message_doubles})
      states.emplace_back(doubles, 1.0);
  }
  const auto touch = [&] {
    pool.for_each(states.size(), [&](std::size_t i) { scale(1.0000001, states[i]); });
  };
  touch();
  std::vector<double> ratios;
  std::size_t t = 1;
  for ([[maybe_unused]] auto _ : state) {
    const double whole = seconds_of([&] { method->round(fleet, ++t, nullptr); });
    ratios.push_back(whole / seconds_of(touch));
    state.SetIterationTime(whole);
  }
  state.counters["ratio_to_memory"] = median(ratios);
}

BENCHMARK_CAPTURE(gossip_round, torus_f32, Wire::f32)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(gossip_round, torus_f64, Wire::f64)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

BENCHMARK_CAPTURE(round_against_gradients, marina_w8a, "nonconvex(w8a, bias=1)", "marina(rand-k(10))", 5)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(round_against_gradients, diana_w8a, "nonconvex(w8a, bias=1)", "diana(rand-k(10))", 5)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(round_against_gradients, gd_w8a, "nonconvex(w8a, bias=1)", "gd", 5)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(round_against_gradients, marina_natural_a9a, "nonconvex(a9a, bias=1)", "marina(natural)",
                  20)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(round_against_gradients, ef21_a9a, "logistic(a9a, lambda=0.1, reg=nonconvex)",
                  "ef21(top-k(12))", 20)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace laconic
