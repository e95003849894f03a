// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/recipe_parts.h"

#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic::recipe {

std::unique_ptr<Oracle> full(const MethodSetting& s) { return full_gradients(s.problem); }

std::unique_ptr<Oracle> full_or_batch(const MethodSetting& s) {
  return s.batch ? minibatches(s.problem, *s.batch) : full(s);
}

Setting setting_of_compressors(const MethodSetting& s) {
  return {s.problem.dim(), s.problem.shards(), s.wire};
}

CompressorPtr compressor(const Spec& spec, const MethodSetting& s) {
  return make_compressor(spec, setting_of_compressors(s));
}

CompressorPtr identity(const MethodSetting& s) { return compressor(Spec("identity"), s); }

double probability(Arguments& args, const char* name, double fallback) {
  const double value = args.number(name, fallback);
  if (!(value > 0 && value <= 1)) args.fail(fmt::format("{} = {}; need 0 < {} <= 1", name, value, name));
  return value;
}

std::size_t local_steps_of(Arguments& args) {
  const std::size_t steps = args.whole("steps", 1, 1, 0);
  if (steps > std::size_t{1} << 31) args.fail(fmt::format("steps = {}; need steps <= 2^31", steps));
  return steps;
}

AllocationSetting setting_of_allocations(const MethodSetting& s) {
  return {.workers = s.problem.shards(), .seed = s.split_seed, .rule = s.allocation, .gone = s.gone};
}

Assembly star(const MethodSetting& s, StarParts parts) {
  if (!s.gone.empty()) {
    const Allocation left = without(no_redundancy(s.problem.shards()), s.gone);
    parts.oracle = coded(std::move(parts.oracle), share_code(left));
  }
  return star_as_it_is(s, std::move(parts));
}

Assembly star_as_it_is(const MethodSetting& s, StarParts parts) {
  // std::function copies what it holds, and parts do not copy: share them. An assembly is built once.
  auto shared = std::make_shared<StarParts>(std::move(parts));
  Assembly assembly;
  assembly.star = shared;
  assembly.build = [shared, &problem = s.problem, seed = s.seed, wire = s.wire](double step) {
    require_step(step);
    check(shared->oracle != nullptr, "an assembly is built only once");
    return make_star(problem, std::move(*shared), {.step = step, .seed = seed, .wire = wire});
  };
  return assembly;
}

std::unique_ptr<Turnout> answers(const MethodSetting& s, std::unique_ptr<Decoder> decoder) {
  const std::size_t n = s.problem.shards();
  return laconic::answers(
      s.stragglers ? s.stragglers : std::shared_ptr(make_stragglers(parse("fixed(0)"), n)),
      std::move(decoder));
}

std::unique_ptr<Turnout> unbiased_answers(Arguments& args, const MethodSetting& s, const std::string& decode,
                                          double factor) {
  const std::size_t n = s.problem.shards();
  if (!s.stragglers) return factor == 1 ? everyone(n) : answers(s, by_count(factor));
  for (std::size_t i = 0; i < n; ++i) {
    if (s.stragglers->late(i) == 1)
      args.fail(
          fmt::format("stragglers: client {} is late in every round, and nothing makes up for that", i));
  }
  if (decode == "ht") return answers(s, by_expectation(s.stragglers, n, factor));
  if (!s.stragglers->is_real() && !common_lateness(*s.stragglers, n))
    args.fail("decode = count; needs clients that are late equally often; use ht");
  // What is expected is the mean over those who live, of sums over all shards.
  const double living = static_cast<double>(n - s.gone.size()) / static_cast<double>(n);
  return answers(s, by_count(factor * living));
}

std::string decoding(Arguments& args, const MethodSetting& s, const std::vector<std::string>& choices) {
  return args.choice("decode", choices, s.stragglers && s.stragglers->is_real() ? "count" : "ht");
}

std::unique_ptr<Turnout> unbiased_answers(Arguments& args, const MethodSetting& s) {
  return unbiased_answers(args, s, decoding(args, s, {"ht", "count"}));
}

std::unique_ptr<Turnout> unbiased_answers_alike(Arguments& args, const MethodSetting& s) {
  lateness(args, s);
  const std::string decode = decoding(args, s, {"ht", "count"});
  if (decode == "ht" && s.stragglers && s.stragglers->is_real()) {
    args.fail(
        "decode = ht; clients remember what they said, and by a real clock only count weighs them alike");
  }
  return unbiased_answers(args, s, decode);
}

void require_all_on_heads(Arguments& args, const MethodSetting& s) {
  if (s.stragglers && !s.stragglers->is_real())
    args.fail("stragglers: when its coin shows heads the memories of all start over, and so all must answer");
}

double lateness(Arguments& args, const MethodSetting& s) {
  if (!s.stragglers || s.stragglers->is_real()) return 0;
  const auto p = common_lateness(*s.stragglers, s.problem.shards());
  if (!p) args.fail("clients remember what they said, and need to be late equally often");
  return *p;
}

}  // namespace laconic::recipe
