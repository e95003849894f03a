// SPDX-License-Identifier: Apache-2.0
// The driver of methods with a server and local steps: Local SGD and FedAvg (McMahan et al. 2017, arXiv
// 1602.05629); SAVIC, "Local Methods with Adaptivity via Scaling" (2024, arXiv 2406.00846), with steps scaled
// by a diagonal s (laconic/local/scaling.h); FedAdam and DiLoCo, with an update rule of the server
// (laconic/local/outer_rule.h). With H local steps of length gamma, round t at client m is
//   y_m = x, then H times y_m <- y_m - gamma g_m(y_m) / s                  s = 1 without scaling
//   y_m - x                                              sent to the server, compressed
//   x <- x + eta_s mean_m (y_m - x)                      sent to all clients; or by the outer rule. With a
//                                                        compressed downlink (rounds/downlink.h) clients
//                                                        start at their own points w in place of x
// and after every q-th round, and at the start,
//   g_m(x), g_m(x)^2, or v_m o H_m(x) v_m                sent to the server too
//   D <- rule(D, its mean),  s = clip(D)                 the new s is used from the next round on
// The client's update rule (laconic/local/inner_rule.h) makes the local step: plain, with momentum, or AdamW.
// A momentum m starts a round as the mean over the clients, which send their m, or at 0. AdamW's moments stay
// at their clients. With local scaling each client has its own D from its own statistic, which it does not
// send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "laconic/compress/compressor.h"
#include "laconic/local/inner_rule.h"
#include "laconic/local/outer_rule.h"
#include "laconic/local/scaling.h"
#include "laconic/participation/participation.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/downlink.h"
#include "laconic/rounds/method.h"

namespace laconic {

struct ScalingPlan {
  Scaling scaling;
  bool local = false;             // each client has its own D
  bool mean_of_squares = false;   // S^2 is the mean of the g_m^2, not the square of the mean
  std::size_t refresh = 1;        // q >= 1: after every q-th round
  bool refresh_at_start = true;   // otherwise D = 1 until the first refresh
  std::size_t start_probes = 10;  // >= 1: curvature probes at the start; their mean is the first D
  bool shared_probes = false;     // v_m is the same for all clients
};

/// The parts of a local method. No pointer is null.
struct LocalParts {
  std::shared_ptr<const Oracle> oracle;
  // For as many clients as the problem has shards. Must be complete if steps are scaled, or if the inner rule
  // has a memory.
  std::shared_ptr<const Participation> participation;
  std::shared_ptr<const Compressor> compressor;            // for all messages of clients
  std::size_t steps = 1;                                   // H >= 1
  std::shared_ptr<const InnerRule> inner = plain_inner();  // of the clients
  std::optional<ScalingPlan> scaling = {};                 // if the inner rule takes a scale
  std::shared_ptr<const OuterRule> outer = plain_outer();  // of the server; one that adds no term to f
  DownlinkPlan downlink = {};                              // of x, or of mean_m (y_m - x) if it is ef21
};

struct LocalOptions {
  double step = 0;        // gamma > 0
  double outer_step = 1;  // eta_s >= 0
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;
};

/// Memory: a few vectors; for each of this rank's clients one with local scaling, and those that the inner
/// rule keeps; and a window of messages. The server sends x in every round, and what else clients need: s
/// when it is new, m when it is averaged. The problem must outlive the method. Throws as make_star() does.
std::unique_ptr<Method> make_local(const Problem& problem, const LocalParts& parts,
                                   const LocalOptions& options);

}  // namespace laconic
