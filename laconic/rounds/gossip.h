// SPDX-License-Identifier: Apache-2.0
// The driver of methods without a server: nodes take local steps, then exchange messages with their
// neighbours. With W the mixing of the round, K local steps of length eta_c and the outer step eta_s, round t
// at node i is
//   y_i = x_i, then K times y_i <- y_i - eta_c (g_i(y_i) + c_i)        laconic/local/local_steps.h
//   u_i = x_i + eta_s (y_i - x_i);   z_i = c_i + h_i                   sent to all nodes that receive from i
//   x_i <- sum_j w_ij u_j                                              from the old values of all nodes
//   c_i <- c_i - z_i + sum_j w_ij z_j
// where h_i is the mean of the round's gradients: K-GT (Liu, Lin, Koloskova, Stich 2023, arXiv 2301.01313),
// where z_i = (x_i - y_i) / (K eta_c). With one of the gradients as h_i it is Periodical-GT: gradient
// tracking that communicates once in K steps. With K = 1 both are gradient tracking. Without c it is local
// D-SGD.
//
// sum_i c_i stays 0, and the mean of the x_i moves by -eta_s eta_c (1/n) sum of all gradients, for any W.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "laconic/local/local_steps.h"
#include "laconic/message/message.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/method.h"
#include "laconic/topology/mixing.h"

namespace laconic {

/// The parts of a gossip method. No pointer is null.
struct GossipParts {
  std::shared_ptr<const Oracle> oracle;
  std::shared_ptr<const MixingPlan> mixing = {};  // for as many nodes as the problem has shards
  std::size_t steps = 1;                          // K >= 1
  std::optional<Sample> tracked = {};             // h; unset: no correction
  // If true, c_i starts as mean_j g_j - g_i at x_0 instead of 0; all nodes must receive this mean.
  bool average_start = false;
};

struct GossipOptions {
  double step = 0;        // eta_c > 0
  double outer_step = 1;  // eta_s >= 0
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;
};

/// Memory: x and c of this rank's nodes, their messages, and the messages of the neighbours on other ranks.
/// Nodes send point to point (Fleet::exchange). The mean of the x_i is computed only for the trace: if a
/// model becomes non-finite, the run ends at its next evaluated round. The problem must outlive the method.
/// Throws as make_star() does.
std::unique_ptr<Method> make_gossip(const Problem& problem, const GossipParts& parts,
                                    const GossipOptions& options);

}  // namespace laconic
