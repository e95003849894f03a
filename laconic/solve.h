// SPDX-License-Identifier: Apache-2.0
// The outer loop: rounds, evaluation, checkpoints, stopping.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "laconic/core/request.h"
#include "laconic/cost/clock.h"
#include "laconic/message/message.h"
#include "laconic/problem/problem.h"
#include "laconic/report/checkpoint.h"
#include "laconic/report/trace.h"
#include "laconic/rounds/method.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// When to look, and when to stop: at the first round at which a rule holds. The last round is always
/// evaluated.
struct SolveOptions {
  std::size_t rounds = 1000;   // at most this many after the start
  std::size_t eval_every = 1;  // rows 0, E, 2E, ... and the last; 0: the first and the last only
  // Targets, looked at in evaluated rounds.
  std::optional<double> target = {};           // |grad f(x_t)|^2 <= this
  std::optional<double> target_f = {};         // f(x_t) <= this
  std::optional<double> target_accuracy = {};  // test accuracy >= this, of problems that have a test set
  std::optional<double> max_bits = {};         // uplink bits per client >= this
  std::optional<double> max_seconds =
      {};  // by rank 0's wall clock: the one rule that two runs need not share
  // When to save a checkpoint; both may be set.
  std::optional<std::size_t> checkpoint_rounds = {};  // after rounds C, 2C, ...; >= 1
  std::optional<double> checkpoint_seconds = {};      // since the last one, by rank 0's wall clock
  const Clock* clock = nullptr;                       // for Row::network_seconds; without it 0
  Wire wire = Wire::f32;  // of the method's messages: what diverged because they overflow is told so
  /// Where given, asked between rounds, on every rank: what this rank was asked for since the last call. All
  /// ranks do what one of them was asked for, after the same round. A run on several ranks asks every 0.25 s or
  /// less often where a round takes longer, as the ranks have to tell each other. Must outlive the run.
  const std::function<Request()>* asked = nullptr;
  bool tests = true;  // rows have the accuracy on a test set, where there is one; a target_accuracy needs it
};

struct Summary {
  enum class Why { rounds, target, max_bits, max_seconds, diverged, interrupted };
  Why why = Why::rounds;
  std::string reason;     // one sentence
  bool recorded = false;  // whether there is a row
  Row last;               // the last one
  std::size_t rounds = 0;
  std::size_t unheard_rounds = 0;  // of these, those of which the server could use no message
  std::uint64_t late_bits = 0;     // of messages that came too late, by a real clock
  std::size_t gone = 0;            // clients whose process has died
  double seconds = 0;
  Request request = Request::none;  // the one that has ended the run, where it was interrupted
};

/// As files have it: rounds, target, max-bits, max-seconds, diverged, interrupted.
const char* name_of(Summary::Why why);

/// A run that is carried on round by round, by whoever holds it: solve() below, or a sweep that keeps several
/// going at once. Everything passed by reference, and the clock, must outlive it, and calls are collective as
/// that of solve().
class Solver {
 public:
  /// Computes nothing yet. Arguments as of solve(). The problem is that of the method: std::logic_error else.
  Solver(const Problem& problem, Method& method, Fleet& fleet, SolveOptions options, Recorder& recorder,
         Checkpoints* checkpoints = nullptr, const std::optional<Progress>& from = {});

  /// Whether a rule to stop holds. Until then the summary knows no reason.
  [[nodiscard]] bool over() const { return over_; }
  /// The next round (the start, at first), its row and its checkpoint. Only while it is not over.
  void round();
  /// The last row and what it took so far; seconds are those spent in round(), and of the processes before
  /// this one. Of a run that diverged the reason says where, and not yet what mends it.
  [[nodiscard]] const Summary& summary() const { return summary_; }

 private:
  using Clock = std::chrono::steady_clock;

  void compute(Evaluation* watch);
  [[nodiscard]] bool is_due(std::size_t t) const;
  [[nodiscard]] bool checkpoint_is_due();
  /// What the ranks were asked for, the same on all of them. Collective.
  [[nodiscard]] Request request();
  void save();
  void stop(Summary::Why why, std::string reason);
  void record();
  [[nodiscard]] double uplink_bits() const;
  [[nodiscard]] double seconds() const;
  [[nodiscard]] Timing timing() const;

  const Problem& problem_;
  Method& method_;
  Fleet& fleet_;
  SolveOptions options_;
  Recorder& recorder_;
  Checkpoints* checkpoints_;
  std::size_t next_ = 0;     // the round to come, or in hand
  Timing before_;            // of earlier processes
  double in_rounds_ = 0;     // seconds, of rounds that are done
  Clock::time_point begin_;  // of the round in hand
  double saved_at_ = 0;
  // Of requests, where ranks have to agree.
  Clock::time_point asked_at_ = Clock::now();
  std::size_t rounds_since_ = 0;
  int log2_stride_ = 0;  // of the rounds between
  double network_seconds_ = 0;
  std::size_t rows_ = 0;
  Evaluation evaluation_;
  Summary summary_;
  bool over_ = false;
};

/// Runs the method on its problem from its start; or, where `from` is given, onwards from there, with the state that belongs
/// to it restored already: rows and final point are then those of a run that was never interrupted.
/// `checkpoints` is needed where the options ask for some. Collective: every rank of the fleet calls it with
/// the same description, and gets the same summary (but for the seconds) and the same rows; which rank keeps
/// them is its caller's choice. A run whose point, f or gradient turns non-finite ends with Why::diverged,
/// and the reason says what mends that, for which the gradients at the start are computed once more; rows
/// recorded before stay valid. A run that is asked to end does so with Why::interrupted, after a checkpoint
/// where `checkpoints` is given, and without a row that an uninterrupted one would not have. Throws what the
/// recorder and the checkpoints throw, on this rank only:
/// whoever catches it must end the others.
Summary solve(const Problem& problem, Method& method, Fleet& fleet, const SolveOptions& options,
              Recorder& recorder, Checkpoints* checkpoints = nullptr,
              const std::optional<Progress>& from = {});

}  // namespace laconic
