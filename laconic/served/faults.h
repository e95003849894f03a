// SPDX-License-Identifier: Apache-2.0
// Injected faults, to rehearse a run in real time before real faults occur.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "laconic/core/spec.h"

namespace laconic {

struct Fault {
  std::uint32_t client = 0;
  double seconds = 0;                      // added to the time of an answer
  double times = 1;                        // factor on the client's own time for an answer
  std::size_t from = 0;                    // the first round of the fault
  std::optional<std::size_t> rounds = {};  // its number of rounds; unset: for ever
  bool silent = false;                     // its whole process sends nothing more, as if its link were cut
  bool garbled = false;                    // its answers are cut off

  [[nodiscard]] bool is_in(std::size_t round) const {
    return round >= from && (!rounds || round - from < *rounds);
  }
};

/// Parses a spec. Its arguments are each slow(CLIENT, 10s, times=10, from=ROUND, rounds=N), silent(CLIENT,
/// from=ROUND) or garbled(CLIENT, from=ROUND). InputError for other arguments, and for clients that do not
/// exist.
std::vector<Fault> make_faults(const Spec& brackets, std::size_t clients);

}  // namespace laconic
