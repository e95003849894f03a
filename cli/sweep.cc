// SPDX-License-Identifier: Apache-2.0
#include "cli/sweep.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/contest.h"
#include "cli/expectation.h"
#include "cli/prepared.h"
#include "cli/progress_bar.h"
#include "cli/sweep_csv.h"
#include "cli/verbs.h"
#include "laconic/core/parallel.h"
#include "laconic/report/file.h"
#include "laconic/report/text_table.h"

namespace laconic::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

/// Those of the runs, each read once, with their constants.
class Problems {
 public:
  Problems(const SweepPlan& plan, ThreadPool& pool) {
    Fleet fleet(pool);
    for (const SweepRun& run : plan.runs) {
      const Description& d = run.description;
      const auto [at, is_new] = shared_.try_emplace(fmt::format("{} split-seed={}", run.scene, d.split_seed));
      if (is_new) {
        at->second.problem = problem_of(d);
        at->second.constants = at->second.problem->constants(fleet);
      }
      of_run_.push_back(&at->second);
    }
  }
  [[nodiscard]] const std::vector<const SharedProblem*>& of_run() const { return of_run_; }

 private:
  std::map<std::string, SharedProblem> shared_;
  std::vector<const SharedProblem*> of_run_;
};

/// Whatever only the data and the constants can tell: methods that do not fit, steps that no theorem gives.
void require_right(const SweepPlan& plan, const Problems& problems) {
  for (std::size_t r = 0; r < plan.runs.size(); ++r) {
    const SweepRun& run = plan.runs[r];
    const SharedProblem& shared = *problems.of_run()[r];
    at_point(run.choices, [&] {
      resolve(run.description.step, assembly_of(run.description, *shared.problem, shared.constants));
    });
  }
}

/// The sweep under way: cells that compete, and what has come of those that have ended.
class Running {
 public:
  Running(const SweepPlan& plan, const Problems& problems, Outcomes& outcomes, const OutFolder* out)
      : plan_(plan), problems_(problems), outcomes_(outcomes), out_(out) {}

  void finish(ThreadPool& pool) {
    while (true) {
      const std::vector<Contender*> live = take_on(4 * pool.threads());
      if (live.empty()) break;
      pool.for_each(live.size(), [&](std::size_t i) { live[i]->advance(); });
      settle();
      bar_.show(done_, outcomes_.size(),
                [&] { return fmt::format("{} of {} runs have ended", done_, outcomes_.size()); });
    }
    save();
  }

  void save() {
    saved_ = Clock::now();
    if (out_ != nullptr) write_whole(out_->file("sweep.csv"), sweep_csv(plan_, outcomes_));
  }

 private:
  /// Begins with cells until `enough` runs are live.
  std::vector<Contender*> take_on(std::size_t enough) {
    std::vector<Contender*> live;
    for (const auto& contest : contests_) {
      for (Contender* contender : contest->live()) live.push_back(contender);
    }
    for (; live.size() < enough && next_ < plan_.of_cell.size(); ++next_) {
      const bool is_done = outcomes_[plan_.of_cell[next_][0]].has_value();
      if (is_done) {  // before an interruption
        done_ += plan_.of_cell[next_].size();
        continue;
      }
      contests_.push_back(std::make_unique<Contest>(plan_, next_, problems_.of_run()));
      for (Contender* contender : contests_.back()->live()) live.push_back(contender);
    }
    return live;
  }

  void settle() {
    const std::size_t before = contests_.size();
    std::erase_if(contests_, [&](const auto& contest) {
      contest->settle();
      if (!contest->live().empty()) return false;
      done_ += contest->report(outcomes_);
      return true;
    });
    if (contests_.size() < before && Clock::now() - saved_ > std::chrono::seconds(1)) save();
  }

  const SweepPlan& plan_;
  const Problems& problems_;
  Outcomes& outcomes_;
  const OutFolder* out_;
  std::vector<std::unique_ptr<Contest>> contests_;
  std::size_t next_ = 0;  // cell
  std::size_t done_ = 0;  // runs
  Clock::time_point saved_ = Clock::now();
  ProgressBar bar_{true};
};

std::string score_text(const Measure& measure, double score) {
  if (std::isinf(score)) return "-";
  return measure.to_target && score >= 100 ? fmt::format("{:.0f}", score) : fmt::format("{:.4g}", score);
}

/// The first run of a setting stands for it: others differ in their seeds alone.
const SweepRun& run_of(const SweepPlan& plan, const Best& best) {
  return plan.runs[plan.of_setting[best.setting][0]];
}

std::string table_of(const SweepPlan& plan, const Outcomes& outcomes, const std::vector<Best>& all) {
  std::string text;
  for (const std::string& scene : scenes_of(plan)) {
    std::vector<std::vector<std::string>> cells = {
        {"best of each method", "step", plan.measure->name, "rounds", "|grad f|^2"}};
    for (const Best& best : all) {
      if (best.scene != scene) continue;
      if (std::isinf(best.score)) {
        cells.push_back({best.method, "-", plan.measure->to_target ? "not reached" : "-", "-", "-"});
        continue;
      }
      const SweepRun& run = run_of(plan, best);
      const Row& last = outcomes[plan.of_setting[best.setting][0]]->last;
      cells.push_back({print(run.description.method), print(run.description.step),
                       score_text(*plan.measure, best.score), fmt::format("{}", last.round),
                       fmt::format("{:.3e}", last.grad_norm_sq)});
    }
    if (scenes_of(plan).size() > 1) text += scene + "\n";
    text += text_table(cells, 2) + "\n";
  }
  return text;
}

/// How many runs ended in which way: "12 runs: 9 target, 3 diverged".
std::string tally(const Outcomes& outcomes) {
  std::map<std::string, std::size_t> counts;
  for (const auto& outcome : outcomes) ++counts[outcome->why];
  std::string text = fmt::format("{} run{}:", outcomes.size(), outcomes.size() == 1 ? "" : "s");
  const char* separator = " ";
  for (const auto& [why, count] : counts) {
    text += fmt::format("{}{} {}", separator, count, why);
    separator = ", ";
  }
  return text;
}

struct Judged {
  std::string scene;
  const Expectation* expectation;
  Verdict verdict;
};

/// A method that the sweep has no run of is an InputError.
std::vector<Judged> judge_all(const SweepPlan& plan, const std::vector<Expectation>& expectations,
                              const std::vector<double>& scores) {
  std::vector<Judged> judged;
  for (const std::string& scene : scenes_of(plan)) {
    for (const Expectation& expectation : expectations) {
      judged.push_back({scene, &expectation, judge(expectation, [&](const std::string& method) {
                          if (const auto score = score_of(plan, scores, scene, method)) return *score;
                          throw InputError(
                              fmt::format("expect: \"{}\": no run of this sweep is of the method {}",
                                          expectation.text, method));
                        })});
    }
  }
  return judged;
}

bool all_hold(const std::vector<Judged>& judged) {
  return std::all_of(judged.begin(), judged.end(), [](const Judged& one) { return one.verdict.holds; });
}

std::string verdict_text(const Judged& judged, bool with_scene) {
  return fmt::format("{:<3}  {}   ({:.6g} {} {:.6g}){}\n", judged.verdict.holds ? "yes" : "NO",
                     judged.expectation->text, judged.verdict.left, judged.expectation->relation,
                     judged.verdict.right, with_scene ? "   " + judged.scene : "");
}

/// A TOML file for the best setting of each method, to be run as it is: best/clag.toml, best/clag-2.toml ...
std::map<std::size_t, std::string> write_best(const SweepPlan& plan, const std::vector<Best>& all,
                                              const OutFolder& out) {
  std::map<std::size_t, std::string> files;
  std::map<std::string, std::size_t> seen;
  for (const Best& best : all) {
    if (std::isinf(best.score)) continue;
    const SweepRun& run = run_of(plan, best);
    const std::string& name = run.description.method.name;
    const std::size_t count = ++seen[name];
    const std::string file =
        count == 1 ? fmt::format("best/{}.toml", name) : fmt::format("best/{}-{}.toml", name, count);
    std::filesystem::create_directories(out.file("best"));
    write_whole(out.file(file), toml_of(resolved(run.description)));
    files[best.setting] = file;
  }
  return files;
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string summary_of(const SweepPlan& plan, const Outcomes& outcomes, const std::vector<Best>& all,
                       const std::map<std::size_t, std::string>& files, const std::vector<Judged>& judged,
                       double seconds) {
  Json json;
  json["laconic"] = LACONIC_VERSION;
  for (const Setting& setting : plan.settings) json["description"][setting.key] = setting.value;
  json["measure"] = plan.measure->name;
  json["runs"] = plan.runs.size();
  json["stopped"] = {{"why", all_hold(judged) ? "finished" : kUnmet}};
  for (const auto& outcome : outcomes) {
    Json& count = json["ended"][outcome->why];
    count = count.is_null() ? 1 : count.get<int>() + 1;
  }
  json["best"] = Json::array();
  for (const Best& best : all) {
    const SweepRun& run = run_of(plan, best);
    Json entry = {{"scene", best.scene}, {"method", best.method}, {"score", number_or_null(best.score)}};
    if (std::isfinite(best.score)) {
      for (const auto& [key, value] : resolved(run.description)) entry["description"][key] = value;
      entry["file"] = files.at(best.setting);
    }
    json["best"].push_back(entry);
  }
  json["expect"] = Json::array();
  for (const Judged& one : judged) {
    json["expect"].push_back({{"scene", one.scene},
                              {"statement", one.expectation->text},
                              {"left", number_or_null(one.verdict.left)},
                              {"right", number_or_null(one.verdict.right)},
                              {"holds", one.verdict.holds}});
  }
  json["seconds"] = seconds;
  return json.dump(2) + "\n";
}

/// From a plan to the end; `outcomes` holds what has ended already.
int carry_out(const SweepPlan& plan, OutFolder* out, Outcomes outcomes, bool goes_on) {
  const Clock::time_point begin = Clock::now();
  Description threads_only;
  threads_only.threads = plan.threads;
  ThreadPool pool(threads_of(threads_only));
  const Problems problems(plan, pool);
  require_right(plan, problems);
  const std::vector<Expectation> expectations = parse_expectations(plan.expect);
  judge_all(plan, expectations, scores_of(plan, outcomes));  // for what is wrong with them

  Running running(plan, problems, outcomes, out);
  if (out != nullptr && !goes_on) {
    out->clear();
    running.save();
    out->keep();
  }
  running.finish(pool);

  const std::vector<double> scores = scores_of(plan, outcomes);
  const std::vector<Best> all = best_of(plan, scores);
  const std::vector<Judged> judged = judge_all(plan, expectations, scores);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const bool several = scenes_of(plan).size() > 1;
  std::string said = table_of(plan, outcomes, all);
  for (const Judged& one : judged) said += verdict_text(one, several);
  said += fmt::format("{}, {:.2f} s", tally(outcomes), seconds);
  if (out == nullptr) {
    fmt::print("{} (not saved: no out=)\n", said);
  } else {
    const auto files = write_best(plan, all, *out);
    fmt::print("{} -> {}\n", said, out->path());
    if (plan.map) {
      try {
        for (const std::string& path :
             draw_maps(plan, scores, plan.map->first, plan.map->second, out->file("map.svg")))
          fmt::print("map of {} over {} -> {}\n", plan.map->second, plan.map->first, path);
      } catch (const std::exception& error) {  // a figure is no reason to lose a sweep
        fmt::print(stderr, "laconic: no map: {}\n", error.what());
      }
    }
    write_whole(out->file("summary.json"), summary_of(plan, outcomes, all, files, judged, seconds));
    out->finish();
  }
  return all_hold(judged) ? kDone : kFailed;
}

std::string description_of(const SweepPlan& plan) {
  std::vector<std::pair<std::string, std::string>> keys;
  for (const Setting& setting : plan.settings) {
    if (setting.key != "measure") keys.emplace_back(setting.key, setting.value);
  }
  keys.emplace_back("measure", plan.measure->name);  // always there: by it a sweep is told from a run
  return toml_of(keys);
}

}  // namespace

std::vector<std::string> draw_maps(const SweepPlan& plan, const std::vector<double>& scores,
                                   const std::string& across, const std::string& upwards,
                                   const std::string& path) {
  std::vector<std::string> paths;
  for (const std::string& scene : scenes_of(plan)) {
    std::filesystem::path file = path;
    if (!paths.empty())
      file.replace_filename(
          fmt::format("{}-{}{}", file.stem().string(), paths.size() + 1, file.extension().string()));
    draw(map_of(plan, scores, scene, across, upwards), file.string());
    paths.push_back(file.string());
  }
  return paths;
}

bool is_sweep(const std::vector<Setting>& settings) {
  return std::any_of(settings.begin(), settings.end(),
                     [](const Setting& setting) { return is_sweep_key(setting.key); });
}

void require_alone(const Transport& transport) {
  if (transport.size() > 1)
    throw InputError(
        "sweep: is done by one process, whose threads share the runs; start it without a launcher");
}

int sweep(const std::vector<std::string>& words, bool force) {
  const SweepPlan plan = plan_of(settings_of(words));
  std::optional<OutFolder> out;
  if (!plan.out.empty()) {
    out.emplace(plan.out);
    out->take(force, description_of(plan));
  }
  return carry_out(plan, out ? &*out : nullptr, Outcomes(plan.runs.size()), false);
}

int resume_sweep(OutFolder& out, const std::vector<std::string>& words) {
  std::vector<Setting> settings = read_toml(out.description());
  for (const std::string& word : words) {
    if (!word.starts_with("threads="))
      throw InputError(
          fmt::format("resume: \"{}\"; the sweep is described in {}, and only threads= may change", word,
                      out.description()));
    std::erase_if(settings, [](const Setting& setting) { return setting.key == "threads"; });
    settings.push_back({"threads", word.substr(8), ""});
  }
  SweepPlan plan = plan_of(settings);
  plan.out = out.path();
  const bool begun = out.holds("sweep.csv");
  Outcomes outcomes = begun ? read_sweep_csv(plan, out.file("sweep.csv")) : Outcomes(plan.runs.size());
  return carry_out(plan, &out, std::move(outcomes), begun);
}

}  // namespace laconic::cli
