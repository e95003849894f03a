// SPDX-License-Identifier: Apache-2.0
// The experiments of the papers: which sweeps of configs/ each is, run one after the other.
#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/embedded.h"
#include "cli/out_folder.h"
#include "cli/prepared.h"
#include "cli/sweep.h"
#include "cli/sweep_csv.h"
#include "cli/verbs.h"
#include "laconic/data/lookup.h"
#include "laconic/problem/make.h"
#include "laconic/report/file.h"
#include "laconic/report/text_table.h"

namespace laconic::cli {
namespace {

using Json = nlohmann::ordered_json;

/// One sweep, and how long it takes in seconds of one core, as measured on a virtual machine, busy for some of them.
struct Part {
  const char* config;  // in configs/, without .toml
  double seconds;
  double quick_seconds;
};

struct Experiment {
  const char* name;
  const char* title;
  const char* paper;
  std::vector<Part> parts;
};

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> table = {
      {"marina",
       "MARINA against DIANA",
       "Gorbunov, Burlachenko, Li, Richtarik, ICML 2021, arXiv 2102.07845",
       {{"marina", 400, 8}, {"marina-vr", 3, 3}}},
      {"3pc-quadratics",
       "3PCv2 against EF21 on quadratics",
       "Richtarik et al., ICML 2022, arXiv 2202.00998",
       {{"3pc-quadratics", 900, 30}}},
      {"clag-heatmap",
       "The heat map of CLAG",
       "Richtarik et al., ICML 2022, arXiv 2202.00998",
       {{"clag-ijcnn1", 140, 34}}},
      {"autoencoder",
       "3PC on an autoencoder",
       "Richtarik et al., ICML 2022, arXiv 2202.00998",
       {{"autoencoder", 1000, 56}}},
      {"k-gt",
       "Gradient tracking with local steps",
       "Liu, Lin, Koloskova, Stich 2023, arXiv 2301.01313",
       {{"k-gt-rounds", 1, 1},
        {"k-gt-heterogeneity", 2, 2},
        {"k-gt-noise", 60, 10},
        {"k-gt-logistic", 3, 3},
        {"k-gt-mnist", 700, 44}}},
      {"savic",
       "Local steps with adaptive scaling",
       "\"Local Methods with Adaptivity via Scaling\" 2024, "
       "arXiv 2406.00846",
       {{"savic-scaling", 240, 31}, {"savic-split", 2400, 31}, {"savic-accuracy", 1500, 10}}},
      {"gc-1bit",
       "1-bit gradient coding",
       "Li, Skoglund 2024, arXiv 2403.14716",
       {{"gc-redundancy", 240, 20},
        {"gc-signs", 180, 34},
        {"gc-bits", 360, 12},
        {"gc-fashion-mnist", 600, 30},
        {"gc-fashion-mnist-stragglers", 240, 10},
        {"gc-fashion-mnist-floors", 960, 58}}},
  };
  return table;
}

constexpr const char* kAll = "all";

std::vector<const Experiment*> experiments_named(const std::string& name) {
  std::vector<const Experiment*> named;
  std::vector<std::string> known;
  for (const Experiment& each : experiments()) {
    known.emplace_back(each.name);
    if (name == each.name || name == kAll) named.push_back(&each);
  }
  known.emplace_back(kAll);
  if (named.empty()) {
    throw InputError(name.empty()
                         ? fmt::format("reproduce: which experiment? known: {}", fmt::join(known, ", "))
                         : fmt::format("reproduce: unknown experiment \"{}\"{}; known: {}", name,
                                       did_you_mean(name, known), fmt::join(known, ", ")));
  }
  return named;
}

/// What the words of the verb say.
struct Wanted {
  std::vector<const Experiment*> experiments = {};
  bool quick = false;
  bool force = false;
  std::string out = {};
  std::vector<Setting> threads = {};  // nothing, or one
};

Wanted read_words(const std::vector<std::string>& words, const ReproduceFlags& flags) {
  Wanted wanted{.quick = flags.quick, .force = flags.force, .out = flags.out};
  std::string name;
  for (const std::string& word : words) {
    if (word.starts_with("threads=")) {
      wanted.threads = {{"threads", word.substr(8), ""}};
    } else if (word.starts_with("out=")) {
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

std::vector<Setting> settings_of_config(const std::string& config, bool quick) {
  const std::string name = config + ".toml";
  const std::span<const EmbeddedFile> files = configs();
  const auto file =
      std::find_if(files.begin(), files.end(), [&](const auto& each) { return each.name == name; });
  check(file != files.end(), "an experiment's sweep is in configs/");
  return parse_toml(file->content, "configs/" + name, quick);
}

/// A sweep to do, or why not.
struct Task {
  const Experiment* experiment = nullptr;
  Part part{};
  SweepPlan plan = {};
  std::vector<std::string> needs = {};  // data that is not there
  std::optional<OutFolder> out = {};
  bool goes_on = false;
  std::optional<Swept> swept = {};
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

/// Of each sweep the plan, and its folder taken: nothing has run when something is wrong with one of them.
/// A sweep that an earlier call began, or ended, is gone on with.
std::deque<Task> tasks_of(const Wanted& wanted) {
  std::deque<Task> tasks;  // a folder that is taken does not move
  for (const Experiment* experiment : wanted.experiments) {
    for (const Part& part : experiment->parts) {
      Task& task = tasks.emplace_back();
      task.experiment = experiment;
      task.part = part;
      std::vector<Setting> settings = settings_of_config(part.config, wanted.quick);
      settings.push_back({"out", fmt::format("{}/{}", wanted.out, part.config), ""});
      settings.insert(settings.end(), wanted.threads.begin(), wanted.threads.end());
      task.plan = plan_of(last_of_each(settings));
      task.needs = missing_data(task.plan);
      if (!task.needs.empty()) continue;
      const std::string description = description_of(task.plan);
      OutFolder& out = task.out.emplace(task.plan.out);
      if (!wanted.force && out.is_described() && read_whole(out.description()) == description) {
        out.take_up();
        task.goes_on = out.holds("sweep.csv");
      } else {
        out.take(wanted.force, description);
      }
    }
  }
  return tasks;
}

std::string minutes_text(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string needs_text(const Task& task) {
  return fmt::format("skipped: needs {}, run make data", fmt::join(task.needs, ", "));
}

void announce(const std::deque<Task>& tasks, const Wanted& wanted) {
  double seconds = 0;
  std::size_t threads = 1;
  std::size_t sweeps = 0;
  for (const Task& task : tasks) {
    if (!task.needs.empty()) continue;
    ++sweeps;
    seconds += wanted.quick ? task.part.quick_seconds : task.part.seconds;
    threads = threads_of(task.plan.threads);
  }
  fmt::print("{} sweep{} of {} experiment{}: about {} on {} thread{}, as measured on another machine -> {}\n",
             sweeps, sweeps == 1 ? "" : "s", wanted.experiments.size(),
             wanted.experiments.size() == 1 ? "" : "s", minutes_text(seconds / static_cast<double>(threads)),
             threads, threads == 1 ? "" : "s", wanted.out);
  std::fflush(stdout);
}

void carry_out(Task& task) {
  if (!task.needs.empty()) {
    fmt::print("{}: {}\n", task.part.config, needs_text(task));
    return;
  }
  OutFolder& out = *task.out;
  Outcomes outcomes =
      task.goes_on ? read_sweep_csv(task.plan, out.file("sweep.csv")) : Outcomes(task.plan.runs.size());
  task.swept = cli::carry_out(task.plan, &out, std::move(outcomes), task.goes_on);
  const Swept& swept = *task.swept;
  const auto holds = std::count_if(swept.judged.begin(), swept.judged.end(),
                                   [](const Judged& one) { return one.verdict.holds; });
  fmt::print("{}: {} of {} statements hold, {:.1f} s -> {}\n", task.part.config, holds, swept.judged.size(),
             swept.seconds, out.path());
  for (const std::string& why : swept.lost_figures) fmt::print(stderr, "laconic: no figure: {}\n", why);
  std::fflush(stdout);
}

std::string table_of(const std::deque<Task>& tasks) {
  std::vector<std::vector<std::string>> cells = {{"experiment", "statement", "where", "holds", "numbers"}};
  for (const Task& task : tasks) {
    if (!task.swept) {
      cells.push_back(
          {task.experiment->name, fmt::format("{}: {}", task.part.config, needs_text(task)), "", "-", ""});
      continue;
    }
    for (const Judged& one : task.swept->judged) {
      cells.push_back({task.experiment->name, one.claim.empty() ? one.statement : one.claim, one.place,
                       one.verdict.holds ? "yes" : "NO", one.numbers});
    }
  }
  return text_table(cells, 4);
}

/// What `laconic report` and scripts read.
std::string verdicts_json(const Wanted& wanted, const std::deque<Task>& tasks) {
  Json json;
  json["laconic"] = LACONIC_VERSION;
  json["quick"] = wanted.quick;
  json["experiments"] = Json::array();
  for (const Experiment* experiment : wanted.experiments) {
    Json entry = {{"name", experiment->name}, {"title", experiment->title}, {"paper", experiment->paper}};
    bool holds = true;
    std::string reason;
    Json statements = Json::array();
    for (const Task& task : tasks) {
      if (task.experiment != experiment) continue;
      if (!task.swept) {
        reason += fmt::format("{}{}: {}", reason.empty() ? "" : "; ", task.part.config, needs_text(task));
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
    entry["status"] = !holds ? "fails" : statements.empty() ? "skipped" : "holds";
    if (!reason.empty()) entry["reason"] = reason;
    entry["statements"] = statements;
    json["experiments"].push_back(entry);
  }
  return json.dump(2) + "\n";
}

/// All that the folder holds, as a page.
void write_page(const Wanted& wanted) {
  if (chart_files().empty()) {
    fmt::print("no page: this laconic was built without its charting library (tools/fetch_charts.sh)\n");
    return;
  }
  // No name of a folder is to be taken for a key.
  const std::string folder = std::filesystem::path(wanted.out).is_absolute() ? wanted.out : "./" + wanted.out;
  report({folder, "out=" + wanted.out + "/report.html",
          fmt::format("title=The papers reproduced{}", wanted.quick ? ", quick" : "")});
}

}  // namespace

int reproduce(const std::vector<std::string>& words, const ReproduceFlags& flags) {
  const Wanted wanted = read_words(words, flags);
  std::deque<Task> tasks = tasks_of(wanted);
  announce(tasks, wanted);
  for (Task& task : tasks) carry_out(task);
  std::filesystem::create_directories(wanted.out);
  write_whole(wanted.out + "/verdicts.json", verdicts_json(wanted, tasks));

  std::size_t statements = 0;
  std::size_t holding = 0;
  std::size_t skipped = 0;
  double seconds = 0;
  for (const Task& task : tasks) {
    if (!task.swept) {
      ++skipped;
      continue;
    }
    seconds += task.swept->seconds;
    for (const Judged& one : task.swept->judged) {
      ++statements;
      if (one.verdict.holds) ++holding;
    }
  }
  fmt::print("\n{}\n", table_of(tasks));
  write_page(wanted);
  fmt::print("{} of {} statements hold{}, {} -> {}\n", holding, statements,
             skipped > 0 ? fmt::format(", {} of {} sweeps skipped", skipped, tasks.size()) : "",
             minutes_text(seconds), wanted.out);
  return holding == statements ? kDone : kFailed;
}

}  // namespace laconic::cli
