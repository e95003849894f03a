// SPDX-License-Identifier: Apache-2.0
// What is predicted of methods on a link, and what follows from it: who arrives first, and on which links.
// Numbers in, words out; nothing is measured here.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "laconic/cost/link.h"
#include "laconic/report/trace.h"
#include "laconic/sweep/ranking.h"

namespace laconic {

/// Seconds on a link, by what they go to.
struct RoundCost {
  double compute = 0;  // gradients, and waiting for those who are late
  double encode = 0;   // messages, by the slowest client
  double latency = 0;  // of the link, however wide it is
  double bits = 0;     // of the link: half as much where it is twice as wide
  double decode = 0;   // messages, by the server one after another, and by clients that remember them

  [[nodiscard]] double link() const { return latency + bits; }
  [[nodiscard]] double fixed() const { return compute + encode + latency + decode; }
  [[nodiscard]] double total() const { return fixed() + bits; }
};

/// What came of a method's pilot.
struct PilotResult {
  std::string method;
  std::string step;
  bool largest_step = false;  // of several that were tried
  bool arrived = false;
  RunEnd end = RunEnd::target;
  Row last = {};             // at the target, or as far as it came
  double bits_of_start = 0;  // uplink of a client in round 0
  RoundCost start = {};      // round 0
  RoundCost rounds = {};     // those after it
  double encode = 0;         // seconds a message
  double decode = 0;         // seconds a message

  [[nodiscard]] RoundCost whole() const;
  // The mean of the rounds after the start, of which there is one at least: uplink bits of a client, and all
  // seconds.
  [[nodiscard]] double bits_of_a_round() const;
  [[nodiscard]] RoundCost a_round() const;
};

/// A method that cannot do with the description.
struct Refusal {
  std::string method;
  std::string reason;
};

/// The bandwidths at which something pays, as multiples of those that there are.
struct Pays {
  double from = 0;
  double to = 0;

  [[nodiscard]] bool never() const { return from >= to; }
  [[nodiscard]] bool always() const { return from == 0 && to == std::numeric_limits<double>::infinity(); }
};
/// Where all bandwidths are s times what they are, latency and all else as it is, both take equally long at
///   s = (base.bits - other.bits) / (other.fixed - base.fixed);
/// on which side of it the other one is the faster, the signs say.
Pays pays_against(const RoundCost& other, const RoundCost& base);

struct Advice {
  std::vector<PilotResult> pilots;  // sorted: those who arrive first, then the others
  std::vector<Refusal> refused;
  std::string base;  // the method that others are compared with

  /// Sorts them.
  void sort();
  /// nullptr where it has not arrived, or is not there.
  [[nodiscard]] const PilotResult* base_prospect() const;
};

/// A line for each method, how far those came that did not arrive, and who was refused.
std::string table_of(const Advice& advice);

/// Some lines: who arrives first, and at which bandwidths it pays to say less in a round. Nothing where
/// nobody arrives.
std::vector<std::string> words_of(const Advice& advice, const std::vector<Link>& links);

/// All numbers: the base, the methods, and who was refused.
nlohmann::ordered_json json_of(const Advice& advice);

}  // namespace laconic
