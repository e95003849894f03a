// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/sweep.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "cli/data_folders.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/watch.h"
#include "laconic/sweep/resume.h"

namespace laconic::cli {
namespace {

/// Runs the plan and prints the result. Returns the exit code.
int run_and_tell(SweepPlan& plan, RunFolder* out, RunOutcomes outcomes, bool goes_on, Output output) {
  SweepResult result;
  try {
    Watch watch(!output.quiet);
    result = run_sweep(plan, out, std::move(outcomes), goes_on, watch);
  } catch (const Interrupted& error) {
    const std::string advice =
        out == nullptr ? "not saved: no out=" : "to go on: " + resume_command(out->path());
    throw Interrupted(error.request(), fmt::format("{}; {}", error.what(), advice));
  }
  if (output.quiet && out != nullptr) mute_output();
  print_out("{}{}\n", report_of(plan, result),
            out == nullptr ? " (not saved: no out=)" : " -> " + out->path());
  for (const std::string& path : result.figures) print_out("-> {}\n", path);
  for (const std::string& why : result.lost_figures) print_err("laconic: no figure: {}\n", why);
  const int code = all_hold(result.judged) ? kDone : kFailed;
  return out != nullptr ? code : code_after_output(code);
}

}  // namespace

void require_alone(const Transport& transport) {
  if (transport.size() > 1)
    throw InputError(
        "a sweep is done by one process, whose threads share the runs; start it without a launcher");
}

int sweep(const std::vector<std::string>& words, bool quick, bool force, Output output) {
  SweepPlan plan = plan_of(settings_of(words, quick), {.folders = data_folders()});
  if (plan.figure && plan.out.empty())
    print_err("laconic: figure: not drawn: it needs out=FOLDER, for the runs that it draws\n");
  std::optional<RunFolder> out;
  if (!plan.out.empty()) {
    out.emplace(plan.out);
    out->take(force, description_of(plan));
  }
  return run_and_tell(plan, out ? &*out : nullptr, RunOutcomes(plan.runs.size()), false, output);
}

int resume_sweep(RunFolder& out, const std::vector<std::string>& words, Output output) {
  SweepToResume sweep = sweep_to_resume(out, words, {.folders = data_folders()});
  return run_and_tell(sweep.plan, &out, std::move(sweep.outcomes), sweep.goes_on, output);
}

}  // namespace laconic::cli
