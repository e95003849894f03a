// SPDX-License-Identifier: Apache-2.0
#include "cli/sweep.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "cli/contest.h"
#include "cli/curves.h"
#include "cli/expectation.h"
#include "cli/prepared.h"
#include "cli/progress_bar.h"
#include "cli/ranks.h"
#include "cli/signals.h"
#include "cli/sweep_csv.h"
#include "cli/sweep_report.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/core/parallel.h"
#include "laconic/report/file.h"

namespace laconic::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Those of the runs, each read once, with their constants.
class Problems {
 public:
  Problems(const SweepPlan& plan, ThreadPool& pool) {
    Fleet fleet(pool);
    SharedData data;
    for (const SweepRun& run : plan.runs) {
      const Description& d = run.description;
      const auto [at, is_new] = shared_.try_emplace(
          fmt::format("{} {} {} {}", print(d.problem), d.clients, print(d.split), d.split_seed));
      SharedProblem& shared = at->second;
      if (is_new) {
        shared.problem = problem_of(d, {}, &data);
        shared.known.constants = shared.problem->constants(fleet);
      }
      if (d.target_gap && !shared.known.minimum)
        at_point(run.choices, [&] { shared.known.minimum = minimum_of(*shared.problem, fleet); });
      of_run_.push_back(&shared);
    }
  }
  [[nodiscard]] const std::vector<const SharedProblem*>& of_run() const { return of_run_; }

 private:
  std::map<std::string, SharedProblem> shared_;
  std::vector<const SharedProblem*> of_run_;
};

/// Whether the sweep or a statement is about the measure.
bool asks_for(const SweepPlan& plan, const std::vector<Expectation>& expectations, std::string_view measure) {
  const auto in_statement = [&](const Expectation& one) {
    const std::vector<const Factor*> methods = methods_in(one);
    return std::any_of(methods.begin(), methods.end(),
                       [&](const Factor* factor) { return factor->measure == measure; });
  };
  return plan.measure->name == measure || std::any_of(expectations.begin(), expectations.end(), in_statement);
}

/// Whatever only the data and the constants can tell: methods that do not fit, steps that no theorem gives.
void require_right(const SweepPlan& plan, const Problems& problems, ThreadPool& pool) {
  for (std::size_t r = 0; r < plan.runs.size(); ++r) {
    const SweepRun& run = plan.runs[r];
    const SharedProblem& shared = *problems.of_run()[r];
    at_point(run.choices, [&] {
      if (run.description.solve.target_accuracy) require_test_set("target-accuracy:", *shared.problem, pool);
      resolve(run.description.step, assembly_of(run.description, *shared.problem, shared.known.constants));
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
      const Request asked = take_request();
      const bool ends = asked >= Request::interrupt;
      if (!ends) settle();  // else they have not gone the same number of rounds
      if (asked != Request::none) save();
      if (ends)
        throw Interrupted(asked, fmt::format("interrupted with {} of {} runs done", done_, outcomes_.size()));
      bar_.show(done_, outcomes_.size(), [&] {
        std::size_t round = 0;
        for (const Contender* contender : live) round = std::max(round, contender->rounds());
        return fmt::format("{} of {} runs are done, {} under way in round {}", done_, outcomes_.size(),
                           live.size(), round);
      });
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

/// A figure, or why there is none.
template <class Draw>
void draw_into(Swept& swept, Draw draw) {
  try {
    for (const std::string& drawn : draw()) swept.figures.push_back(drawn);
  } catch (...) {
    swept.lost_figures.push_back(failure_in_flight().message);
  }
}

/// What the terminal is told; returns the exit code.
int tell(const Swept& swept, const OutFolder* out) {
  print_out("{}{}\n", swept.report, out == nullptr ? " (not saved: no out=)" : " -> " + out->path());
  for (const std::string& path : swept.figures) print_out("-> {}\n", path);
  for (const std::string& why : swept.lost_figures) print_err("laconic: no figure: {}\n", why);
  const int code = all_hold(swept.judged) ? kDone : kFailed;
  return out != nullptr ? code : code_after_output(code);
}

}  // namespace

Swept carry_out(const SweepPlan& plan, OutFolder* out, Outcomes outcomes, bool goes_on) {
  const Clock::time_point begin = Clock::now();
  ThreadPool pool(threads_of(plan.threads));
  const Problems problems(plan, pool);
  require_right(plan, problems, pool);
  const std::vector<Expectation> expectations = parse_expectations(plan.expect);
  judge_all(plan, expectations, outcomes);  // for what is wrong with them
  if (asks_for(plan, expectations, "test-error")) {
    const std::set<const SharedProblem*> all(problems.of_run().begin(), problems.of_run().end());
    for (const SharedProblem* shared : all) require_test_set("measure: test-error", *shared->problem, pool);
  }

  const SignalGuard guard;
  Running running(plan, problems, outcomes, out);
  if (out != nullptr && !goes_on) {
    out->clear();
    running.save();
    out->keep();
  }
  running.finish(pool);

  SweepResult result{plan, outcomes, scores_of(plan, outcomes)};
  result.best = best_of(plan, result.scores);
  result.judged = judge_all(plan, expectations, outcomes);
  Swept swept;
  if (out != nullptr) {
    write_whole(out->file("cells.csv"), cells_csv(plan, outcomes));
    if (plan.map) {
      draw_into(swept, [&] {
        return draw_maps(plan, result.scores, plan.map->first, plan.map->second, out->file("map.svg"));
      });
    }
    if (plan.figure) {
      const auto curves = record_curves(plan, outcomes, problems.of_run(), pool, out->file("curves"));
      draw_into(swept, [&] { return draw_curves(plan, curves, out->file("curves.svg")); });
    }
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (out != nullptr) {
    const auto files = write_best(result, *out);
    write_whole(out->file("summary.json"), summary_json(result, files));
    out->finish();
  }
  swept.report = report_of(result);
  swept.judged = result.judged;
  swept.seconds = result.seconds;
  return swept;
}

Swept judged_again(const SweepPlan& plan, const Outcomes& outcomes) {
  Swept swept;
  swept.judged = judge_all(plan, parse_expectations(plan.expect), outcomes);
  return swept;
}

std::string description_of(const SweepPlan& plan) {
  std::vector<std::pair<std::string, std::string>> keys;
  for (const Setting& setting : plan.settings) {
    if (setting.key != "measure") keys.emplace_back(setting.key, setting.value);
  }
  keys.emplace_back("measure", plan.measure->name);  // always there: by it a sweep is told from a run
  return toml_of(keys);
}

bool is_sweep(const std::vector<Setting>& settings) {
  return std::any_of(settings.begin(), settings.end(),
                     [](const Setting& setting) { return is_sweep_key(setting.key); });
}

void require_alone(const Transport& transport) {
  if (transport.size() > 1)
    throw InputError(
        "a sweep is done by one process, whose threads share the runs; start it without a launcher");
}

namespace {

int do_and_tell(const SweepPlan& plan, OutFolder* out, Outcomes outcomes, bool goes_on) {
  try {
    return tell(carry_out(plan, out, std::move(outcomes), goes_on), out);
  } catch (const Interrupted& error) {
    const std::string advice =
        out == nullptr ? "not saved: no out=" : "to go on: " + resume_command(out->path());
    throw Interrupted(error.end(), fmt::format("{}; {}", error.what(), advice));
  }
}

}  // namespace

int sweep(const std::vector<std::string>& words, bool quick, bool force) {
  const SweepPlan plan = plan_of(settings_of(words, quick));
  std::optional<OutFolder> out;
  if (!plan.out.empty()) {
    out.emplace(plan.out);
    out->take(force, description_of(plan));
  }
  OutFolder* const folder = out ? &*out : nullptr;
  return do_and_tell(plan, folder, Outcomes(plan.runs.size()), false);
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
  return do_and_tell(plan, &out, std::move(outcomes), begun);
}

}  // namespace laconic::cli
