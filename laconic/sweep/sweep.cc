// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/sweep.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/failure.h"
#include "laconic/core/parallel.h"
#include "laconic/experiment/experiment.h"
#include "laconic/report/file.h"
#include "laconic/sweep/csv.h"
#include "laconic/sweep/curves.h"
#include "laconic/sweep/expectation.h"
#include "laconic/sweep/lockstep.h"
#include "laconic/sweep/results.h"

namespace laconic {
namespace {

using Time = std::chrono::steady_clock;

/// The problems of the runs. Each is read once.
class Problems {
 public:
  Problems(const SweepPlan& plan, ThreadPool& pool, Observer& observer) {
    Fleet fleet(pool);
    SharedData data;
    for (const SweepRun& run : plan.runs) {
      const Config& config = run.config;
      const Source source = at_point(run.choices, [&] { return source_of(config); });
      const auto found = std::find_if(opened_.begin(), opened_.end(),
                                      [&](const auto& each) { return each.first == source; });
      const bool is_new = found == opened_.end();
      const auto opened = is_new ? std::make_shared<OpenedProblem>() : found->second;
      if (is_new) {
        opened_.emplace_back(source, opened);
        opened->problem = read_problem(config, observer, {}, &data);
        opened->honest_part = honest_part_of(config, opened->problem);
        opened->facts.constants = constants_of(opened->objective(), fleet, observer);
      }
      if (config.target_gap && !opened->facts.minimum)
        at_point(run.choices,
                 [&] { opened->facts.minimum = minimum_of(opened->objective(), fleet, observer); });
      of_run_.push_back(opened);
    }
  }
  [[nodiscard]] const ProblemOfRun& of_run() const { return of_run_; }

 private:
  /// What decides the data of a problem, their split and the objective.
  struct Source {
    Spec problem;
    std::size_t clients;
    Spec split;
    std::uint64_t split_seed;
    std::size_t honest_clients;
    bool has_false_labels;

    friend bool operator==(const Source& a, const Source& b) = default;
  };

  static Source source_of(const Config& config) {
    return {config.problem,    config.clients,          config.split,
            config.split_seed, config.honest_clients(), config.has_false_labels()};
  }

  std::vector<std::pair<Source, std::shared_ptr<OpenedProblem>>> opened_;
  ProblemOfRun of_run_;
};

/// Whether the sweep or one of its statements uses the measure.
bool asks_for(const SweepPlan& plan, const std::vector<Expectation>& expectations, std::string_view measure) {
  const auto in_statement = [&](const Expectation& one) {
    const std::vector<const Factor*> methods = methods_in(one);
    return std::any_of(methods.begin(), methods.end(),
                       [&](const Factor* factor) { return factor->measure == measure; });
  };
  return plan.measure->name == measure || std::any_of(expectations.begin(), expectations.end(), in_statement);
}

/// Finds the errors that need the data and the constants: methods that do not fit, steps that no theorem
/// gives.
void require_right(const SweepPlan& plan, const Problems& problems, ThreadPool& pool) {
  for (std::size_t r = 0; r < plan.runs.size(); ++r) {
    const SweepRun& run = plan.runs[r];
    const auto& opened = problems.of_run()[r];
    at_point(run.choices, [&] {
      if (run.config.solve.target_accuracy) require_test_set("target-accuracy:", *opened->problem, pool);
      static_cast<void>(Experiment(run.config, opened).step());
    });
  }
}

/// A running sweep: the cells in progress, and the outcomes of the runs that have ended.
class Running {
 public:
  Running(const SweepPlan& plan, const Problems& problems, RunOutcomes& outcomes, const RunFolder* out,
          Observer& observer)
      : plan_(plan), problems_(problems), outcomes_(outcomes), out_(out), observer_(observer) {}

  void finish(ThreadPool& pool) {
    while (true) {
      const std::vector<LockstepRun*> live = take_on(4 * pool.threads());
      if (live.empty()) break;
      pool.for_each(live.size(), [&](std::size_t i) { live[i]->advance(); });
      const Request asked = observer_.asked();
      const bool ends = asked >= Request::interrupt;
      if (!ends) settle();  // after an interruption the runs are at different rounds
      if (asked != Request::none) save();
      if (ends)
        throw Interrupted(asked, fmt::format("interrupted with {} of {} runs done", done_, outcomes_.size()));
      observer_.progress(done_, outcomes_.size(), [&] {
        std::size_t round = 0;
        for (const LockstepRun* run : live) round = std::max(round, run->rounds());
        return fmt::format("{} of {} runs are done, {} under way in round {}", done_, outcomes_.size(),
                           live.size(), round);
      });
    }
    save();
  }

  void save() {
    saved_ = Time::now();
    if (out_ != nullptr) write_whole(out_->file("sweep.csv"), sweep_csv(plan_, outcomes_));
  }

 private:
  /// Starts cells until `enough` runs are live.
  std::vector<LockstepRun*> take_on(std::size_t enough) {
    std::vector<LockstepRun*> live;
    for (const auto& cell_runs : cells_) {
      for (LockstepRun* run : cell_runs->live()) live.push_back(run);
    }
    for (; live.size() < enough && next_ < plan_.of_cell.size(); ++next_) {
      const bool is_done = outcomes_[plan_.of_cell[next_][0]].has_value();
      if (is_done) {  // it may have been interrupted before
        done_ += plan_.of_cell[next_].size();
        continue;
      }
      cells_.push_back(std::make_unique<LockstepCell>(plan_, next_, problems_.of_run(), observer_));
      for (LockstepRun* run : cells_.back()->live()) live.push_back(run);
    }
    return live;
  }

  void settle() {
    const std::size_t before = cells_.size();
    std::erase_if(cells_, [&](const auto& cell_runs) {
      cell_runs->settle();
      if (!cell_runs->live().empty()) return false;
      done_ += cell_runs->report(outcomes_);
      return true;
    });
    if (cells_.size() < before && Time::now() - saved_ > std::chrono::seconds(1)) save();
  }

  const SweepPlan& plan_;
  const Problems& problems_;
  RunOutcomes& outcomes_;
  const RunFolder* out_;
  std::vector<std::unique_ptr<LockstepCell>> cells_;
  std::size_t next_ = 0;  // the next cell to start
  std::size_t done_ = 0;  // runs that have ended
  Time::time_point saved_ = Time::now();
  Observer& observer_;
};

/// Draws a figure, or records why it could not be drawn.
template <class Draw>
void draw_into(SweepResult& result, Draw draw) {
  try {
    for (const std::string& drawn : draw()) result.figures.push_back(drawn);
  } catch (...) {
    result.lost_figures.push_back(failure_in_flight().message);
  }
}

}  // namespace

SweepResult run_sweep(const SweepPlan& plan, RunFolder* out, RunOutcomes outcomes, bool goes_on,
                      Observer& observer) {
  const Time::time_point begin = Time::now();
  ThreadPool pool(threads_of(plan.threads));
  const Problems problems(plan, pool, observer);
  require_right(plan, problems, pool);
  const std::vector<Expectation> expectations = parse_expectations(plan.expect);
  judge_all(plan, expectations, outcomes);  // throws here if a statement is wrong
  if (asks_for(plan, expectations, "test-error")) {
    const std::set<std::shared_ptr<const OpenedProblem>> all(problems.of_run().begin(),
                                                             problems.of_run().end());
    for (const auto& opened : all) require_test_set("measure: test-error", *opened->problem, pool);
  }

  observer.begin();
  Running running(plan, problems, outcomes, out, observer);
  if (out != nullptr && !goes_on) {
    out->clear();
    running.save();
    out->keep();
  }
  running.finish(pool);

  SweepResult result{.outcomes = std::move(outcomes)};
  result.scores = scores_of(plan, result.outcomes);
  result.best = best_of(plan, result.scores);
  result.judged = judge_all(plan, expectations, result.outcomes);
  if (out != nullptr) {
    write_whole(out->file("cells.csv"), cells_csv(plan, result.outcomes));
    if (plan.map) {
      draw_into(result, [&] {
        return draw_maps(plan, result.scores, plan.map->first, plan.map->second, out->file("map.svg"));
      });
    }
    if (plan.figure) {
      const auto curves =
          record_curves(plan, result.outcomes, problems.of_run(), pool, out->file("curves"), observer);
      draw_into(result, [&] { return draw_curves(plan, curves, out->file("curves.svg")); });
    }
  }
  result.seconds = std::chrono::duration<double>(Time::now() - begin).count();
  if (out != nullptr) {
    const auto files = write_best(plan, result, *out);
    write_whole(out->file("summary.json"), summary_json(plan, result, files));
    out->finish();
  }
  return result;
}

SweepResult judged_again(const SweepPlan& plan, RunOutcomes outcomes) {
  SweepResult result{.outcomes = std::move(outcomes)};
  result.judged = judge_all(plan, parse_expectations(plan.expect), result.outcomes);
  return result;
}

std::string description_of(const SweepPlan& plan) {
  std::vector<std::pair<std::string, std::string>> keys;
  for (const KeyValue& setting : plan.settings) {
    if (setting.key != "measure") keys.emplace_back(setting.key, setting.value);
  }
  // always written: a folder with this key is that of a sweep
  keys.emplace_back("measure", plan.measure->name);
  return toml_of(keys);
}

bool is_sweep(const std::vector<KeyValue>& settings) {
  return std::any_of(settings.begin(), settings.end(),
                     [](const KeyValue& setting) { return is_sweep_key(setting.key); });
}

}  // namespace laconic
