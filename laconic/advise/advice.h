// SPDX-License-Identifier: Apache-2.0
// Predicted times of methods on a link, and the advice that follows: which method reaches the target first,
// and on which links. This part computes from given numbers and measures nothing.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "laconic/advise/target.h"
#include "laconic/core/spec.h"
#include "laconic/cost/link.h"
#include "laconic/methods/methods.h"
#include "laconic/report/trace.h"
#include "laconic/sweep/ranking.h"

namespace laconic {

/// Seconds on a link, by cause.
struct RoundCost {
  double compute = 0;  // gradients, and waiting for late clients
  double encode = 0;   // encoding of messages, by the slowest client
  double latency = 0;  // of the link, independent of its bandwidth
  double bits = 0;     // transmission: inversely proportional to the bandwidth
  // decoding by the server, one message after another, and by clients that remember their messages
  double decode = 0;

  [[nodiscard]] double link() const { return latency + bits; }
  [[nodiscard]] double fixed() const { return compute + encode + latency + decode; }
  [[nodiscard]] double total() const { return fixed() + bits; }
};

/// An evaluated round of a run, and the predicted seconds on the link up to it.
struct Reached {
  double seconds = 0;
  Row row = {};
};

/// The result of a method's pilot.
struct PilotResult {
  Spec method;
  StepRule step = {};
  bool largest_step = false;  // its step was the largest of several that were tried
  RunEnd end = RunEnd::target;
  Row last = {};                   // at the target, or at the end of the pilot
  std::vector<Reached> path = {};  // evaluated rounds up to the last, at most 1 % apart
  double bits_of_start = 0;        // uplink of a client in round 0
  RoundCost start = {};            // round 0
  RoundCost rounds = {};           // the rounds after round 0, in total
  double encode = 0;               // seconds a message
  double decode = 0;               // seconds a message

  [[nodiscard]] bool reached() const { return end == RunEnd::target; }
  /// Whether it says how far the method comes: it has rounds after the start, and has not diverged.
  [[nodiscard]] bool compares() const { return last.round > 0 && end != RunEnd::diverged; }
  /// The last evaluated round within these predicted seconds; the first one if there is none.
  [[nodiscard]] const Row& after(double seconds) const;

  [[nodiscard]] RoundCost whole() const;
  // Means over the rounds after round 0, of which there must be at least one: uplink bits of a client, and
  // seconds in total.
  [[nodiscard]] double bits_of_a_round() const;
  [[nodiscard]] RoundCost a_round() const;
};

/// A method that does not support the config, and why.
struct Refusal {
  Spec method;
  std::string reason;
};

/// The bandwidths at which a method is faster than another, as multiples of the given bandwidths.
struct FasterAt {
  double from = 0;
  double to = 0;

  [[nodiscard]] bool never() const { return from >= to; }
  [[nodiscard]] bool always() const { return from == 0 && to == std::numeric_limits<double>::infinity(); }
};
/// If all bandwidths are multiplied by s and all else stays equal, both methods take the same time at
///   s = (base.bits - other.bits) / (other.fixed - base.fixed);
/// The signs of the two differences decide on which side of s the other method is faster.
FasterAt faster_at(const RoundCost& other, const RoundCost& base);

struct Advice {
  static constexpr std::size_t kFewRounds = 10;  // a target that the base reaches sooner tells little

  Spec base;  // the method with which the others are compared
  Target target = {};
  std::vector<PilotResult> pilots = {};  // the best first, after rank()
  std::vector<Refusal> refused = {};
  double common_seconds = 0;  // see rank()

  /// Sorts the pilots: first those that reached the target, by their predicted seconds. The others follow, by
  /// their distance from the target after the same predicted seconds: those of the shortest of these pilots.
  void rank();
  /// The first pilot; nullptr if it neither reached the target nor compares.
  [[nodiscard]] const PilotResult* best() const;
  /// nullptr if the base is not among the pilots, or says nothing.
  [[nodiscard]] const PilotResult* of_base() const;
};

/// A line for each method. It also says how far the methods came that did not reach the target, and which
/// methods were refused.
std::string table_of(const Advice& advice);

/// Some sentences; the last one recommends a method. Empty if advice.best() is nullptr.
std::vector<std::string> words_of(const Advice& advice, const std::vector<Link>& links);

/// All numbers: the base, the recommended method (null if there is none), the methods, and the methods that
/// were refused.
nlohmann::ordered_json json_of(const Advice& advice);

}  // namespace laconic
