// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/run_end.h"

namespace laconic {

RunEnd end_of(Summary::Why why) {
  switch (why) {
    case Summary::Why::rounds:
      return RunEnd::rounds;
    case Summary::Why::target:
      return RunEnd::target;
    case Summary::Why::max_bits:
      return RunEnd::max_bits;
    case Summary::Why::max_seconds:
      return RunEnd::max_seconds;
    case Summary::Why::diverged:
      return RunEnd::diverged;
    case Summary::Why::interrupted:
      break;
  }
  return RunEnd::interrupted;
}

const char* name_of(RunEnd end) {
  switch (end) {
    case RunEnd::rounds:
      return name_of(Summary::Why::rounds);
    case RunEnd::target:
      return name_of(Summary::Why::target);
    case RunEnd::max_bits:
      return name_of(Summary::Why::max_bits);
    case RunEnd::max_seconds:
      return name_of(Summary::Why::max_seconds);
    case RunEnd::diverged:
      return name_of(Summary::Why::diverged);
    case RunEnd::interrupted:
      return name_of(Summary::Why::interrupted);
    case RunEnd::beaten:
      return "beaten";
    case RunEnd::still:
      return "still";
    case RunEnd::impossible:
      return "impossible";
    case RunEnd::behind:
      return "behind";
    case RunEnd::too_late:
      return "too late";
    case RunEnd::budget_over:
      break;
  }
  return "budget over";
}

std::optional<RunEnd> end_named(std::string_view name) {
  for (auto e = static_cast<int>(RunEnd::rounds); e <= static_cast<int>(RunEnd::budget_over); ++e) {
    if (name == name_of(static_cast<RunEnd>(e))) return static_cast<RunEnd>(e);
  }
  return {};
}

}  // namespace laconic
