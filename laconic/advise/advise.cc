// SPDX-License-Identifier: Apache-2.0
// Compares methods on a link. The cost of a round is measured here or counted, a pilot finds the number of
// rounds, and the modelled clock gives the time on the link.
#include "laconic/advise/advise.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/advise/advice.h"
#include "laconic/advise/costs.h"
#include "laconic/advise/pilot.h"
#include "laconic/advise/request.h"
#include "laconic/compress/compressor.h"
#include "laconic/experiment/experiment.h"
#include "laconic/problem/make.h"
#include "laconic/report/setting_json.h"
#include "laconic/report/units.h"

namespace laconic {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kFarBehind = 10;         // times the link seconds and the gradients of a method
constexpr double kOneTiming = 1.0 / 400;  // share of the time limit
constexpr std::size_t kMostRounds = 10'000'000;
constexpr std::size_t kEvalEvery = 8;  // rounds, where gradients are of batches

/// What a gradient of a row costs, as products: about that of a dense row, d in number, and of what comes with
/// it. A nominal value, so that advice is the same on busy and on idle machines.
double products_of_a_gradient(std::size_t dim) { return static_cast<double>(dim) + 500; }
constexpr double kSecondsAProduct = 1.5e-10;

/// The default budget: about 15 s of two cores.
double default_gradients(std::size_t dim) { return 1.5e11 / products_of_a_gradient(dim); }

/// With fewer rows, a method's share of the budget is this many passes over all rows.
double passes_of(const Config& config) { return config.batch ? 100 : 500; }

/// Whether the problem may be given a number of rows and has none.
bool may_have_fewer_rows(const Spec& problem) {
  const auto row = std::find_if(problems().begin(), problems().end(),
                                [&](const ProblemRow& each) { return each.name == problem.name; });
  if (row == problems().end() || !row->data || *row->data >= problem.args.size()) return false;
  const bool is_generated =
      !problem.args[*row->data].args.empty() || !problem.args[*row->data].options.empty();
  return !is_generated && row->usage.find("rows=") != std::string::npos &&
         std::none_of(problem.options.begin(), problem.options.end(),
                      [](const auto& option) { return option.first == "rows"; });
}

/// The number with its first digit only, rounded down.
double first_digit_of(double number) {
  const double power = std::pow(10, std::floor(std::log10(number)));
  return power * std::floor(number / power);
}

/// The value to three digits, as a user would write it.
double to_three_digits(double value) { return std::stod(fmt::format("{:.3g}", value)); }

/// The default steps: from 2^-4 to 2^5 times 1/L, in powers of two. Without constants: from 4^-5 to 4^4.
struct StepGrid {
  double ratio = 0;  // of one step to the next
  std::vector<StepRule> steps = {};
};
StepGrid default_steps(const std::optional<Constants>& constants) {
  const double L = constants ? constants->L_minus : 1;
  if (!(L > 0 && std::isnormal(L)))
    throw InputError(fmt::format("step: no default step follows from L- = {}; give one, as in step=0.1", L));
  constexpr int kSteps = 10;
  StepGrid grid{.ratio = constants ? 2.0 : 4.0};
  for (int power = constants ? -4 : -5; std::ssize(grid.steps) < kSteps; ++power)
    grid.steps.push_back({StepRule::Kind::number, to_three_digits(std::pow(grid.ratio, power) / L)});
  return grid;
}

/// Half a ratio below and above this step; further above if it is the largest that was tried.
std::vector<StepRule> steps_beside(const StepRule& step, bool is_largest, double ratio) {
  const double half = std::sqrt(ratio);
  const std::vector<double> factors =
      is_largest ? std::vector{half, ratio, ratio * ratio} : std::vector{1 / half, half};
  std::vector<StepRule> steps;
  for (const double times : factors) steps.push_back({step.kind, to_three_digits(step.factor * times)});
  return steps;
}

/// A method, and how far advice is with it.
struct Candidate {
  Spec method;
  std::unique_ptr<Pilot> pilot = nullptr;   // while it runs
  std::optional<PilotResult> result = {};   // at its end
  std::optional<std::string> refusal = {};  // why the method does not support the config

  [[nodiscard]] bool is_open() const { return !result && !refusal; }
};

class Adviser {
 public:
  Adviser(AdviceRequest request, Observer& observer)
      : q_(std::move(request)),
        observer_(observer),
        pool_(threads_of(q_.config.threads)),
        fleet_(pool_),
        opened_(open()),
        begin_(Time::now()),
        deadline_(begin_ +
                  std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(q_.seconds))) {
    steps_ = q_.steps.empty() ? default_steps(opened_->facts.constants) : StepGrid{.steps = q_.steps};
    set_target(0.01);
  }

  void measure() {
    if (q_.config.compute.empty() && !q_.config.has_delays()) {
      compute_ = kSecondsAProduct * products_of_a_gradient(problem().dim());
      compute_here_ = seconds_a_gradient(problem(), q_.config.batch, a_timing());
    }
    whole_ = cost_of(Spec("identity"));
  }

  /// Runs the pilots; again to a harder target, where the default one is so easy that the base reaches it in a
  /// few rounds, and half of the budget is left. With minibatches, their noise may be above a harder target.
  void compare() {
    constexpr double kMuch = 0.5;  // of the budget
    run_pilots();
    for (const double share : {1e-4, 1e-6}) {
      const PilotResult* base = advice_.of_base();
      const bool too_easy = base != nullptr && base->reached() && base->last.round < Advice::kFewRounds;
      if (q_.config.has_target() || q_.config.batch || !too_easy || spent_ > kMuch * budget_) return;
      set_target(share);
      run_pilots();
    }
  }

  /// The result in words and as JSON.
  [[nodiscard]] AdviceResult result() const {
    return {.head = head(),
            .table = table_of(advice_),
            .sentences = sentences(),
            .json = json(),
            .failure = advice_.best() != nullptr ? "" : failure()};
  }

 private:
  using Time = std::chrono::steady_clock;

  void set_target(double share) {
    advice_ = {.base = q_.methods.front(), .target = target_of(q_.config, share, *opened_, fleet_, pool_)};
    limit_ = {};
  }

  /// Gives each pilot a share of the gradients, and again twice as many to those that have not reached the
  /// target, until none are left.
  void run_pilots() {
    std::vector<Candidate> candidates;
    for (const Spec& method : q_.methods) candidates.push_back({method});
    double share = (budget_ - spent_) / (4 * static_cast<double>(candidates.size()));
    for (;;) {
      const auto open = std::count_if(candidates.begin(), candidates.end(),
                                      [](const Candidate& each) { return each.is_open(); });
      if (open == 0 || spent_ >= budget_ || is_late()) break;
      share = std::min(share, (budget_ - spent_) / static_cast<double>(open));
      for (Candidate& each : candidates) {
        if (each.is_open()) advance(each, share);
      }
      share *= 2;
    }
    for (Candidate& each : candidates) {
      if (each.refusal) {
        advice_.refused.push_back({each.method, *each.refusal});
      } else if (each.result || each.pilot) {
        advice_.pilots.push_back(each.result ? *each.result : each.pilot->result());
      } else {
        advice_.pilots.push_back({.method = each.method, .end = RunEnd::budget_over});
      }
    }
    advice_.rank();
    was_late_ = is_late();
    taken_ = std::chrono::duration<double>(Time::now() - begin_).count();
  }

  [[nodiscard]] std::vector<std::string> sentences() const;
  [[nodiscard]] std::string head() const;
  [[nodiscard]] std::string failure() const;
  [[nodiscard]] std::string json() const;

  [[nodiscard]] const Problem& problem() const { return *opened_->problem; }
  [[nodiscard]] bool is_late() const { return Time::now() >= deadline_; }
  [[nodiscard]] double a_timing() const { return q_.seconds * kOneTiming; }
  /// Gradients of a client's whole data, as multiples of those in a pilot.
  [[nodiscard]] double rows_factor() const { return q_.config.batch ? 1 : rows_ / rows_of(problem()); }

  /// Opens the problem, with fewer rows if the budget is short.
  std::shared_ptr<const OpenedProblem> open() {
    SharedData shared;
    Config config = q_.config;
    {
      const auto whole = read_problem(config, observer_, {}, &shared);
      rows_ = rows_of(*whole);
      budget_ = q_.gradients.value_or(default_gradients(whole->dim()));
    }
    constexpr double kLeastRows = 10;  // a client
    const double fewer =
        std::max(first_digit_of(budget_ / (static_cast<double>(q_.methods.size()) * passes_of(config))),
                 kLeastRows * static_cast<double>(config.clients));
    if (fewer < rows_ && may_have_fewer_rows(config.problem))
      config.problem.options.emplace_back("rows", parse(fmt::format("{:.0f}", fewer)));
    return open_problem(config, fleet_, observer_, &shared);
  }

  /// Seconds a gradient of the clients in turn, as many times as long as a pilot has fewer rows. Empty if they
  /// are not known.
  [[nodiscard]] std::vector<double> compute(std::vector<double> seconds) const {
    for (double& each : seconds) each *= rows_factor();
    return seconds;
  }

  /// The config with each of these steps, as the pilot runs it. InputError if no theorem gives a step.
  [[nodiscard]] std::vector<Config> configs_of_pilot(Config config, const std::vector<StepRule>& steps,
                                                     const Assembly& assembly) const {
    config.solve.rounds = kMostRounds;
    config.solve.eval_every = config.batch ? kEvalEvery : 1;
    config.solve.tests = config.solve.target_accuracy.has_value();
    if (!config.has_target()) config.solve.target = advice_.target.value;
    config.compute = compute(config.compute);
    std::vector<Config> configs;
    for (const StepRule& step : steps) {
      resolve(step, assembly);  // throws if no theorem gives the step
      config.step = step;
      configs.push_back(config);
    }
    return configs;
  }

  /// A pilot of the method with these steps.
  std::unique_ptr<Pilot> pilot_of(const Spec& method, const std::vector<StepRule>& steps) {
    Config config = q_.config;
    config.method = method;
    const Assembly assembly = Experiment(config, opened_).assembly();
    const std::vector<double> seconds = compute(compute_ ? std::vector{*compute_} : config.compute);
    return std::make_unique<Pilot>(configs_of_pilot(config, steps, assembly), opened_, seconds,
                                   costs_of(config, assembly), advice_.target, pool_, observer_);
  }

  /// Advances the pilot by this share of the gradients. Where its default steps reach the target, other steps
  /// beside the best follow.
  void advance(Candidate& c, double share) {
    observer_.progress(static_cast<std::size_t>(spent_), static_cast<std::size_t>(budget_),
                       [&] { return print(c.method); });
    try {
      if (!c.pilot) c.pilot = pilot_of(c.method, steps_.steps);
    } catch (const InputError& error) {
      if (c.method == advice_.base) throw;
      c.refusal = error.what();
      return;
    }
    spend(*c.pilot, share, limit_);
    if (!c.pilot->over()) return;
    c.result = c.pilot->result();
    if (c.result->reached()) {
      if (steps_.ratio > 0) refine(*c.result, c.pilot->gradients());
      limit_.link_seconds = std::min(limit_.link_seconds, kFarBehind * c.result->last.network_seconds);
      limit_.gradients = std::min(limit_.gradients, kFarBehind * c.result->last.oracle_calls);
    }
    c.pilot.reset();
  }

  /// Replaces the result by that of a step beside its own, if that reaches the target sooner.
  void refine(PilotResult& result, double gradients) {
    const auto pilot = pilot_of(result.method, steps_beside(result.step, result.largest_step, steps_.ratio));
    spend(*pilot, std::min(gradients, budget_ - spent_), {result.last.network_seconds, 0});
    PilotResult finer = pilot->result();
    if (!finer.reached() || finer.last.network_seconds >= result.last.network_seconds) return;
    finer.largest_step = finer.largest_step && result.largest_step;
    result = finer;
  }

  void spend(Pilot& pilot, double gradients, const CostLimit& limit) {
    const double before = pilot.gradients();
    pilot.advance(gradients, limit, deadline_);
    spent_ += pilot.gradients() - before;
  }

  /// The cost of a message that is only compressed by this compressor.
  [[nodiscard]] MessageCost cost_of(const Spec& compressor) const {
    const auto mechanism = direct(of_text("method", [&] {
      return make_compressor(compressor,
                             {problem().dim(), problem().shards(), q_.config.wire, problem().blocks()});
    }));
    return cost_of_message(*mechanism, problem(), q_.config.seed, a_timing());
  }

  [[nodiscard]] MessageCosts costs_of(const Config& config, const Assembly& assembly) const {
    if (const auto* parts = std::get_if<StarParts>(&assembly.parts)) {
      const Mechanism& mechanism = *parts->mechanism;
      return {.whole = whole_,
              .said = cost_of_message(mechanism, problem(), config.seed, a_timing()),
              .remembers = mechanism.rates().client != 0};
    }
    // Without a server: compressor=C, or C as the first argument, as in choco(C).
    const Spec& method = config.method;
    for (const auto& [name, compressor] : method.options) {
      if (name == "compressor") return {.whole = whole_, .said = cost_of(compressor)};
    }
    const bool compresses = std::holds_alternative<GossipParts>(assembly.parts) && !method.args.empty();
    return {.whole = whole_, .said = compresses ? cost_of(method.args[0]) : whole_};
  }

  AdviceRequest q_;
  Observer& observer_;
  ThreadPool pool_;
  Working working_{pool_, observer_};
  Fleet fleet_;
  double rows_ = 0;    // of the problem
  double budget_ = 0;  // gradients of all pilots
  double spent_ = 0;
  std::shared_ptr<const OpenedProblem> opened_;  // perhaps with fewer rows
  Time::time_point begin_;                       // when the data were read and the constants computed
  Time::time_point deadline_;
  std::optional<double> compute_;  // assumed seconds a gradient, unless the config has them
  double compute_here_ = 0;        // the same as measured on this machine, to compare
  MessageCost whole_;
  StepGrid steps_;
  CostLimit limit_;
  Advice advice_;
  bool was_late_ = false;
  double taken_ = 0;  // seconds
};

std::string Adviser::head() const {
  const Config& d = q_.config;
  std::string text = fmt::format("{}, d = {}, {} clients; to {}\n", print(d.problem), problem().dim(),
                                 d.clients, advice_.target.words);
  if (rows_of(problem()) < rows_)
    text += fmt::format(
        "the short runs use {:.0f} of the {:.0f} rows, for {:.2g} gradients; gradients= or rows= sets more\n",
        rows_of(problem()), rows_, budget_);
  if (compute_) {
    text += fmt::format("assumed: {} for the gradient of a row; measured here: {}; compute= sets it\n",
                        seconds_text(*compute_), seconds_text(compute_here_));
  }
  return text + fmt::format("measured here, on one thread: {} and {} to encode and decode d values\n",
                            seconds_text(whole_.encode), seconds_text(whole_.decode));
}

std::vector<std::string> Adviser::sentences() const {
  std::vector<std::string> all;
  const bool lacked = std::any_of(advice_.pilots.begin(), advice_.pilots.end(),
                                  [](const PilotResult& p) { return p.end == RunEnd::budget_over; });
  if (was_late_) {
    all.push_back(
        fmt::format("the time limit of {} ended the short runs, so the results may differ on another "
                    "machine; seconds={:.0f} allows more",
                    seconds_text(q_.seconds), std::ceil(4 * q_.seconds)));
  } else if (lacked) {
    all.push_back(
        fmt::format("the budget of {:.2g} gradients ended the short runs; gradients={:.2g} allows more",
                    budget_, 4 * budget_));
  }
  for (std::string& sentence : words_of(advice_, make_links(*q_.config.network)))
    all.push_back(std::move(sentence));
  return all;
}

std::string Adviser::failure() const {
  const bool diverged = std::any_of(advice_.pilots.begin(), advice_.pilots.end(),
                                    [](const PilotResult& p) { return p.end == RunEnd::diverged; });
  return diverged
             ? "no method is recommended: those that ran diverged; smaller steps may help, as in step=1e-3"
             : "no method is recommended: no short run had a round before the limit";
}

std::string Adviser::json() const {
  Json json;
  json["laconic"] = LACONIC_VERSION;
  for (const KeyValue& setting : q_.settings)
    json["description"][setting.key] = json_of_setting(setting.key, setting.value);
  json["gradients"] = {{"allowed", budget_}, {"taken", spent_}};
  json["seconds"] = {{"allowed", q_.seconds}, {"taken", taken_}, {"ended_the_pilots", was_late_}};
  json["target"] = {
      {"key", advice_.target.key}, {"value", advice_.target.value}, {"words", advice_.target.words}};
  json["dim"] = problem().dim();
  json["clients"] = q_.config.clients;
  json["rows"] = {{"all", rows_}, {"used", rows_of(problem())}};
  json["compute"] = compute_ ? Json{{"assumed", *compute_}, {"measured", compute_here_}} : Json(nullptr);
  json["a_whole_message"] = {{"encode", whole_.encode}, {"decode", whole_.decode}, {"bits", whole_.bits}};
  json.update(json_of(advice_));
  json["advice"] = sentences();
  return json.dump(2) + "\n";
}

}  // namespace

AdviceResult advise(const AdviceRequest& request, Observer& observer) {
  Adviser adviser(request, observer);
  observer.begin();
  adviser.measure();
  adviser.compare();
  return adviser.result();
}

}  // namespace laconic
