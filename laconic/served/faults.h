// SPDX-License-Identifier: Apache-2.0
// Trouble on purpose, so that a run by a real clock can be tried before there is any.
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
  double seconds = 0;                      // that it takes more for an answer
  double times = 1;                        // as often what it takes by itself
  std::size_t from = 0;                    // the first round
  std::optional<std::size_t> rounds = {};  // for so many; for ever without
  bool silent = false;                     // its whole process says nothing more, as if its link were cut

  [[nodiscard]] bool is_in(std::size_t round) const {
    return round >= from && (!rounds || round - from < *rounds);
  }
};

/// Of a spec whose arguments are each slow(CLIENT, 10s, times=10, from=ROUND, rounds=N) or silent(CLIENT,
/// from=ROUND). InputError for others, and clients that there are not.
std::vector<Fault> make_faults(const Spec& brackets, std::size_t clients);

}  // namespace laconic
