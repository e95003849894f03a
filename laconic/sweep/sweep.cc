// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/sweep.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
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
#include "laconic/sweep/edges.h"
#include "laconic/sweep/expectation.h"
#include "laconic/sweep/lockstep.h"
#include "laconic/sweep/results.h"

namespace laconic {
namespace {

using Time = std::chrono::steady_clock;

/// The problems of the runs. Each is read once, also when the plan grows.
class Problems {
 public:
  Problems(ThreadPool& pool, Observer& observer) : fleet_(pool), observer_(observer) {}

  /// The problem of this config. InputError if it cannot be read, or has no minimum where one is needed.
  std::shared_ptr<const OpenedProblem> open(const Config& config) {
    const Source source = source_of(config);
    auto found =
        std::find_if(opened_.begin(), opened_.end(), [&](const auto& each) { return each.first == source; });
    if (found == opened_.end()) {
      const auto opened = std::make_shared<OpenedProblem>();
      opened->problem = read_problem(config, observer_, {}, &data_);
      opened->honest_part = honest_part_of(config, opened->problem);
      opened->facts.constants = constants_of(opened->objective(), fleet_, observer_);
      found = opened_.insert(opened_.end(), {source, opened});
    }
    OpenedProblem& opened = *found->second;
    if (config.target_gap && !opened.facts.minimum)
      opened.facts.minimum = minimum_of(opened.objective(), fleet_, observer_);
    return found->second;
  }

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

  Fleet fleet_;
  Observer& observer_;
  SharedData data_;
  std::vector<std::pair<Source, std::shared_ptr<OpenedProblem>>> opened_;
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

/// Finds the errors of a run that need the data and the constants: a method that does not fit, a step that no
/// theorem gives. InputError then.
void require_right(const Config& config, const std::shared_ptr<const OpenedProblem>& opened,
                   ThreadPool& pool) {
  if (config.solve.target_accuracy) require_test_set("target-accuracy:", *opened->problem, pool);
  static_cast<void>(Experiment(config, opened).step());
}

/// The problems of the runs of a plan, and which runs cannot begin.
struct Checked {
  ProblemOfRun problem_of_run;  // nullptr for impossible runs
  std::vector<ImpossibleRun> impossible;
};

/// Checks all runs. InputError for the first that cannot begin, unless the plan skips such runs; and if none can
/// begin.
Checked checked(const SweepPlan& plan, Problems& problems, ThreadPool& pool) {
  Checked result;
  for (std::size_t r = 0; r < plan.runs.size(); ++r) {
    const SweepRun& run = plan.runs[r];
    const auto open = [&] { return problems.open(run.config); };
    try {
      // Without the point of the grid where all runs have one problem.
      const auto opened = plan.skips_impossible ? at_point(run.choices, open) : open();
      at_point(run.choices, [&] { require_right(run.config, opened, pool); });
      result.problem_of_run.push_back(opened);
    } catch (const InputError& error) {
      const bool none_can_begin = result.impossible.size() + 1 == plan.runs.size();
      if (!plan.skips_impossible || none_can_begin) throw;
      result.problem_of_run.emplace_back();
      result.impossible.push_back({r, error.what()});
    }
  }
  return result;
}

/// A running sweep: the cells in progress, and the outcomes of the runs that have ended.
class Running {
 public:
  Running(const SweepPlan& plan, const ProblemOfRun& problem_of_run, RunOutcomes& outcomes,
          const RunFolder* out, Observer& observer)
      : plan_(plan), problem_of_run_(problem_of_run), outcomes_(outcomes), out_(out), observer_(observer) {}

  void finish(ThreadPool& pool) {
    while (true) {
      const std::vector<LockstepRun*> live = take_on(4 * pool.threads());
      if (live.empty()) break;
      // The last runs are for all threads.
      const std::size_t most = std::clamp(live.size() / (2 * pool.threads()), std::size_t{1}, kTogether);
      const auto groups = grouped(live, most);
      pool.for_each(groups.size(), [&](std::size_t i) { LockstepRun::advance(groups[i]); });
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
  static constexpr std::size_t kTogether = 8;  // runs that share passes

  /// Starts cells until there are `enough` groups of live runs.
  std::vector<LockstepRun*> take_on(std::size_t enough) {
    std::vector<LockstepRun*> live;
    for (const auto& cell_runs : cells_) {
      for (LockstepRun* run : cell_runs->live()) live.push_back(run);
    }
    for (; next_ < plan_.of_cell.size() && grouped(live, kTogether).size() < enough; ++next_) {
      const std::vector<std::size_t>& runs = plan_.of_cell[next_];
      const auto ended = static_cast<std::size_t>(
          std::count_if(runs.begin(), runs.end(), [&](std::size_t r) { return outcomes_[r].has_value(); }));
      done_ += ended;
      if (ended == runs.size()) continue;
      cells_.push_back(std::make_unique<LockstepCell>(plan_, next_, problem_of_run_, outcomes_, observer_));
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
  const ProblemOfRun& problem_of_run_;
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

/// Where each run of the wider plan was in the plan; nothing if it is new.
std::vector<std::optional<std::size_t>> places_before(const SweepPlan& plan, const SweepPlan& wider) {
  std::map<std::vector<Choice>, std::size_t> before;
  for (std::size_t r = 0; r < plan.runs.size(); ++r) before.emplace(plan.runs[r].choices, r);
  std::vector<std::optional<std::size_t>> places;
  for (const SweepRun& run : wider.runs) {
    const auto found = before.find(run.choices);
    places.push_back(found == before.end() ? std::nullopt : std::optional(found->second));
  }
  return places;
}

/// The sweep: its plan, which may grow, and all that is known about its runs.
class Sweep {
 public:
  Sweep(SweepPlan& plan, RunFolder* out, RunOutcomes outcomes, Observer& observer)
      : plan_(plan),
        out_(out),
        observer_(observer),
        pool_(threads_of(plan.threads)),
        problems_(pool_, observer),
        checked_(checked(plan, problems_, pool_)),
        expectations_(parse_expectations(plan.expect)) {
    result_.outcomes = std::move(outcomes);
    record_impossible();
    judge_all(plan, expectations_, result_.outcomes);  // throws here if a statement is wrong
    if (asks_for(plan, expectations_, "test-error")) {
      const std::set<std::shared_ptr<const OpenedProblem>> all(checked_.problem_of_run.begin(),
                                                               checked_.problem_of_run.end());
      for (const auto& opened : all) {
        if (opened) require_test_set("measure: test-error", *opened->problem, pool_);
      }
    }
  }

  /// Runs all that has not run, and again where the plan has grown.
  void run(bool goes_on) {
    observer_.begin();
    if (out_ != nullptr && !goes_on) {
      out_->clear();
      save();
      out_->keep();
    }
    do {
      Running(plan_, checked_.problem_of_run, result_.outcomes, out_, observer_).finish(pool_);
      result_.scores = scores_of(plan_, result_.outcomes);
      result_.best = best_of(plan_, result_.scores);
    } while (plan_.grows && grow());
  }

  /// The result, with its files written.
  SweepResult finish() {
    result_.impossible = checked_.impossible;
    result_.judged = judge_all(plan_, expectations_, result_.outcomes);
    if (out_ != nullptr) {
      write_whole(out_->file("cells.csv"), cells_csv(plan_, result_.outcomes));
      draw();
    }
    result_.seconds = std::chrono::duration<double>(Time::now() - begin_).count();
    if (out_ != nullptr) {
      const auto files = write_best(plan_, result_, *out_);
      write_whole(out_->file("summary.json"), summary_json(plan_, result_, files));
      out_->finish();
    }
    return std::move(result_);
  }

 private:
  static constexpr std::size_t kMostValues = 100;  // values of an axis that grows

  void record_impossible() {
    for (const ImpossibleRun& each : checked_.impossible)
      result_.outcomes[each.run] = RunOutcome{RunEnd::impossible, {}};
  }

  void save() { write_whole(out_->file("sweep.csv"), sweep_csv(plan_, result_.outcomes)); }

  /// Widens each tuned axis at an end of which the best of a method lies. Returns whether the plan has grown.
  bool grow() {
    bool has_grown = false;
    for (const Best& best : result_.best) {
      if (std::isinf(best.score)) continue;
      for (const Edge& edge : edges_of(plan_, best.setting)) {
        if (plan_.is_tuned(edge.axis)) has_grown = widen(edge) || has_grown;
      }
    }
    if (has_grown && out_ != nullptr) {
      // A reader of the folder finds each run of sweep.csv in the old plan and in the wider one.
      write_whole(out_->description(), description_of(plan_));
      save();
    }
    return has_grown;
  }

  /// Returns whether the plan has grown: not if the value is there already, or if a setting with it cannot run.
  bool widen(const Edge& edge) {
    const std::vector<std::string>& values = plan_.grid.axis(edge.axis)->values;
    if (std::find(values.begin(), values.end(), edge.beyond) != values.end() || values.size() >= kMostValues)
      return false;
    SweepPlan wider;
    Checked checked_again;
    try {
      wider = widened(plan_, edge);
      checked_again = checked(wider, problems_, pool_);
    } catch (const InputError&) {
      return false;
    }
    RunOutcomes outcomes(wider.runs.size());
    const auto places = places_before(plan_, wider);
    for (std::size_t r = 0; r < outcomes.size(); ++r) {
      if (places[r]) outcomes[r] = result_.outcomes[*places[r]];
    }
    // The best of result_ keeps its setting: numbers of settings change with the plan.
    for (Best& best : result_.best) {
      const std::size_t run = plan_.of_setting[best.setting].front();
      const auto now = std::find(places.begin(), places.end(), std::optional(run));
      best.setting = wider.runs[static_cast<std::size_t>(now - places.begin())].setting;
    }
    plan_ = std::move(wider);
    checked_ = std::move(checked_again);
    result_.outcomes = std::move(outcomes);
    record_impossible();
    return true;
  }

  void draw() {
    if (plan_.map) {
      draw_into(result_, [&] {
        return draw_maps(plan_, result_.scores, plan_.map->first, plan_.map->second, out_->file("map.svg"));
      });
    }
    if (plan_.figure) {
      const auto curves = record_curves(plan_, result_.outcomes, checked_.problem_of_run, pool_,
                                        out_->file("curves"), observer_);
      draw_into(result_, [&] { return draw_curves(plan_, curves, out_->file("curves.svg")); });
    }
  }

  Time::time_point begin_ = Time::now();
  SweepPlan& plan_;
  RunFolder* out_;
  Observer& observer_;
  ThreadPool pool_;
  Working working_{pool_, observer_};
  Problems problems_;
  Checked checked_;
  std::vector<Expectation> expectations_;
  SweepResult result_;
};

}  // namespace

SweepResult run_sweep(SweepPlan& plan, RunFolder* out, RunOutcomes outcomes, bool goes_on,
                      Observer& observer) {
  Sweep sweep(plan, out, std::move(outcomes), observer);
  sweep.run(goes_on);
  return sweep.finish();
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
