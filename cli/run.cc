// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/out_folder.h"
#include "cli/prepared.h"
#include "cli/progress_bar.h"
#include "cli/ranks.h"
#include "cli/summary.h"
#include "cli/sweep.h"
#include "cli/sweep_report.h"
#include "cli/verbs.h"
#include "laconic/report/checkpoint.h"
#include "laconic/report/file.h"
#include "laconic/report/npy.h"
#include "laconic/report/trace.h"
#include "laconic/solve.h"
#include "laconic/transport/fleet.h"

namespace laconic::cli {
namespace {

/// Hands rows on to a file, where there is one, and shows how far the run is, where somebody watches.
class Screen final : public Recorder {
 public:
  Screen(std::size_t rounds, Recorder* next, bool shows) : rounds_(rounds), next_(next), bar_(shows) {}

  void record(const Row& row, const Timing& timing) override {
    grad_norm_sq_ = row.grad_norm_sq;
    if (next_ != nullptr) next_->record(row, timing);
  }

  std::uint32_t sync() override { return next_ != nullptr ? next_->sync() : 0; }

  void tick(std::size_t round) override {
    bar_.show(round, rounds_, [&] {
      return fmt::format("round {} of {}, |grad f|^2 = {:.3g}", round, rounds_, grad_norm_sq_);
    });
  }

 private:
  std::size_t rounds_;
  Recorder* next_;
  ProgressBar bar_;
  double grad_norm_sq_ = 0;
};

/// What must be the same on all ranks before they do anything together. One a line.
std::string identity_of(const Description& description, const Problem& problem) {
  std::string text = fmt::format("laconic {}\n", LACONIC_VERSION);
  for (const auto& [key, value] : resolved(description)) {
    if (key != "out" && key != "threads" && key != "checkpoint-every")
      text += fmt::format("{} = {}\n", key, value);
  }
  return text + fmt::format("d = {}\ndata with checksum {:08x}\n", problem.dim(), problem.data_checksum());
}

/// And what must be so before round 0, though libraries and CPUs may differ from machine to machine.
std::string numbers_of(const Prepared& prepared, const Method& method) {
  std::string text = fmt::format("gamma = {}\n", method.step());
  if (const auto& mixing = prepared.assembly.mixing)
    text += fmt::format("weights of neighbours with checksum {:08x}\n", mixing->checksum());
  if (const auto& stragglers = prepared.assembly.stragglers; stragglers && stragglers->checksum() != 0)
    text += fmt::format("times of stragglers with checksum {:08x}\n", stragglers->checksum());
  if (prepared.known.constants) {
    for (const auto& [name, value] : named_constants(*prepared.known.constants))
      text += fmt::format("{} = {}\n", name, value);
  }
  if (prepared.known.minimum) text += fmt::format("f* = {}\n", prepared.known.minimum->f_star);
  return text;
}

bool saves_checkpoints(const SolveOptions& options) {
  return options.checkpoint_rounds || options.checkpoint_seconds;
}

/// Each rank writes its part of a checkpoint in the folder that rank 0 has made.
void require_seen(const std::string& out, std::size_t rank) {
  if (!OutFolder(out).is_described()) {
    throw InputError(fmt::format(
        "out: rank {} does not see the folder {}; checkpoints need one that all ranks share", rank, out));
  }
}

/// What a finished run says when it is asked to go on: its exit code, once more.
int report_finished(const OutFolder& out, bool speaks) {
  std::string why;
  try {
    why = nlohmann::json::parse(std::ifstream(out.file("summary.json"))).at("stopped").at("why");
  } catch (const nlohmann::json::exception&) {
    throw InputError(fmt::format("{}: is not the summary of a run", out.file("summary.json")));
  }
  if (speaks) fmt::print("{}: the run has ended already ({}); nothing was done\n", out.path(), why);
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
  const bool first = transport.rank() == 0;
  Prepared prepared;
  std::unique_ptr<Method> method;
  together(transport, [&] {
    prepared = prepare(description, {transport.rank(), transport.size(), neighbours});
  });
  require_same(transport, identity_of(description, *prepared.problem));
  Fleet fleet(*prepared.pool, transport);
  if (description.solve.target_accuracy)
    require_test_set("target-accuracy:", *prepared.problem, *prepared.pool);
  prepared.known = known_of(description, *prepared.problem, fleet);
  together(transport, [&] {
    prepared.assembly = assembly_of(description, *prepared.problem, prepared.known.constants);
    method = prepared.assembly.build(resolve(description.step, prepared.assembly));
  });
  const std::string numbers = numbers_of(prepared, *method);
  require_same(transport, numbers);

  std::optional<Checkpoints> checkpoints;
  std::optional<Progress> from;
  std::unique_ptr<FileRecorder> files;  // rank 0's
  const bool saves = saves_checkpoints(description.solve);
  const auto make_checkpoints = [&] {
    checkpoints.emplace(description.out + "/" + OutFolder::kCheckpoint,
                        identity_of(description, *prepared.problem) + numbers);
  };
  together(transport, [&] {
    if (goes_on || saves) require_seen(description.out, transport.rank());
    if (!goes_on) return;
    make_checkpoints();
    const std::size_t clients = prepared.problem->shards();
    from = checkpoints->load(method->state(fleet), clients, fleet.owned(clients));
  });
  together(transport, [&] {
    if (out == nullptr) return;
    const bool with_accuracy = prepared.problem->classifies();
    if (from) {
      files = std::make_unique<FileRecorder>(out->path(), with_accuracy, *from);
    } else {
      out->clear();
      if (!prepared.clients_csv.empty()) write_whole(out->file("clients.csv"), prepared.clients_csv);
      files = std::make_unique<FileRecorder>(out->path(), with_accuracy);
      out->keep();
    }
  });
  together(transport, [&] {
    if (saves && !goes_on) make_checkpoints();  // the folder has been cleared
    if (first && goes_on) checkpoints->remove_leftovers();
  });

  const auto clock = clock_of(description, prepared.assembly);
  Summary summary;
  {
    Screen screen(description.solve.rounds, files.get(), first);
    summary =
        solve(*prepared.problem, *method, fleet, solve_options(description, prepared.known, clock.get()),
              screen, checkpoints ? &*checkpoints : nullptr, from);
  }
  const bool failed = summary.why == Summary::Why::diverged;
  if (!first) return failed ? kFailed : kDone;
  if (out != nullptr) {
    files->sync();
    write_npy(out->file("x.npy"), method->point());
    write_whole(out->file("summary.json"), summary_json(description, prepared, summary, transport.size()));
    out->finish();
  }
  fmt::print(failed ? stderr : stdout, "{}{}{}\n", failed ? "laconic: " : "",
             last_words(summary, prepared.assembly),
             out != nullptr ? " -> " + description.out : " (not saved: no out=)");
  return failed ? kFailed : kDone;
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
  if (first && !goes_on) fmt::print("{}: no checkpoint yet; the run starts over\n", out->path());
  return carry_out(description, first ? &*out : nullptr, goes_on, transport, neighbours);
}

}  // namespace laconic::cli
