// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/run.h"

#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/data_folders.h"
#include "cli/run_result.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/watch.h"
#include "laconic/core/read_whole.h"
#include "laconic/experiment/resume.h"
#include "laconic/experiment/summary.h"
#include "laconic/sweep/sweep.h"
#include "laconic/transport/agreement.h"

namespace laconic::cli {
namespace {

/// Returns the exit code of a run that has already ended, and prints a message if `speaks`.
int report_finished(const RunFolder& out, bool speaks) {
  std::string why;
  try {
    why = nlohmann::json::parse(read_whole(out.file("summary.json"))).at("stopped").at("why");
  } catch (const nlohmann::json::exception&) {
    throw InputError(fmt::format("{}: is not the summary of a run", out.file("summary.json")));
  }
  if (speaks) print_out("{}: the run has ended already ({}); nothing was done\n", out.path(), why);
  return why == name_of(Summary::Why::diverged) || why == kUnmet ? kFailed : kDone;
}

/// How the user can continue an interrupted run.
std::string how_to_go_on(const Config& config, bool saved) {
  if (saved) return "to go on: " + resume_command(config.out);
  const std::string why = fmt::format("not saved: {}", why_not_saved(config));
  return config.out.empty() ? why : fmt::format("{}; to start over: {}", why, resume_command(config.out));
}

/// Runs the config and prints the result on rank 0. Returns the exit code.
int run_and_tell(Config config, const RunFiles& files, Output output, Transport& transport,
                 std::size_t neighbours) {
  config.resources.folders = data_folders();
  const bool first = transport.rank() == 0;
  RunResult result;
  {
    Watch watch(first && !output.quiet);
    result = laconic::run(config, transport, neighbours, watch, files);
  }
  const Summary& summary = result.summary;
  if (result.interrupted()) {
    if (first) print_err("laconic: {}; {}\n", summary.reason, how_to_go_on(config, result.saved));
    return exit_code_of(summary.request);
  }
  if (first) return tell_result(result, config, output);
  return result.diverged() ? kFailed : kDone;
}

}  // namespace

int run(const std::vector<std::string>& words, bool force, Output output, Transport& transport,
        std::size_t neighbours) {
  Config config;
  std::unique_ptr<RunFolder> out;  // on rank 0
  together(transport, [&] {
    config = describe(words);
    require_folder(config);
    if (transport.rank() == 0) out = new_folder_for(config, force);
  });
  return run_and_tell(config, {.out = out.get()}, output, transport, neighbours);
}

int resume(const std::vector<std::string>& words, Output output, Transport& transport,
           std::size_t neighbours) {
  const bool first = transport.rank() == 0;
  bool of_sweep = false;
  std::optional<RunFolder> out;
  together(transport, [&] {
    if (words.empty()) throw InputError("resume: no folder is given, as in laconic resume runs/marina");
    out.emplace(words[0]);
    if (!first) return;
    out->take_up();
    of_sweep = is_sweep(read_toml(out->description()));
    if (of_sweep) require_alone(transport);
  });
  // From here on no other process writes in the folder, so all ranks see the same files.
  const bool finished = out->is_finished();
  const bool goes_on = out->has_checkpoint();
  require_same(transport, fmt::format("finished = {}\ncheckpoint = {}\n", finished, goes_on));
  if (finished) {
    if (first) out->finish();  // repeated, because the run may have been killed during finish()
    return report_finished(*out, first && !output.quiet);
  }

  const std::vector<std::string> changes(words.begin() + 1, words.end());
  if (of_sweep) return resume_sweep(*out, changes, output);
  Config config;
  together(transport, [&] { config = config_to_resume(*out, changes); });
  if (first && !goes_on && !output.quiet)
    print_out("{}: no checkpoint yet; the run starts over\n", out->path());
  return run_and_tell(config, {.out = first ? &*out : nullptr, .goes_on = goes_on}, output, transport,
                      neighbours);
}

}  // namespace laconic::cli
