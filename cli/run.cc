// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/conduct.h"
#include "cli/out_folder.h"
#include "cli/prepared.h"
#include "cli/ranks.h"
#include "cli/serve.h"
#include "cli/stage_line.h"
#include "cli/sweep.h"
#include "cli/sweep_report.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/core/read_whole.h"
#include "laconic/solve.h"
#include "laconic/transport/fleet.h"

namespace laconic::cli {
namespace {

/// What a finished run says when it is asked to go on: its exit code, once more.
int report_finished(const OutFolder& out, bool speaks) {
  std::string why;
  try {
    why = nlohmann::json::parse(read_whole(out.file("summary.json"))).at("stopped").at("why");
  } catch (const nlohmann::json::exception&) {
    throw InputError(fmt::format("{}: is not the summary of a run", out.file("summary.json")));
  }
  if (speaks) print_out("{}: the run has ended already ({}); nothing was done\n", out.path(), why);
  return why == name_of(Summary::Why::diverged) || why == kUnmet ? kFailed : kDone;
}

/// The run in the folder. Of the words only those may change it that change no bit of the result.
Description describe_again(const OutFolder& out, const std::vector<std::string>& words) {
  std::vector<Setting> settings = read_toml(out.description());
  settings.push_back({"out", out.path(), ""});
  for (std::size_t w = 1; w < words.size(); ++w) {
    const std::size_t equals = std::min(words[w].find('='), words[w].size() - 1);
    const std::string key = words[w].substr(0, equals);
    if (key != "threads" && key != "checkpoint-every") {
      throw InputError(
          fmt::format("resume: \"{}\"; the run is described in {}, and only threads= and "
                      "checkpoint-every= may change",
                      words[w], out.description()));
    }
    settings.push_back({key, words[w].substr(equals + 1), ""});
  }
  return describe(settings);
}

/// From a description that is read, to the end. `out` is rank 0's, where there is a folder; `goes_on`: it
/// holds a checkpoint, from which the run goes on.
int carry_out(const Description& description, OutFolder* out, bool goes_on, Transport& transport,
              std::size_t neighbours) {
  if (description.is_served()) return serve(description, out, goes_on, transport, neighbours);
  std::optional<StageLine> stages(transport.rank() == 0);
  const OnStage on_stage = [&](const std::string& stage) { stages->begin(stage); };
  Place place = {.rank = transport.rank(), .neighbours = neighbours, .on_stage = on_stage};
  if (transport.size() > 1) place.clients = block_of(description.clients, transport.rank(), transport.size());
  Prepared prepared;
  std::unique_ptr<Method> method;
  together(transport, [&] { prepared = prepare(description, place); });
  require_same(transport, identity_of(description, *prepared.problem));
  Fleet fleet(*prepared.pool, transport);
  if (description.solve.target_accuracy)
    require_test_set("target-accuracy:", *prepared.problem, *prepared.pool);
  prepared.known = known_of(description, *prepared.problem, fleet, on_stage);
  together(transport, [&] {
    prepared.assembly = assembly_of(description, *prepared.problem, prepared.known.constants);
    method = prepared.assembly.build(resolve(description.step, prepared.assembly));
  });
  require_same(transport, numbers_of(prepared, *method));
  stages.reset();  // from here on a progress bar is drawn
  return conduct(description, prepared, *method, fleet,
                 {.out = out, .goes_on = goes_on, .ranks = transport.size()});
}

}  // namespace

int run(const std::vector<std::string>& words, bool force, Transport& transport, std::size_t neighbours) {
  Description description;
  std::optional<OutFolder> out;
  together(transport, [&] {
    description = describe(words);
    if (saves_checkpoints(description.solve) && description.out.empty())
      throw InputError("checkpoint-every: there is no folder to write to; give out=");
    if (transport.rank() > 0 || description.out.empty()) return;
    out.emplace(description.out);
    out->take(force, toml_of(resolved(description)));
  });
  return carry_out(description, out ? &*out : nullptr, false, transport, neighbours);
}

int resume(const std::vector<std::string>& words, Transport& transport, std::size_t neighbours) {
  const bool first = transport.rank() == 0;
  bool of_sweep = false;
  std::optional<OutFolder> out;
  together(transport, [&] {
    if (words.empty()) throw InputError("resume: no folder is given, as in laconic resume runs/marina");
    out.emplace(words[0]);
    if (!first) return;
    out->take_up();
    of_sweep = is_sweep(read_toml(out->description()));
    if (of_sweep) require_alone(transport);
  });
  // From here on nobody else writes in the folder: what one rank finds there, all find.
  const bool finished = out->is_finished();
  const bool goes_on = out->has_checkpoint();
  require_same(transport, fmt::format("finished = {}\ncheckpoint = {}\n", finished, goes_on));
  if (finished) {
    if (first) out->finish();  // once more: the run may have been killed in the middle of it
    return report_finished(*out, first);
  }

  if (of_sweep) return resume_sweep(*out, {words.begin() + 1, words.end()});
  Description description;
  together(transport, [&] { description = describe_again(*out, words); });
  if (first && !goes_on) print_out("{}: no checkpoint yet; the run starts over\n", out->path());
  return carry_out(description, first ? &*out : nullptr, goes_on, transport, neighbours);
}

}  // namespace laconic::cli
