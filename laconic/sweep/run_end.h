// SPDX-License-Identifier: Apache-2.0
// Why the runs of sweeps and pilots ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "laconic/report/trace.h"
#include "laconic/solve.h"

namespace laconic {

/// Why a run of a sweep or a pilot ended: as for a single run (Summary::Why), or early.
enum class RunEnd : std::uint8_t {
  rounds,
  target,
  max_bits,
  max_seconds,
  diverged,
  interrupted,
  beaten,       // it can no longer win its cell
  still,        // its point has stopped moving
  impossible,   // it could not begin: impossible=skip
  behind,       // pilots: its step was worse than others
  too_late,     // pilots: far behind methods that reached the target
  budget_over,  // pilots: its share of the gradients is used up
};
RunEnd end_of(Summary::Why why);
/// The name in sweep.csv: name_of(Summary::Why) where a single run ends so too, else beaten, still, ...
const char* name_of(RunEnd end);
/// Nothing if no RunEnd has that name.
std::optional<RunEnd> end_named(std::string_view name);

struct RunOutcome {
  RunEnd end = RunEnd::rounds;
  Row last;
};
// one for each run; empty if the run has not ended
using RunOutcomes = std::vector<std::optional<RunOutcome>>;

}  // namespace laconic
