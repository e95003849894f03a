// SPDX-License-Identifier: Apache-2.0
#include "cli/run_result.h"

#include <string>

#include <fmt/format.h>

#include "cli/terminal.h"
#include "laconic/experiment/summary.h"

namespace laconic::cli {

int tell_result(const RunResult& result, const Config& config, Output output) {
  const bool is_saved = !config.out.empty();
  const std::string line = fmt::format("{}{}\n", last_words(result.summary, result.sentences),
                                       is_saved ? " -> " + config.out : " (not saved: no out=)");
  if (result.diverged()) print_err("laconic: {}", line);
  if (output.json) {
    write_out(result.json);
  } else if (!result.diverged() && !(output.quiet && is_saved)) {
    write_out(line);
  }
  if (result.diverged()) return kFailed;
  return is_saved ? kDone : code_after_output(kDone);
}

}  // namespace laconic::cli
