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
  Loop(const Problem& problem, Method& method, Fleet& fleet, const SolveOptions& options, Recorder& recorder,
       Checkpoints* checkpoints)
      : problem_(problem),
        method_(method),
        fleet_(fleet),
        options_(options),
        recorder_(recorder),
        checkpoints_(checkpoints) {
    check(checkpoints != nullptr || !(options.checkpoint_rounds || options.checkpoint_seconds),
          "solve() was told to save checkpoints, but not where");
    for (std::size_t i = 0; i < problem.shards(); ++i) rows_ += problem.rows(i);
  }

  Summary run(const std::optional<Progress>& from) {
    std::size_t t = 0;
    if (from) {
      t = from->round + 1;
      before_ = from->timing;
      saved_at_ = before_.seconds;
      summary_.last = from->last;
      summary_.recorded = true;
    }
    for (; !over_; ++t) {
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
      if (!over_ && checkpoint_is_due(t)) save(t);
    }
    summary_.seconds = seconds();
    return summary_;
  }

 private:
  bool is_due(std::size_t t) const {
    return t == 0 || t == options_.rounds || (options_.eval_every > 0 && t % options_.eval_every == 0);
  }

  bool checkpoint_is_due(std::size_t t) {
    if (options_.checkpoint_rounds && t > 0 && t % *options_.checkpoint_rounds == 0) return true;
    return options_.checkpoint_seconds &&
           fleet_.answer_of_first(seconds() - saved_at_ >= *options_.checkpoint_seconds);
  }

  void save(std::size_t t) {
    const std::uint32_t trace_checksum = recorder_.sync();
    checkpoints_->save(fleet_, {t, timing(), summary_.last, trace_checksum}, method_.state(fleet_));
    saved_at_ = seconds();
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
    // Of rounds between the rows nobody asks: whatever is lost there is lost for good, and
    // gradients are looked at anyway.
    const double grad_norm_sq = norm_sq(evaluation_.gradient);
    const char* lost = !all_finite(method_.point())    ? "the point"
                       : !std::isfinite(evaluation_.f) ? "f"
                       : !std::isfinite(grad_norm_sq)  ? "the squared gradient norm"
                                                       : nullptr;
    if (lost != nullptr) {
      stop(Summary::Why::diverged, diverged(lost, t));
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
    recorder_.record(row, timing());
    summary_.last = row;
    summary_.recorded = true;
    if (options_.target && grad_norm_sq <= *options_.target) {
      stop(Summary::Why::target, fmt::format("target reached: |grad f|^2 <= {}", *options_.target));
    }
  }

  double uplink_bits() const {
    return static_cast<double>(method_.ledger().uplink_bits) / static_cast<double>(problem_.shards());
  }

  /// Of the whole run, the processes before this one included.
  double seconds() const {
    return before_.seconds + std::chrono::duration<double>(Clock::now() - begin_).count();
  }
  Timing timing() const {
    const Traffic& traffic = fleet_.transport().traffic();
    return {seconds(), before_.bytes_sent + traffic.sent, before_.bytes_received + traffic.received};
  }

  using Clock = std::chrono::steady_clock;

  const Problem& problem_;
  Method& method_;
  Fleet& fleet_;
  const SolveOptions& options_;
  Recorder& recorder_;
  Checkpoints* checkpoints_;
  Clock::time_point begin_ = Clock::now();
  Timing before_;
  double saved_at_ = 0;
  std::size_t rows_ = 0;
  Evaluation evaluation_;
  Summary summary_;
  bool over_ = false;
};

}  // namespace

Summary solve(const Problem& problem, Method& method, Fleet& fleet, const SolveOptions& options,
              Recorder& recorder, Checkpoints* checkpoints, const std::optional<Progress>& from) {
  return Loop(problem, method, fleet, options, recorder, checkpoints).run(from);
}

}  // namespace laconic
