// SPDX-License-Identifier: Apache-2.0
// The driver of methods without a server: nodes take local steps, then talk to their neighbours. With W the
// mixing of the round, K local steps of length eta_c and the outer step eta_s, round t at node i is
//   y_i = x_i, then K times y_i <- y_i - eta_c (g_i(y_i) + c_i)        laconic/local/local_steps.h
//   u_i = x_i + eta_s (y_i - x_i);   z_i = c_i + h_i                   said to everyone who hears i
//   x_i <- sum_j w_ij u_j                                              from the old values of all
//   c_i <- c_i - z_i + sum_j w_ij z_j
// where h_i is the mean of the round's gradients: K-GT (Liu, Lin, Koloskova, Stich 2023, arXiv 2301.01313),
// where z_i = (x_i - y_i) / (K eta_c). With one of the gradients as h_i it is Periodical-GT: gradient
// tracking that skips K - 1 of K talks; with K = 1 either is gradient tracking. Without c it is local D-SGD.
//
// sum_i c_i stays 0, and the mean of the x_i moves by -eta_s eta_c (1/n) sum of all gradients, whatever W.
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

/// A gossip method, disassembled. No pointer is null.
struct GossipParts {
  std::shared_ptr<const Oracle> oracle;
  std::shared_ptr<const MixingPlan> mixing = {};  // of as many nodes as the problem has shards
  std::size_t steps = 1;                          // K >= 1
  std::optional<Sample> tracked = {};             // h; unset: no correction
  // c_i begins as mean_j g_j - g_i at x_0, which everyone must be told, instead of 0.
  bool average_start = false;
};

struct GossipOptions {
  double step = 0;        // eta_c > 0
  double outer_step = 1;  // eta_s >= 0
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;
};

/// Memory: x and c of this rank's nodes, and their messages, and those of the neighbours that
/// other ranks own. Nodes talk point to point (Fleet::exchange). The mean of the x_i is taken where the trace
/// asks for it, and there alone: a model that is no longer finite ends the run at its next row. The problem
/// must outlive the method. Throws as make_star() does.
std::unique_ptr<Method> make_gossip(const Problem& problem, const GossipParts& parts,
                                    const GossipOptions& options);

}  // namespace laconic
