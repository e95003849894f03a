// SPDX-License-Identifier: Apache-2.0
#include "laconic/network/rehearsal.h"

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/quantity.h"

namespace laconic {
namespace {

constexpr double kMostSeconds = 1e6;

Trouble make(const Spec& spec, std::size_t clients) {
  if (spec.kind != Spec::Kind::word || (spec.name != "slow" && spec.name != "silent"))
    throw SpecError(
        fmt::format("column {}: {}; each is slow(3, 10s), slow(3, times=10) or silent(3, from=100)",
                    spec.column, print(spec)));
  Arguments arguments(spec);
  Trouble trouble = {.silent = spec.name == "silent"};
  if (arguments.find("client", 0) == nullptr) arguments.fail("\"client\" is missing: its number, such as 3");
  trouble.client = static_cast<std::uint32_t>(arguments.whole("client", 0, 0, 0));
  if (trouble.client >= clients)
    arguments.fail(fmt::format("client = {}; need client < {}, the clients", trouble.client, clients));
  trouble.from = arguments.whole("from", 0, 0);
  if (!trouble.silent) {
    if (const Spec* given = arguments.find("seconds", 1)) {
      const auto seconds = seconds_in(print(*given));
      if (!seconds || *seconds > kMostSeconds)
        arguments.fail(fmt::format("seconds = {}; need seconds, as in 10s", print(*given)));
      trouble.seconds = *seconds;
    }
    trouble.times = arguments.number("times", 1.0);
    if (!(trouble.times >= 1 && trouble.times <= kMostSeconds))
      arguments.fail(fmt::format("times = {}; need times >= 1", trouble.times));
    if (trouble.seconds == 0 && trouble.times == 1) arguments.fail("how slow? as in slow(3, 10s)");
    if (arguments.find("rounds") != nullptr) trouble.rounds = arguments.whole("rounds", 1);
  }
  arguments.done();
  return trouble;
}

}  // namespace

std::vector<Trouble> make_rehearsal(const Spec& brackets, std::size_t clients) {
  std::vector<Trouble> troubles;
  for (const Spec& spec : brackets.args) troubles.push_back(make(spec, clients));
  if (!brackets.options.empty() || troubles.empty())
    throw SpecError("need slow(CLIENT, SECONDS) or silent(CLIENT), or several of them");
  return troubles;
}

}  // namespace laconic
