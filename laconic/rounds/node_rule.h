// SPDX-License-Identifier: Apache-2.0
// What a node without a server computes in a round, what it sends, and how the weighted sum of the received
// vectors changes what it keeps. A method of the driver in rounds/gossip.h is such a rule.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/problem/oracle.h"

namespace laconic {

/// A node in a round.
struct NodeRound {
  const Oracle& oracle;
  Key key;                // the address of the node's draws; local steps have numbers in key.step
  double step = 0;        // eta, or eta_c of local steps
  double outer_step = 1;  // eta_s
  // For rules that mix first: for each part gamma (W - I) of the public copies, as the round before left them.
  std::span<const Vector> drifts = {};
};

/// How the nodes use the vectors v_i that they send as `part`. With drift = (W - I) v, or gamma (W - I) of
/// the public copies of v, a node changes a vector that it keeps:
///   own[into] = v + factor * drift      if it replaces
///   own[into] += factor * drift         otherwise
struct Mix {
  std::size_t part = 0;
  std::size_t into = 0;
  double factor = 1;
  bool replaces = false;
};

/// Const and without state: the driver owns the vectors of each node. A rule is called for several nodes at
/// once, on any threads; it may keep scratch in thread_local vectors.
class NodeRule {
 public:
  virtual ~NodeRule() = default;

  /// The number of vectors that a node keeps. The first is x; the others are 0 at first.
  [[nodiscard]] virtual std::size_t vectors() const { return 1; }
  /// The number of vectors that a node sends to each neighbour in a round.
  [[nodiscard]] virtual std::size_t parts() const { return 1; }
  /// How the vectors sent in a round are used at its end. `step` is that of the run.
  [[nodiscard]] virtual std::vector<Mix> mixes(double /*step*/) const { return {}; }
  /// Whether a node mixes before it computes: compute() then uses NodeRound::drifts. Needs public copies.
  [[nodiscard]] virtual bool mixes_first() const { return false; }
  /// Whether nodes communicate in round t >= 1. In other rounds the drifts are 0.
  [[nodiscard]] virtual bool communicates(std::size_t /*t*/) const { return true; }
  /// The number of gradients of a node in round t; in round 0, of start().
  [[nodiscard]] virtual std::size_t gradients(std::size_t t) const = 0;

  /// Computes at x_0, before the first round. Called if gradients(0) > 0.
  virtual void start(const NodeRound& /*at*/, std::span<Vector> /*own*/) const {}
  /// Computes the vectors to send, of dim entries each, and may change own.
  virtual void compute(const NodeRound& at, std::span<Vector> own, std::span<Vector> said) const = 0;
};

}  // namespace laconic
