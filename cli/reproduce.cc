// SPDX-License-Identifier: Apache-2.0
// `laconic reproduce`: the sweeps of experiments, one after the other, and what they show.
#include <algorithm>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/embedded.h"
#include "cli/experiments.h"
#include "cli/out_folder.h"
#include "cli/prepared.h"
#include "cli/ranks.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/sweep.h"
#include "cli/sweep_csv.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/core/read_whole.h"
#include "laconic/data/lookup.h"
#include "laconic/problem/make.h"
#include "laconic/report/file.h"
#include "laconic/report/text_table.h"

namespace laconic::cli {
namespace {

using Json = nlohmann::ordered_json;

/// What the words of the verb say.
struct Wanted {
  std::vector<const Experiment*> experiments = {};
  bool quick = false;
  bool force = false;
  std::string out = {};
  std::size_t threads = 0;  // as in a description
};

Wanted read_words(const std::vector<std::string>& words, const ReproduceFlags& flags) {
  Wanted wanted{.quick = flags.quick, .force = flags.force, .out = flags.out};
  std::string name;
  for (const std::string& word : words) {
    if (word.starts_with("threads=")) {
      Description description;
      apply(description, {"threads", word.substr(8), ""});
      wanted.threads = description.threads;
    } else if (word.starts_with("out=")) {
      if (!flags.out.empty()) throw InputError("reproduce: both --out and out= name a folder; give one");
      wanted.out = word.substr(4);
    } else if (!name.empty() || word.find('=') != std::string::npos) {
      throw InputError(
          fmt::format("reproduce: \"{}\"; need one name, and threads= or out= at most: other "
                      "settings are those of its files in configs/, to copy and to change",
                      word));
    } else {
      name = word;
    }
  }
  wanted.experiments = experiments_named(name);
  if (wanted.out.empty()) wanted.out = wanted.quick ? "runs/reproduce-quick" : "runs/reproduce";
  return wanted;
}

/// A sweep to do, or why not.
struct Task {
  const Experiment* experiment = nullptr;
  Part part{};
  SweepPlan plan = {};
  std::optional<OutFolder> out = {};
  bool begun = false;  // its folder has some of it
  bool ended = false;  // or all
  std::optional<Swept> swept = {};
  std::string why_not = {};  // where it is left out, or failed
  int exit_code = kDone;     // where it failed
};

std::vector<std::string> missing_data(const SweepPlan& plan) {
  std::vector<std::string> missing;
  for (const SweepRun& run : plan.runs) {
    const auto name = data_named(run.description.problem);
    if (name && !has_dataset(*name, data_folders()) &&
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

std::string verdicts_path(const Wanted& wanted) { return wanted.out + "/verdicts.json"; }

/// Of each sweep the plan, and its folder taken: nothing has run when something is wrong with one of them.
/// A sweep that an earlier call began is gone on with.
std::deque<Task> tasks_of(const Wanted& wanted) {
  std::deque<Task> tasks;  // a folder that is taken does not move
  for (const Experiment* experiment : wanted.experiments) {
    for (const Part& part : experiment->parts) {
      Task& task = tasks.emplace_back();
      task.experiment = experiment;
      task.part = part;
      std::vector<Setting> settings = settings_of_config(part.config, wanted.quick);
      settings.push_back({"out", fmt::format("{}/{}", wanted.out, part.config), ""});
      task.plan = plan_of(last_of_each(settings));
      task.plan.threads = wanted.threads;  // no part of what the folder describes
      if (const auto missing = missing_data(task.plan); !missing.empty()) {
        task.why_not = why_skipped(missing);
        continue;
      }
      const std::string description = description_of(task.plan);
      OutFolder& out = task.out.emplace(task.plan.out);
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

std::string minutes_text(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string count_text(std::size_t count, const char* of) {
  return fmt::format("{} {}{}", count, of, count == 1 ? "" : "s");
}

void announce(const std::deque<Task>& tasks, const Wanted& wanted) {
  double seconds = 0;
  std::size_t sweeps = 0;
  for (const Task& task : tasks) {
    if (!task.why_not.empty() || task.ended) continue;
    ++sweeps;
    seconds += wanted.quick ? task.part.quick_seconds : task.part.seconds;
  }
  const std::size_t threads = threads_of(wanted.threads);
  print_out("{} of {} to do: about {} on {}, as measured on another machine -> {}\n",
            count_text(sweeps, "sweep"), count_text(wanted.experiments.size(), "experiment"),
            minutes_text(seconds / static_cast<double>(threads)), count_text(threads, "thread"), wanted.out);
}

std::size_t holding(const Swept& swept) {
  return static_cast<std::size_t>(std::count_if(swept.judged.begin(), swept.judged.end(),
                                                [](const Judged& one) { return one.verdict.holds; }));
}

Swept do_or_read(Task& task) {
  Outcomes outcomes(task.plan.runs.size());
  if (task.begun) outcomes = read_sweep_csv(task.plan, task.out->file("sweep.csv"));
  if (task.ended) return judged_again(task.plan, outcomes);
  return carry_out(task.plan, &*task.out, std::move(outcomes), task.begun);
}

/// One that fails is no reason to leave out the others.
void carry_out(Task& task) {
  if (task.why_not.empty()) {
    try {
      task.swept = do_or_read(task);
    } catch (const Interrupted& error) {
      throw Interrupted(error.end(), fmt::format("{}: {}; to go on: the same command again", task.part.config,
                                                 error.what()));
    } catch (...) {
      const Failure failure = failure_in_flight();
      task.exit_code = failure.exit_code;
      task.why_not = fmt::format("failed: {}", failure.message);
    }
  }
  if (task.swept) {
    const Swept& swept = *task.swept;
    print_out("{}: {} of {} statements hold, {} -> {}\n", task.part.config, holding(swept),
              swept.judged.size(), task.ended ? "as before" : fmt::format("{:.1f} s", swept.seconds),
              task.out->path());
    for (const std::string& why : swept.lost_figures) print_err("laconic: no figure: {}\n", why);
  } else {
    const std::string line = fmt::format("{}: {}\n", task.part.config, task.why_not);
    task.exit_code == kDone ? write_out(line) : write_err(line);
  }
}

std::string table_of(const std::deque<Task>& tasks) {
  std::vector<std::vector<std::string>> cells = {{"experiment", "statement", "where", "holds", "numbers"}};
  for (const Task& task : tasks) {
    if (!task.swept) {
      cells.push_back(
          {task.experiment->name, fmt::format("{}: {}", task.part.config, task.why_not), "", "-", ""});
      continue;
    }
    for (const Judged& one : task.swept->judged) {
      cells.push_back({task.experiment->name, one.claim.empty() ? one.statement : one.claim, one.place,
                       one.verdict.holds ? "yes" : "NO", one.numbers});
    }
  }
  return text_table(cells, 4);
}

Json verdict_of(const Experiment& experiment, const std::deque<Task>& tasks) {
  Json json = {{"name", experiment.name}, {"title", experiment.title}, {"paper", experiment.paper}};
  bool holds = true;
  std::vector<std::string> reasons;
  Json statements = Json::array();
  for (const Task& task : tasks) {
    if (task.experiment != &experiment) continue;
    if (!task.swept) {
      reasons.push_back(fmt::format("{}: {}", task.part.config, task.why_not));
      holds = holds && task.exit_code == kDone;
      continue;
    }
    for (const Judged& one : task.swept->judged) {
      statements.push_back({{"config", task.part.config},
                            {"scene", one.scene},
                            {"where", one.place},
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

/// What `laconic report` and scripts read. Of other experiments, what an earlier call has found stays.
std::string verdicts_json(const Wanted& wanted, const std::deque<Task>& tasks, const std::string& path) {
  std::error_code error;
  const Json before =
      std::filesystem::exists(path, error) ? Json::parse(read_whole(path), nullptr, false) : Json();
  const auto found_before = [&](const Experiment& experiment) {
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
  for (const Experiment& experiment : experiments()) {
    const bool is_wanted = std::find(wanted.experiments.begin(), wanted.experiments.end(), &experiment) !=
                           wanted.experiments.end();
    Json entry = is_wanted ? verdict_of(experiment, tasks) : found_before(experiment);
    if (!entry.is_null()) json["experiments"].push_back(std::move(entry));
  }
  return json.dump(2) + "\n";
}

/// All that the folder holds, as a page. A page is no reason to lose a verdict.
void write_page(const Wanted& wanted) {
  if (chart_files().empty()) {
    print_out("no page: this laconic was built without its charting library (tools/fetch_charts.sh)\n");
    return;
  }
  try {
    const std::string title = fmt::format("The papers reproduced{}", wanted.quick ? ", quick" : "");
    print_out("{}\n", write_report({wanted.out}, title, wanted.out + "/report.html"));
  } catch (...) {
    print_err("laconic: no page: {}\n", failure_in_flight().message);
  }
}

}  // namespace

int reproduce(const std::vector<std::string>& words, const ReproduceFlags& flags) {
  const Wanted wanted = read_words(words, flags);
  std::deque<Task> tasks = tasks_of(wanted);
  announce(tasks, wanted);
  std::size_t statements = 0;
  std::size_t hold = 0;
  std::size_t skipped = 0;
  std::size_t failed = 0;
  double seconds = 0;
  int code = kDone;
  for (Task& task : tasks) {
    throw_if_asked_to_end("interrupted between two sweeps; to go on: the same command again");
    carry_out(task);
    if (task.swept) {
      statements += task.swept->judged.size();
      hold += holding(*task.swept);
      seconds += task.swept->seconds;
    } else {
      ++(task.exit_code == kDone ? skipped : failed);
      code = std::max(code, task.exit_code);
    }
  }
  const std::string verdicts = verdicts_path(wanted);
  write_whole(verdicts, verdicts_json(wanted, tasks, verdicts));
  print_out("\n{}\n", table_of(tasks));
  write_page(wanted);
  std::string words_of_end = fmt::format("{} of {} statements hold", hold, statements);
  if (skipped > 0) words_of_end += fmt::format(", {} of {} sweeps skipped", skipped, tasks.size());
  if (failed > 0) words_of_end += fmt::format(", {} of {} sweeps failed", failed, tasks.size());
  print_out("{}, {} -> {}\n", words_of_end, minutes_text(seconds), wanted.out);
  return hold < statements ? std::max<int>(code, kFailed) : code;
}

}  // namespace laconic::cli
