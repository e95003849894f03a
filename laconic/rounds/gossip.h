// SPDX-License-Identifier: Apache-2.0
// The driver of methods without a server: nodes compute, then exchange messages with their neighbours. With W
// the mixing of the round, round t at node i is
//   v_i from x_i and what else the node keeps           rounds/node_rule.h; the rules are in methods/
//   v_i                                                 sent to all nodes that receive from i
//   own[into] = v_i + factor * drift_i, or += factor * drift_i, with drift_i = sum_j w_ij v_j - v_i
// from the values of all nodes as decoded, the node's own too. The columns of W - I sum to 0, so drifts sum to
// 0 over all nodes: mixing does not move means.
//
// Public copies: messages can be compressed. Node i then sends q_i = C(v_i - vh_i), where vh_i is a copy of
// v_i that all its neighbours know, 0 at first. All of them move it by the decoded message,
//   vh_i <- vh_i + q_i,                  and  drift_i = gamma (sum_j w_ij vh_j - vh_i)
// (CHOCO: Koloskova, Stich, Jaggi 2019, arXiv 1902.00340). A node keeps its own copy and the sum s_i = sum_j
// w_ij vh_j: two vectors for each v, however many neighbours it has. This needs one W for all rounds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "laconic/compress/compressor.h"
#include "laconic/message/message.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/method.h"
#include "laconic/rounds/node_rule.h"
#include "laconic/topology/mixing.h"

namespace laconic {

/// How nodes follow each other through compressed messages.
struct PublicCopies {
  std::shared_ptr<const Compressor> compressor = {};  // keeps no numbers
  double gamma = 1;                                   // > 0
  // Factor of decoded messages: 1, or 1 / (1 + omega), which makes an unbiased compressor contractive.
  double scale = 1;
  // Between rounds the copies move by this share of a message, 0 < rate <= 1. The drift of the round uses the
  // whole message (LEAD).
  double rate = 1;
};

/// The parts of a gossip method. No pointer is null.
struct GossipParts {
  std::shared_ptr<const Oracle> oracle;
  std::shared_ptr<const MixingPlan> mixing = {};  // for as many nodes as the problem has shards
  std::shared_ptr<const NodeRule> rule = {};
  std::optional<PublicCopies> copies = {};  // unset: nodes send whole vectors
  // If true, the second vector of node i starts as mean_j g_j - g_i at x_0 instead of 0; all nodes must
  // receive this mean.
  bool average_start = false;
};

struct GossipOptions {
  double step = 0;        // eta > 0
  double outer_step = 1;  // eta_s >= 0
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;  // of whole vectors
};

/// Memory: for each of this rank's nodes the vectors of the rule, and two for each part with public copies;
/// their messages, and those of the neighbours on other ranks. Nodes send point to point (Fleet::exchange);
/// with public copies, all ranks also get the lengths of all messages. The mean of the x_i is computed only
/// for the trace: if a model becomes non-finite, the run ends at its next evaluated round, or in the same
/// round with public copies. The problem must outlive the method. Throws as make_star() does.
std::unique_ptr<Method> make_gossip(const Problem& problem, const GossipParts& parts,
                                    const GossipOptions& options);

}  // namespace laconic
