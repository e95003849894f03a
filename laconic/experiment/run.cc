// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/run.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "laconic/experiment/run_served.h"
#include "laconic/experiment/summary.h"
#include "laconic/report/file.h"
#include "laconic/report/npy.h"
#include "laconic/transport/agreement.h"

namespace laconic {
namespace {

/// Passes rows on to the files and to the caller's recorder, if there are any, and rounds to the observer.
class Watched final : public Recorder {
 public:
  Watched(std::size_t rounds, FileRecorder* files, Recorder* recorder, Observer* observer)
      : rounds_(rounds), files_(files), recorder_(recorder), observer_(observer) {}

  void record(const Row& row, const Timing& timing) override {
    grad_norm_sq_ = row.grad_norm_sq;
    if (files_ != nullptr) files_->record(row, timing);
    if (recorder_ != nullptr) recorder_->record(row, timing);
  }

  std::uint32_t sync() override { return files_ != nullptr ? files_->sync() : 0; }

  void tick(std::size_t round) override {
    if (recorder_ != nullptr) recorder_->tick(round);
    if (observer_ == nullptr) return;
    observer_->progress(round, rounds_, [&] {
      return fmt::format("round {} of {}, |grad f|^2 = {:.3g}", round, rounds_, grad_norm_sq_);
    });
  }

 private:
  std::size_t rounds_;
  FileRecorder* files_;
  Recorder* recorder_;
  Observer* observer_;
  double grad_norm_sq_ = 0;
};

/// Checks that this rank sees the folder made by rank 0: each rank writes its part of a checkpoint there.
void require_seen(const std::string& out, std::size_t rank) {
  if (!RunFolder(out).is_described()) {
    throw InputError(fmt::format(
        "out: rank {} does not see the folder {}; checkpoints need one that all ranks share", rank, out));
  }
}

/// Opens the files of the folder, new or resumed; nullptr if there is no folder.
std::unique_ptr<FileRecorder> open_files(const Experiment& experiment, RunFolder* out,
                                         const std::optional<Progress>& from) {
  if (out == nullptr) return nullptr;
  const bool with_accuracy = experiment.problem().has_accuracy();
  if (from) return std::make_unique<FileRecorder>(out->path(), with_accuracy, *from);
  out->clear();
  const std::string& clients = experiment.opened().clients_csv;
  if (!clients.empty()) write_whole(out->file("clients.csv"), clients);
  auto files = std::make_unique<FileRecorder>(out->path(), with_accuracy);
  out->keep();
  return files;
}

}  // namespace

void require_folder(const Config& config) {
  if (saves_checkpoints(config.solve) && config.out.empty())
    throw InputError("checkpoint-every: there is no folder to write to; give out=");
}

std::unique_ptr<RunFolder> new_folder_for(const Config& config, bool force) {
  if (config.out.empty()) return nullptr;
  auto folder = std::make_unique<RunFolder>(config.out);
  folder->take(force, toml_of(resolved(config)));
  return folder;
}

bool saves_checkpoints(const SolveOptions& options) {
  return options.checkpoint_rounds || options.checkpoint_seconds;
}

const char* why_not_saved(const Config& config) {
  return config.out.empty() ? "no out=" : "its processes share no folder";
}

RunResult run_method(const Experiment& experiment, Method& method, Fleet& fleet, Observer& observer,
                     const RunFiles& where, const RunHooks& hooks) {
  const Config& config = experiment.config();
  RunFolder* const out = where.out;
  Transport& transport = fleet.transport();
  const bool first = transport.rank() == 0;
  std::optional<Checkpoints> checkpoints;
  std::optional<Progress> from;
  std::unique_ptr<FileRecorder> files;  // on rank 0
  const bool saves = saves_checkpoints(config.solve);
  together(transport, [&] {
    if (where.goes_on || saves) require_seen(config.out, transport.rank());
    if (config.out.empty()) return;
    checkpoints.emplace(config.out + "/" + RunFolder::kCheckpoint,
                        identity_of(config, experiment.problem()) + numbers_of(experiment));
    if (!where.goes_on) return;
    const std::size_t clients = experiment.problem().shards();
    from = checkpoints->load(method.state(fleet), clients, fleet.owned(clients));
  });
  together(transport, [&] {
    files = open_files(experiment, out, from);
    if (hooks.on_files) hooks.on_files(from ? &*from : nullptr);
  });
  observer.begin();  // before the ranks synchronise, so that no signal ends one rank after another has begun
  together(transport, [&] {
    if (saves && !where.goes_on) checkpoints->make_folder();  // clear() removed it
    if (first && where.goes_on) checkpoints->remove_leftovers();
  });
  // If checkpoints are written only on request, a run on ranks without a common folder continues without
  // them.
  if (checkpoints && !on_all(transport, RunFolder(config.out).is_described())) checkpoints.reset();

  const auto clock = experiment.make_clock();
  SolveOptions options = experiment.solve_options(clock.get());
  const std::function<Request()> asked_for = [&] {
    const Request asked = std::max(observer.asked(), hooks.asked ? hooks.asked() : Request::none);
    if (asked == Request::checkpoint && first && !checkpoints)
      observer.remark(fmt::format("no checkpoint was saved: {}", why_not_saved(config)));
    return asked;
  };
  options.asked = &asked_for;
  Watched recorder(config.solve.rounds, files.get(), where.recorder, first ? &observer : nullptr);
  RunResult result;
  result.summary = solve(experiment.problem(), method, fleet, options, recorder,
                         checkpoints ? &*checkpoints : nullptr, from);
  result.saved = checkpoints.has_value();
  result.x.assign(method.point().begin(), method.point().end());
  if (result.interrupted() || !first) return result;
  result.sentences = experiment.assembly().warnings;
  if (hooks.sentences) {
    const std::vector<std::string> more = hooks.sentences();
    result.sentences.insert(result.sentences.end(), more.begin(), more.end());
  }
  result.json =
      summary_json(experiment, result.summary, {.ranks = hooks.ranks, .threads = fleet.pool().threads()});
  if (out != nullptr) {
    files->sync();
    write_npy(out->file("x.npy"), method.point());
    write_whole(out->file("summary.json"), result.json);
    out->finish();
  }
  return result;
}

RunResult run(const Experiment& experiment, Fleet& fleet, Observer& observer, const RunFiles& files) {
  std::unique_ptr<Method> method;
  together(fleet.transport(), [&] { method = experiment.make_method(); });
  require_same(fleet.transport(), numbers_of(experiment));
  return run_method(experiment, *method, fleet, observer, files, {.ranks = fleet.transport().size()});
}

RunResult run(const Config& config, Transport& transport, std::size_t neighbours, Observer& observer,
              const RunFiles& files) {
  if (config.is_served()) return run_served(config, transport, neighbours, observer, files);
  std::optional<ThreadPool> pool;
  together(transport, [&] { pool.emplace(threads_of(config, neighbours)); });
  const Working working(*pool, observer);
  Fleet fleet(*pool, transport);
  const auto opened = open_problem(config, fleet, observer);
  std::optional<Experiment> experiment;
  together(transport, [&] { experiment.emplace(config, opened); });
  return run(*experiment, fleet, observer, files);
}

}  // namespace laconic
