// SPDX-License-Identifier: Apache-2.0
// Compares methods on a link. The cost of a round is measured here or counted, a pilot finds the number of
// rounds, and the modelled clock gives the time on the link.
#include "laconic/advise/advise.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
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
#include "laconic/report/file.h"
#include "laconic/report/setting_json.h"
#include "laconic/report/units.h"

namespace laconic {
namespace {

using Json = nlohmann::ordered_json;

/// The default target, as a share of the squared gradient norm at the start.
constexpr double kShareOfTarget = 0.01;
constexpr double kTooLate = 10;           // times as late as the earliest method so far
constexpr double kOneTiming = 1.0 / 400;  // share of the total time
constexpr std::size_t kMostRounds = 10'000'000;

/// The target: the key of a config and its value, and both in words.
struct Target {
  const char* key = "";
  double value = 0;
  std::string words;
};

/// The target of the config; without one, a default target. InputError if the start already meets the target.
Target target_of(const Config& d, const OpenedProblem& opened, Fleet& fleet, ThreadPool& pool) {
  const Problem& problem = opened.objective();
  Vector x(problem.dim());
  problem.start(x);
  Evaluation at_start;
  evaluate(problem, x, fleet, at_start);
  const double start = norm_sq(at_start.gradient);
  const auto require_not_met = [](const char* key, double value, bool met, const std::string& there) {
    if (met)
      throw InputError(
          fmt::format("{} = {} is met at the start already, where {}; give a harder one", key, value, there));
  };
  std::optional<Target> target;
  if (d.solve.target_accuracy) {
    const double goal = *d.solve.target_accuracy;
    const double accuracy = *problem.test_accuracy(x, pool);
    require_not_met("target-accuracy", goal, accuracy >= goal, fmt::format("it is {:.3g}", accuracy));
    target = {"target-accuracy", goal, fmt::format("test accuracy >= {}", goal)};
  }
  if (d.target_gap) {
    const double goal = *d.target_gap;
    require_not_met("target-gap", goal, at_start.f <= target_f_of(goal, opened.facts),
                    fmt::format("f = {:.6g} is f*", at_start.f));
    if (!target) target = {"target-gap", goal, fmt::format("f - f* <= {} of that at the start", goal)};
  }
  if (d.solve.target) {
    const double goal = *d.solve.target;
    require_not_met("target", goal, start <= goal, fmt::format("|grad f|^2 = {:.3g}", start));
    if (!target) target = {"target", goal, fmt::format("|grad f|^2 <= {}", goal)};
  }
  if (target) return *target;
  if (!(start > 0)) throw InputError("no target is given, and the gradient at the start is 0 already");
  if (!std::isfinite(start))
    throw InputError("no target is given, and the gradient at the start is infinite");
  // Three digits, so that a user can pass it as target=.
  const std::string goal = fmt::format("{:.2e}", kShareOfTarget * start);
  return {"target", std::stod(goal),
          fmt::format("|grad f|^2 <= {}, {} of that at the start", goal, kShareOfTarget)};
}

/// The value to three digits, as a user would write it.
double to_three_digits(double value) { return std::stod(fmt::format("{:.3g}", value)); }

/// Powers of two times the theorem's step; without a theorem, times 1/L; without constants, times 1.
std::vector<StepRule> default_steps(const Assembly& assembly, const std::optional<Constants>& constants) {
  std::vector<StepRule> steps;
  if (assembly.theorem) {
    constexpr int kLargest = 10;
    for (int power = 0; power <= kLargest; ++power)
      steps.push_back({StepRule::Kind::theory, std::ldexp(1.0, power)});
    return steps;
  }
  const double L = constants ? constants->L_minus : 1;
  if (!(L > 0 && std::isnormal(L)))
    throw InputError(fmt::format("step: no default step follows from L- = {}; give one, as in step=0.1", L));
  constexpr int kBelow = 4;
  constexpr int kAbove = 6;
  for (int power = -kBelow; power <= kAbove; ++power) {
    const double step = std::ldexp(1 / L, constants ? power : 2 * power);
    steps.push_back({StepRule::Kind::number, to_three_digits(step)});
  }
  return steps;
}

/// The two steps half a power of two below and above this step.
std::vector<StepRule> steps_beside(const StepRule& step) {
  std::vector<StepRule> steps;
  for (const double times : {std::sqrt(0.5), std::sqrt(2.0)})
    steps.push_back({step.kind, to_three_digits(step.factor * times)});
  return steps;
}

class Adviser {
 public:
  Adviser(AdviceRequest request, Observer& observer)
      : q_(std::move(request)),
        observer_(observer),
        pool_(threads_of(q_.config.threads)),
        fleet_(pool_),
        opened_(open_problem(q_.config, fleet_, observer)) {
    begin_ = Time::now();
    target_ = target_of(q_.config, *opened_, fleet_, pool_);
    advice_.base = q_.methods.front();
  }

  void measure() {
    const bool computes = q_.config.compute.empty() && !q_.config.has_delays();
    if (computes) seconds_a_gradient_ = seconds_a_gradient(problem(), q_.config.batch, a_timing());
    whole_ = cost_of(Spec("identity"));
  }

  /// Runs the pilots one after another, each with its share of the remaining time.
  void run_pilots() {
    for (std::size_t m = 0; m < q_.methods.size(); ++m) {
      observer_.progress(m, q_.methods.size(), [&] { return print(q_.methods[m]); });
      // The first method is the base of all comparisons, so it gets twice the share.
      const std::size_t shares = q_.methods.size() - m + (m == 0 ? 1 : 0);
      const double share = (m == 0 ? 2 : 1) * (q_.seconds - elapsed()) / static_cast<double>(shares);
      try {
        run_pilot_of(q_.methods[m], share);
      } catch (const InputError& error) {
        if (m == 0) throw;
        advice_.refused.push_back({q_.methods[m], error.what()});
      }
    }
    advice_.sort();
  }

  /// The result in words and as JSON.
  [[nodiscard]] AdviceResult result() const {
    return {.head = head(),
            .table = table_of(advice_),
            .sentences = words(),
            .json = json(),
            .failure = advice_.pilots.front().arrived ? "" : what_none_came_to()};
  }

 private:
  using Time = std::chrono::steady_clock;

  [[nodiscard]] std::vector<std::string> words() const {
    return words_of(advice_, make_links(*q_.config.network));
  }
  [[nodiscard]] std::string head() const;
  [[nodiscard]] std::string what_none_came_to() const;
  [[nodiscard]] std::string json() const;

  [[nodiscard]] const Problem& problem() const { return *opened_->problem; }
  [[nodiscard]] double elapsed() const { return std::chrono::duration<double>(Time::now() - begin_).count(); }
  [[nodiscard]] double a_timing() const { return q_.seconds * kOneTiming; }

  /// The config with each of these steps, as the pilot runs it. InputError if no theorem gives a step.
  [[nodiscard]] std::vector<Config> configs_of_pilot(Config config, const std::vector<StepRule>& steps,
                                                     const Assembly& assembly) const {
    config.solve.rounds = kMostRounds;
    config.solve.tests = config.solve.target_accuracy.has_value();
    if (!config.has_target()) config.solve.target = target_.value;
    if (seconds_a_gradient_) config.compute = {*seconds_a_gradient_};
    std::vector<Config> configs;
    for (const StepRule& step : steps) {
      resolve(step, assembly);  // throws if no theorem gives the step
      config.step = step;
      configs.push_back(config);
    }
    return configs;
  }

  void run_pilot_of(const Spec& method, double seconds) {
    Config config = q_.config;
    config.method = method;
    const Assembly assembly = Experiment(config, opened_).assembly();
    const MessageCosts costs = costs_of(config, assembly);
    const bool is_default = q_.steps.empty();
    const std::vector<StepRule> steps =
        is_default ? default_steps(assembly, opened_->facts.constants) : q_.steps;
    const double begin = elapsed();
    PilotResult pilot = run_pilot(configs_of_pilot(config, steps, assembly), opened_, costs, seconds, enough_,
                                  pool_, observer_);
    if (is_default && pilot.arrived) {
      const double left = seconds - (elapsed() - begin);
      PilotResult finer = run_pilot(configs_of_pilot(config, steps_beside(pilot.step), assembly), opened_,
                                    costs, left, pilot.last.network_seconds, pool_, observer_);
      if (finer.arrived && finer.last.network_seconds < pilot.last.network_seconds) {
        finer.largest_step = pilot.largest_step;
        pilot = finer;
      }
    }
    if (pilot.arrived) enough_ = std::min(enough_, kTooLate * pilot.last.network_seconds);
    advice_.pilots.push_back(pilot);
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
    for (const auto& [name, compressor] : config.method.options) {
      if (name == "compressor") return {.whole = whole_, .said = cost_of(compressor)};
    }
    return {.whole = whole_, .said = whole_};
  }

  AdviceRequest q_;
  Observer& observer_;
  ThreadPool pool_;
  Fleet fleet_;
  std::shared_ptr<const OpenedProblem> opened_;
  Time::time_point begin_;  // when the data were read and the constants computed
  Target target_;
  std::optional<double> seconds_a_gradient_;
  MessageCost whole_;
  double enough_ = std::numeric_limits<double>::infinity();
  Advice advice_;
};

std::string Adviser::head() const {
  const Config& d = q_.config;
  std::string text = fmt::format("{}, d = {}, {} clients; to {}\n", print(d.problem), problem().dim(),
                                 d.clients, target_.words);
  text += "measured here, on one thread: ";
  if (seconds_a_gradient_)
    text += fmt::format("{} for the gradient of a row, ", seconds_text(*seconds_a_gradient_));
  return text + fmt::format("{} and {} to encode and decode d values\n", seconds_text(whole_.encode),
                            seconds_text(whole_.decode));
}

std::string Adviser::what_none_came_to() const {
  const bool lacked_time = std::any_of(advice_.pilots.begin(), advice_.pilots.end(),
                                       [](const PilotResult& p) { return p.end == RunEnd::time_over; });
  const std::string help = lacked_time
                               ? fmt::format("give more of them, as in seconds={:g}, or an easier target",
                                             std::ceil(4 * q_.seconds))
                               : "an easier target may help, or other steps, as in step=0.1";
  return fmt::format("no method came to {} in {}; {}", target_.words, seconds_text(q_.seconds), help);
}

std::string Adviser::json() const {
  Json json;
  json["laconic"] = LACONIC_VERSION;
  for (const KeyValue& setting : q_.settings)
    json["description"][setting.key] = json_of_setting(setting.key, setting.value);
  json["seconds"] = {{"allowed", q_.seconds}, {"taken", elapsed()}};
  json["target"] = {{"key", target_.key}, {"value", target_.value}, {"words", target_.words}};
  json["dim"] = problem().dim();
  json["clients"] = q_.config.clients;
  json["compute"] = seconds_a_gradient_ ? Json(*seconds_a_gradient_) : Json(nullptr);
  json["a_whole_message"] = {{"encode", whole_.encode}, {"decode", whole_.decode}, {"bits", whole_.bits}};
  json.update(json_of(advice_));
  json["advice"] = words();
  return json.dump(2) + "\n";
}

}  // namespace

AdviceResult advise(const AdviceRequest& request, Observer& observer) {
  Adviser adviser(request, observer);
  observer.begin();
  adviser.measure();
  adviser.run_pilots();
  return adviser.result();
}

}  // namespace laconic
