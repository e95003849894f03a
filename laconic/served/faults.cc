// SPDX-License-Identifier: Apache-2.0
#include "laconic/served/faults.h"

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/quantity.h"

namespace laconic {
namespace {

constexpr double kMostSeconds = 1e6;

Fault make(const Spec& spec, std::size_t clients) {
  const bool is_slow = spec.name == "slow";
  if (spec.kind != Spec::Kind::word || (!is_slow && spec.name != "silent" && spec.name != "garbled")) {
    throw SpecError(
        fmt::format("column {}: {}; each is slow(3, 10s), slow(3, times=10), silent(3, from=100) "
                    "or garbled(3, from=100)",
                    spec.column, print(spec)));
  }
  Arguments arguments(spec);
  Fault fault = {.silent = spec.name == "silent", .garbled = spec.name == "garbled"};
  if (arguments.find("client", 0) == nullptr) arguments.fail("\"client\" is missing: its number, such as 3");
  fault.client = static_cast<std::uint32_t>(arguments.whole("client", 0, 0, 0));
  if (fault.client >= clients)
    arguments.fail(fmt::format("client = {}; need client < {}, the clients", fault.client, clients));
  fault.from = arguments.whole("from", 0, 0);
  if (is_slow) {
    if (const Spec* given = arguments.find("seconds", 1)) {
      const auto seconds = seconds_in(print(*given));
      if (!seconds || *seconds > kMostSeconds)
        arguments.fail(fmt::format("seconds = {}; need seconds, as in 10s", print(*given)));
      fault.seconds = *seconds;
    }
    fault.times = arguments.number("times", 1.0);
    if (!(fault.times >= 1 && fault.times <= kMostSeconds))
      arguments.fail(fmt::format("times = {}; need times >= 1", fault.times));
    if (fault.seconds == 0 && fault.times == 1) arguments.fail("how slow? as in slow(3, 10s)");
    if (arguments.find("rounds") != nullptr) fault.rounds = arguments.whole("rounds", 1);
  }
  arguments.done();
  return fault;
}

}  // namespace

std::vector<Fault> make_faults(const Spec& brackets, std::size_t clients) {
  std::vector<Fault> faults;
  for (const Spec& spec : brackets.args) faults.push_back(make(spec, clients));
  if (!brackets.options.empty() || faults.empty())
    throw SpecError("need slow(CLIENT, SECONDS), silent(CLIENT) or garbled(CLIENT), or several of them");
  return faults;
}

}  // namespace laconic
