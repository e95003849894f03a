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

/// When to evaluate, and when to stop: at the first round in which a stop rule holds. The last round is
/// always evaluated.
struct SolveOptions {
  std::size_t rounds = 1000;   // at most this many after the start
  std::size_t eval_every = 1;  // rows 0, E, 2E, ... and the last; 0: the first and the last only
  // Targets, checked in evaluated rounds.
  std::optional<double> target = {};           // |grad f(x_t)|^2 <= this
  std::optional<double> target_f = {};         // f(x_t) <= this
  std::optional<double> target_accuracy = {};  // test accuracy >= this, of problems that have a test set
  // consensus <= this, as a condition of the targets above too. Without them it counts from round 1: all
  // nodes start at one point. Only for methods that measure it.
  std::optional<double> target_consensus = {};
  std::optional<double> max_bits = {};     // uplink bits per client >= this
  std::optional<double> max_seconds = {};  // by rank 0's wall clock, so two runs may differ
  // When to save a checkpoint; both may be set.
  std::optional<std::size_t> checkpoint_rounds = {};  // after rounds C, 2C, ...; >= 1
  std::optional<double> checkpoint_seconds = {};      // since the last one, by rank 0's wall clock
  const Clock* clock = nullptr;                       // for Row::network_seconds; without it 0
  Wire wire = Wire::f32;  // of the messages; names their overflow where it is the reason
  /// If set, called between rounds on every rank; returns the requests made to this rank since the last call.
  /// All ranks follow a request to any one of them, after the same round. A run on several ranks calls it
  /// about every 0.25 s, or less often where a round takes longer, as the ranks must exchange requests. Must
  /// outlive the run.
  const std::function<Request()>* asked = nullptr;
  bool tests = true;  // rows contain the test accuracy, where there is a test set; target_accuracy needs it
};

struct Summary {
  enum class Why { rounds, target, max_bits, max_seconds, diverged, interrupted };
  Why why = Why::rounds;
  std::string reason;     // one sentence
  bool recorded = false;  // whether `last` holds a row
  Row last;               // the last one
  std::size_t rounds = 0;
  std::size_t unheard_rounds = 0;  // of these, rounds in which the server could use no message
  std::uint64_t late_bits = 0;     // of messages that arrived too late, in real time
  std::size_t gone = 0;            // clients of processes that have died
  double seconds = 0;
  Request request = Request::none;  // the request that ended the run, if it was interrupted
};

/// The name in files: rounds, target, max-bits, max-seconds, diverged, interrupted.
const char* name_of(Summary::Why why);

/// A run that its owner advances round by round: solve() below, or a sweep that advances several runs at
/// once. Everything passed by reference, and the clock, must outlive it. Calls are collective, like solve().
class Solver {
 public:
  /// Computes nothing. The arguments are those of solve(). Throws std::logic_error unless `problem` is the
  /// problem of the method.
  Solver(const Problem& problem, Method& method, Fleet& fleet, SolveOptions options, Recorder& recorder,
         Checkpoints* checkpoints = nullptr, const std::optional<Progress>& from = {});

  /// Whether a stop rule holds. Until then the summary has no reason.
  [[nodiscard]] bool over() const { return over_; }
  /// Runs the next round (at first, the start), and writes its row and its checkpoint. Only while over() is
  /// false.
  void round();
  /// Optional, before round(): Method::begin_round(). Its seconds count nowhere.
  void begin_round() {
    if (next_ > 0) method_.begin_round(fleet_, next_);
  }
  /// The last row and the costs so far. `seconds` are those spent in round(), in this process and in earlier
  /// processes of the run. For a run that diverged, the reason says what diverged and when, but not yet how
  /// to fix it.
  [[nodiscard]] const Summary& summary() const { return summary_; }

 private:
  using WallClock = std::chrono::steady_clock;

  void compute(Evaluation* watch);
  [[nodiscard]] bool is_due(std::size_t t) const;
  [[nodiscard]] bool checkpoint_is_due();
  /// The strongest request made to any rank, the same on all ranks. Collective.
  [[nodiscard]] Request request();
  void save();
  void stop(Summary::Why why, std::string reason);
  void record();
  /// Stops if the row meets a target.
  void stop_at_target(const Row& row);
  [[nodiscard]] double uplink_bits() const;
  [[nodiscard]] double seconds() const;
  [[nodiscard]] Timing timing() const;

  const Problem& problem_;
  Method& method_;
  Fleet& fleet_;
  SolveOptions options_;
  Recorder& recorder_;
  Checkpoints* checkpoints_;
  std::size_t next_ = 0;         // the next round, or the current one
  Timing before_;                // of earlier processes
  double in_rounds_ = 0;         // seconds spent in finished rounds
  WallClock::time_point begin_;  // of the current round
  double saved_at_ = 0;
  // For requests, on several ranks.
  WallClock::time_point asked_at_ = WallClock::now();
  std::size_t rounds_since_ = 0;
  int log2_stride_ = 0;  // of the rounds between two exchanges of requests
  double network_seconds_ = 0;
  Evaluation evaluation_;
  Summary summary_;
  bool over_ = false;
};

/// Runs the method on its problem from its start. With `from`, continues after that round: the caller must
/// have restored the method's state of that round, and rows and final point are then those of an
/// uninterrupted run. `checkpoints` is needed if the options ask for checkpoints. Collective: every rank of
/// the fleet calls it with the same description, and gets the same summary (except for the seconds) and the
/// same rows; the caller chooses the rank that records them.
///
/// A run in which the point, f or the gradient becomes non-finite ends with Why::diverged. The reason says
/// how to fix it; for this the gradients at the start are computed once more. Rows recorded before stay
/// valid. A run that receives a request to end does so with Why::interrupted, after a checkpoint if
/// `checkpoints` is given, and without a row that an uninterrupted run would not have. Throws what the
/// recorder and the checkpoints throw, on this rank only: the caller that catches it must end the other
/// ranks.
Summary solve(const Problem& problem, Method& method, Fleet& fleet, const SolveOptions& options,
              Recorder& recorder, Checkpoints* checkpoints = nullptr,
              const std::optional<Progress>& from = {});

}  // namespace laconic
