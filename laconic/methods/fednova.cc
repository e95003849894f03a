// SPDX-License-Identifier: Apache-2.0
// FedNova: Wang, Liu, Liang, Joshi, Poor 2020, arXiv 2007.07481.
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// The argument `steps`: H, or A..B.
StepCount steps_of(Arguments& args) {
  const Spec* spec = args.find("steps");
  if (spec == nullptr || spec->kind == Spec::Kind::number) return local_steps_of(args);
  const std::string word = args.plain_word("steps", *spec);
  const auto number = [](std::string_view digits) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size() ? value : 0;
  };
  const std::size_t dots = word.find("..");
  const std::size_t least = number(std::string_view(word).substr(0, dots));
  const std::size_t most = dots == std::string::npos ? 0 : number(std::string_view(word).substr(dots + 2));
  if (least < 1 || most < least || most > std::size_t{1} << 31)
    args.fail(
        fmt::format("steps = {}; need a number, or two as in 1..5 with 1 <= first <= last <= 2^31", word));
  return StepCount::spread(least, most);
}

/// Client i takes tau_i steps. Their gradients count |a_i|_1 together. d_i = (x - y_i) / (gamma |a_i|_1), and
/// x <- x - gamma tau_eff mean d_i with tau_eff = mean |a_i|_1: so y_i - x weighs tau_eff / (n |a_i|_1).
Assembly fednova(Arguments& args, const MethodSetting& s) {
  const std::size_t n = s.problem.shards();
  const StepCount steps = steps_of(args);
  const double beta = args.number_in("momentum", 0.0, kShareBelowOne);
  Vector lengths(n);
  double effective = 0;
  for (std::size_t i = 0; i < n; ++i) {
    lengths[i] = heavy_weight(beta, steps.of({.client = static_cast<std::uint32_t>(i)}));
    effective += lengths[i];
  }
  effective /= static_cast<double>(n);
  Vector weights;
  for (const double length : lengths) weights.push_back(effective / length / static_cast<double>(n));
  LocalParts parts = plain_local_parts(s);
  parts.participation = everyone_weighted(weights);
  parts.steps = steps;
  if (beta > 0) parts.inner = inner_heavy_ball(beta);
  Assembly m = local(s, std::move(parts));
  m.facts.emplace_back("tau_eff", effective);
  return m;
}

}  // namespace

std::vector<MethodRow> fednova_methods() {
  return {
      {"fednova", "fednova(steps=H, momentum=0), fednova(steps=A..B, momentum=0)",
       "local SGD in which clients take unlike numbers of steps and weigh the same", "arXiv 2007.07481",
       fednova, kHearsAll},
  };
}

}  // namespace laconic::recipe
