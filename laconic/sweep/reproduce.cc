// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/reproduce.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/core/failure.h"
#include "laconic/core/read_whole.h"
#include "laconic/data/lookup.h"
#include "laconic/experiment/experiment.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/problem/make.h"
#include "laconic/report/file.h"
#include "laconic/sweep/csv.h"
#include "laconic/sweep/sweep.h"

namespace laconic {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> missing_data(const SweepPlan& plan) {
  std::vector<std::string> missing;
  for (const SweepRun& run : plan.runs) {
    const auto name = data_named(run.config.problem);
    if (name && !has_dataset(*name, run.config.resources.folders) &&
        std::find(missing.begin(), missing.end(), *name) == missing.end())
      missing.push_back(*name);
  }
  return missing;
}

std::string why_skipped(const std::vector<std::string>& missing) {
  const bool by_debian = missing == std::vector<std::string>{"fashion-mnist"};
  return fmt::format("skipped: needs {}, {}", fmt::join(missing, ", "),
                     by_debian ? "Debian's package dataset-fashion-mnist" : "run make data");
}

std::string verdicts_path(const ReproduceRequest& wanted) { return wanted.out + "/verdicts.json"; }

SweepResult do_or_read(PaperSweep& task, Observer& observer) {
  RunOutcomes outcomes(task.plan.runs.size());
  if (task.begun) outcomes = read_sweep_csv(task.plan, task.out->file("sweep.csv"));
  if (task.ended) return judged_again(task.plan, std::move(outcomes));
  return run_sweep(task.plan, &*task.out, std::move(outcomes), task.begun, observer);
}

Json verdict_of(const PaperExperiment& experiment, const std::deque<PaperSweep>& tasks) {
  Json json = {{"name", experiment.name}, {"title", experiment.title}, {"paper", experiment.paper}};
  bool holds = true;
  std::vector<std::string> reasons;
  Json statements = Json::array();
  for (const PaperSweep& task : tasks) {
    if (task.paper != &experiment) continue;
    if (!task.result) {
      reasons.push_back(fmt::format("{}: {}", task.part.config, task.why_not));
      holds = holds && task.failure == Failure::Kind::none;
      continue;
    }
    for (const Judged& one : task.result->judged) {
      statements.push_back({{"config", task.part.config},
                            {"scene", print(task.plan.workloads[one.workload])},
                            {"where", place_of(task.plan, one.workload)},
                            {"claim", one.claim},
                            {"statement", one.statement},
                            {"numbers", one.numbers},
                            {"holds", one.verdict.holds}});
      holds = holds && one.verdict.holds;
    }
  }
  json["status"] = !holds ? "fails" : statements.empty() ? "skipped" : "holds";
  if (!reasons.empty()) json["reason"] = fmt::format("{}", fmt::join(reasons, "; "));
  json["statements"] = statements;
  return json;
}

/// verdicts.json, which `laconic report` and scripts read. Verdicts of an earlier call on other experiments
/// are kept.
std::string verdicts_json(const ReproduceRequest& wanted, const std::deque<PaperSweep>& tasks,
                          const std::string& path) {
  std::error_code error;
  const Json before =
      std::filesystem::exists(path, error) ? Json::parse(read_whole(path), nullptr, false) : Json();
  const auto found_before = [&](const PaperExperiment& experiment) {
    if (!before.is_object() || before.value("quick", !wanted.quick) != wanted.quick) return Json();
    for (const Json& each : before.value("experiments", Json::array())) {
      if (each.is_object() && each.value("name", "") == experiment.name) return each;
    }
    return Json();
  };
  Json json;
  json["laconic"] = LACONIC_VERSION;
  json["quick"] = wanted.quick;
  json["experiments"] = Json::array();
  for (const auto* table : {&papers(), &single_configs()}) {
    for (const PaperExperiment& experiment : *table) {
      const bool is_wanted =
          std::find(wanted.papers.begin(), wanted.papers.end(), &experiment) != wanted.papers.end();
      Json entry = is_wanted ? verdict_of(experiment, tasks) : found_before(experiment);
      if (!entry.is_null()) json["experiments"].push_back(std::move(entry));
    }
  }
  return json.dump(2) + "\n";
}

}  // namespace

std::size_t PaperSweep::holding() const {
  return result ? static_cast<std::size_t>(std::count_if(result->judged.begin(), result->judged.end(),
                                                         [](const Judged& one) { return one.verdict.holds; }))
                : 0;
}

std::deque<PaperSweep> sweeps_of(const ReproduceRequest& wanted) {
  std::deque<PaperSweep> tasks;  // a deque, because a RunFolder that is taken cannot move
  for (const PaperExperiment* experiment : wanted.papers) {
    for (const Part& part : experiment->parts) {
      PaperSweep& task = tasks.emplace_back();
      task.paper = experiment;
      task.part = part;
      std::vector<KeyValue> settings = settings_of_config(part.config, wanted.quick);
      settings.push_back({"out", fmt::format("{}/{}", wanted.out, part.config), ""});
      task.plan = plan_of(last_of_each(settings), {.folders = wanted.folders});
      task.plan.threads = wanted.threads;  // not part of the description in the folder
      if (const auto missing = missing_data(task.plan); !missing.empty()) {
        task.why_not = why_skipped(missing);
        continue;
      }
      const std::string description = description_of(task.plan);
      RunFolder& out = task.out.emplace(task.plan.out);
      if (!wanted.force && out.is_described() && read_whole(out.description()) == description) {
        out.take_up();
        task.begun = out.holds("sweep.csv");
        task.ended = task.begun && out.is_finished();
      } else {
        out.take(wanted.force, description);
      }
    }
  }
  std::error_code error;
  std::filesystem::create_directories(wanted.out, error);
  if (error) throw InputError(fmt::format("out: cannot make the folder {}: {}", wanted.out, error.message()));
  naming("out", [&] { require_writable(verdicts_path(wanted)); });
  return tasks;
}

void run_paper_sweep(PaperSweep& task, Observer& observer) {
  if (!task.why_not.empty()) return;
  try {
    task.result = do_or_read(task, observer);
  } catch (const Interrupted&) {
    throw;
  } catch (...) {
    const Failure failure = failure_in_flight();
    task.failure = failure.kind;
    task.why_not = fmt::format("failed: {}", failure.message);
  }
}

void write_verdicts(const ReproduceRequest& wanted, const std::deque<PaperSweep>& tasks) {
  const std::string path = verdicts_path(wanted);
  write_whole(path, verdicts_json(wanted, tasks, path));
}

}  // namespace laconic
