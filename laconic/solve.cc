// SPDX-License-Identifier: Apache-2.0
#include "laconic/solve.h"

#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

class Loop {
 public:
  Loop(const Problem& problem, Method& method, Fleet& fleet, const SolveOptions& options, Recorder& recorder)
      : problem_(problem), method_(method), fleet_(fleet), options_(options), recorder_(recorder) {
    for (std::size_t i = 0; i < problem.shards(); ++i) rows_ += problem.rows(i);
  }

  Summary run() {
    for (std::size_t t = 0; !over_; ++t) {
      Evaluation* watch = is_due(t) ? &evaluation_ : nullptr;
      summary_.rounds = t;
      try {
        if (t == 0) {
          method_.start(fleet_, watch);
        } else {
          method_.round(fleet_, t, watch);
        }
      } catch (const Diverged& error) {
        stop(Summary::Why::diverged, error.what());
        break;
      }
      if (!all_finite(method_.point())) {
        stop(Summary::Why::diverged, diverged("the point", t));
        break;
      }
      // Where several rules hold at once, the last one named is the reason: the most telling one.
      if (t >= options_.rounds) stop(Summary::Why::rounds, fmt::format("{} rounds done", options_.rounds));
      if (options_.max_seconds && fleet_.answer_of_first(seconds() >= *options_.max_seconds)) {
        stop(Summary::Why::max_seconds, fmt::format("max-seconds = {} reached", *options_.max_seconds));
      }
      if (options_.max_bits && uplink_bits() >= *options_.max_bits) {
        stop(Summary::Why::max_bits, fmt::format("max-bits = {} reached", *options_.max_bits));
      }
      if (over_ && watch == nullptr) {
        evaluate(problem_, method_.point(), fleet_, evaluation_);
        watch = &evaluation_;
      }
      if (watch != nullptr) record(t);
      recorder_.tick(t);
    }
    summary_.seconds = seconds();
    return summary_;
  }

 private:
  bool is_due(std::size_t t) const {
    return t == 0 || t == options_.rounds || (options_.eval_every > 0 && t % options_.eval_every == 0);
  }

  void stop(Summary::Why why, std::string reason) {
    over_ = true;
    summary_.why = why;
    summary_.reason = std::move(reason);
  }

  static std::string diverged(const char* what, std::size_t t) {
    return fmt::format("diverged: {} is not finite in round {}; try a smaller step", what, t);
  }

  void record(std::size_t t) {
    const double grad_norm_sq = norm_sq(evaluation_.gradient);
    if (!std::isfinite(evaluation_.f) || !std::isfinite(grad_norm_sq)) {
      stop(Summary::Why::diverged,
           diverged(std::isfinite(evaluation_.f) ? "the squared gradient norm" : "f", t));
      return;
    }
    const Ledger& ledger = method_.ledger();
    const double n = static_cast<double>(problem_.shards());
    Row row;
    row.round = t;
    row.f = evaluation_.f;
    row.grad_norm_sq = grad_norm_sq;
    row.uplink_floats = ledger.uplink_floats / n;
    row.uplink_bits = uplink_bits();
    row.downlink_bits = ledger.downlink_bits;
    row.oracle_calls = static_cast<double>(ledger.oracle_calls) / n;
    row.participants = ledger.participants;
    row.step = method_.step();
    if (problem_.classifies()) row.train_accuracy = evaluation_.correct / static_cast<double>(rows_);
    row.test_accuracy = problem_.test_accuracy(method_.point(), fleet_.pool());
    const Traffic& traffic = fleet_.transport().traffic();
    recorder_.record(row, {seconds(), traffic.sent, traffic.received});
    summary_.last = row;
    summary_.recorded = true;
    if (options_.target && grad_norm_sq <= *options_.target) {
      stop(Summary::Why::target, fmt::format("target reached: |grad f|^2 <= {}", *options_.target));
    }
  }

  double uplink_bits() const {
    return static_cast<double>(method_.ledger().uplink_bits) / static_cast<double>(problem_.shards());
  }

  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  using Clock = std::chrono::steady_clock;

  const Problem& problem_;
  Method& method_;
  Fleet& fleet_;
  const SolveOptions& options_;
  Recorder& recorder_;
  Clock::time_point begin_ = Clock::now();
  std::size_t rows_ = 0;
  Evaluation evaluation_;
  Summary summary_;
  bool over_ = false;
};

}  // namespace

Summary solve(const Problem& problem, Method& method, Fleet& fleet, const SolveOptions& options,
              Recorder& recorder) {
  return Loop(problem, method, fleet, options, recorder).run();
}

}  // namespace laconic
