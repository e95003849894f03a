// SPDX-License-Identifier: Apache-2.0
#include "cli/conduct.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/progress_bar.h"
#include "cli/ranks.h"
#include "cli/signals.h"
#include "cli/summary.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/report/checkpoint.h"
#include "laconic/report/file.h"
#include "laconic/report/npy.h"
#include "laconic/solve.h"

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

/// Each rank writes its part of a checkpoint in the folder that rank 0 has made.
void require_seen(const std::string& out, std::size_t rank) {
  if (!OutFolder(out).is_described()) {
    throw InputError(fmt::format(
        "out: rank {} does not see the folder {}; checkpoints need one that all ranks share", rank, out));
  }
}

const char* why_not_saved(const Description& description) {
  return description.out.empty() ? "no out=" : "its processes share no folder";
}

/// What can be done about a run that was interrupted.
std::string how_to_go_on(const Description& description, bool saved) {
  if (saved) return "to go on: " + resume_command(description.out);
  const std::string why = fmt::format("not saved: {}", why_not_saved(description));
  return description.out.empty() ? why
                                 : fmt::format("{}; to start over: {}", why, resume_command(description.out));
}

}  // namespace

std::string identity_of(const Description& description, const Problem& problem) {
  std::string text = fmt::format("laconic {}\n", LACONIC_VERSION);
  for (const auto& [key, value] : resolved(description)) {
    if (key != "out" && key != "threads" && key != "checkpoint-every")
      text += fmt::format("{} = {}\n", key, value);
  }
  return text + fmt::format("d = {}\ndata with checksum {:08x}\n", problem.dim(), problem.data_checksum());
}

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

int conduct(const Description& description, const Prepared& prepared, Method& method, Fleet& fleet,
            const Conduct& where) {
  OutFolder* const out = where.out;
  const bool first = fleet.transport().rank() == 0;
  std::optional<Checkpoints> checkpoints;
  std::optional<Progress> from;
  std::unique_ptr<FileRecorder> files;  // rank 0's
  const bool saves = saves_checkpoints(description.solve);
  together(fleet.transport(), [&] {
    if (where.goes_on || saves) require_seen(description.out, fleet.transport().rank());
    if (description.out.empty()) return;
    checkpoints.emplace(description.out + "/" + OutFolder::kCheckpoint,
                        identity_of(description, *prepared.problem) + numbers_of(prepared, method));
    if (!where.goes_on) return;
    const std::size_t clients = prepared.problem->shards();
    from = checkpoints->load(method.state(fleet), clients, fleet.owned(clients));
  });
  together(fleet.transport(), [&] {
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
    if (where.on_files) where.on_files(from ? &*from : nullptr);
  });
  const SignalGuard guard;  // before the ranks meet: no signal ends one of them when another has begun
  together(fleet.transport(), [&] {
    if (saves && !where.goes_on) checkpoints->make_folder();  // the folder has been cleared
    if (first && where.goes_on) checkpoints->remove_leftovers();
  });
  // Where a checkpoint is only asked for, a run whose ranks share no folder goes on without.
  if (checkpoints && !on_all(fleet.transport(), OutFolder(description.out).is_described()))
    checkpoints.reset();

  const auto clock = clock_of(description, prepared.assembly);
  SolveOptions options = solve_options(description, prepared.known, clock.get());
  const std::function<Request()> asked_for = [&] {
    const Request asked = std::max(take_request(), where.asked ? where.asked() : Request::none);
    if (asked == Request::checkpoint && first && !checkpoints)
      print_err("laconic: no checkpoint was saved: {}\n", why_not_saved(description));
    return asked;
  };
  options.asked = &asked_for;
  Summary summary;
  {
    Screen screen(description.solve.rounds, files.get(), first);
    summary =
        solve(*prepared.problem, method, fleet, options, screen, checkpoints ? &*checkpoints : nullptr, from);
  }
  if (summary.why == Summary::Why::interrupted) {
    if (first)
      print_err("laconic: {}; {}\n", summary.reason, how_to_go_on(description, checkpoints.has_value()));
    return exit_code_of(summary.request);
  }
  const bool failed = summary.why == Summary::Why::diverged;
  if (!first) return failed ? kFailed : kDone;
  if (out != nullptr) {
    files->sync();
    write_npy(out->file("x.npy"), method.point());
    const Host host = {.ranks = where.ranks, .threads = prepared.pool->threads()};
    write_whole(out->file("summary.json"), summary_json(description, *prepared.problem, prepared.known,
                                                        prepared.assembly, summary, host));
    out->finish();
  }
  const std::string where_saved = out != nullptr ? " -> " + description.out : " (not saved: no out=)";
  std::string words = last_words(summary, prepared.assembly);
  for (const std::string& remark : where.remarks ? where.remarks() : std::vector<std::string>{})
    words += "; " + remark;
  if (failed) {
    print_err("laconic: {}{}\n", words, where_saved);
    return kFailed;
  }
  print_out("{}{}\n", words, where_saved);
  return out != nullptr ? kDone : code_after_output(kDone);
}

}  // namespace laconic::cli
