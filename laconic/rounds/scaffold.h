// SPDX-License-Identifier: Apache-2.0
// SCAFFOLD (Karimireddy, Kale, Mohri, Reddi, Stich, Suresh, ICML 2020, arXiv 1910.06378), with full
// participation and control variates by option II: local steps with a server that corrects their drift. With
// K local steps of length eta_l and the outer step eta_g, a round is
//   y_i = x, then K times y_i <- y_i - eta_l (g_i(y_i) - c_i + c)      laconic/local/local_steps.h
//   y_i - x and c_i+ - c_i, where c_i+ = c_i - c + (x - y_i) / (K eta_l)      sent to the server
//   x <- x + eta_g mean_i (y_i - x);   c <- c + mean_i (c_i+ - c_i)           sent to all clients
// c_i+ is the mean of the round's gradients. K-GT (rounds/gossip.h) on a complete graph computes the same
// models.
#pragma once

#include <cstdint>
#include <memory>

#include "laconic/local/local_steps.h"
#include "laconic/message/message.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/method.h"

namespace laconic {

struct ScaffoldParts {
  std::shared_ptr<const Oracle> oracle;
  std::size_t steps = 1;  // K >= 1
};

struct ScaffoldOptions {
  double step = 0;        // eta_l > 0
  double outer_step = 1;  // eta_g >= 0
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;
};

/// All c start at 0, and nothing is sent at the start. Memory: four vectors, one for each of this rank's
/// clients, and a window of messages. The problem must outlive the method. Throws as make_star() does.
std::unique_ptr<Method> make_scaffold(const Problem& problem, const ScaffoldParts& parts,
                                      const ScaffoldOptions& options);

}  // namespace laconic
