// SPDX-License-Identifier: Apache-2.0
// The driver of methods with a server and local steps. With the local step gamma, a round is, for client i,
//   y_i = x, then L times y_i <- y_i - gamma (g_i(y_i) - h_i) / s         h_i = 0 without control variates,
//                                                                         s = 1 without scaling
//   m_i = C(y_i - x)                                         sent to the server
//   d = mean_i m_i;  x <- x + eta_s d, or by the outer rule  sent to all clients. With a compressed downlink
//                                                            (rounds/downlink.h) clients start at their own
//                                                            points w in place of x
// The parts of LocalParts change a line each:
//   inner      the client's step: plain, with momentum, proximal, AdamW, Muon (local/inner_rule.h). A
//              momentum starts a round as the mean over the clients, which send theirs, or at 0; or it stays
//              at its client
//   steps      L: fixed, of each client, or of a coin (local/step_count.h)
//   mechanism  m_i with a memory: error feedback, or EF21, where d is the mean of the clients' memories
//   senders    d_k is the mean over the clients that sent coordinate k
//   scaling    after every q-th round, and at the start, g_i(x), g_i(x)^2, or v_i o H_i(x) v_i is sent too;
//              D <- rule(D, its mean), s = clip(D). With local scaling each client has its own D from its own
//              statistic, which it does not send (local/scaling.h, rounds/scaled_steps.h)
//   control    after each round h_i <- h_i + (q / gamma) (d - m_i): struct ControlPlan
//   split      a part of the ridge moves to the server's point: struct SplitPlan
//   fragments  y_i stays from round to round, and x is sent in fragments: struct FragmentPlan
// Without them it is Local SGD and FedAvg (McMahan et al. 2017, arXiv 1602.05629).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "laconic/compress/compressor.h"
#include "laconic/local/inner_rule.h"
#include "laconic/local/outer_rule.h"
#include "laconic/local/step_count.h"
#include "laconic/mechanism/mechanism.h"
#include "laconic/participation/participation.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/downlink.h"
#include "laconic/rounds/method.h"
#include "laconic/rounds/scaled_steps.h"

namespace laconic {

/// Control variates h_i, 0 at first. On all coordinates, or with owners > 0 on those that client i owns, and
/// with its message m_i as decoded,
///   h_i <- h_i + (rate / gamma) (d - m_i)
/// Where d is the mean of the messages, sum_i h_i = 0 whatever the compressor and the outer rule are.
/// Clients know d, because the server sends x and they know the outer rule. All of them take part.
struct ControlPlan {
  double rate = 1;         // > 0: the probability q of Scaffnew's coin, 1/K of SCAFFOLD
  std::size_t owners = 0;  // of a coordinate, if clients send those that they own (message/deal.h); 0: all
};

/// LoCoDL (Condat, Maranjyan, Richtarik 2024, arXiv 2403.04348): f_i + g with g = (ridge/4) |x|^2, which is
/// taken out of f_i. Client i keeps its y_i, and steps along grad f_i(y_i) - (ridge/2) y_i - h_i. The server
/// has a variate v too, and each client computes the same. A round begins with L times
///   x <- x - gamma ((ridge/2) x - v)
/// and ends with
///   y_i <- (1 - follow) y_i + follow (x + d);  v <- v + (rate / gamma) d;  x <- x + eta_s follow d
/// Needs control; with weights 1/(2n), mean h_i + v = 0.
struct SplitPlan {
  double ridge = 0;   // > 0
  double follow = 1;  // 0 < follow <= 1
};

/// Streaming DiLoCo (Douillard et al. 2025, arXiv 2501.18512): x is divided into `count` consecutive
/// fragments. y_i stays at its client. Of H local steps in a round, fragment p is sent after floor((p+1) H /
/// count). `delay` steps later, perhaps in the next round, the server applies its outer rule to the fragment
/// of x, and clients merge the result:
///   y_ip <- mix y_ip + (1 - mix) x_p
/// Fragments are sent whole, without the compressor.
struct FragmentPlan {
  std::size_t count = 1;  // 1 <= count <= H, the dimension
  std::size_t delay = 0;  // < H
  double mix = 0;         // 0 <= mix <= 1
};

/// The parts of a local method. No pointer is null, unless stated.
struct LocalParts {
  std::shared_ptr<const Oracle> oracle;
  // For as many clients as the problem has shards. Must be complete if steps are scaled, or if clients keep
  // vectors other than those of the mechanism.
  std::shared_ptr<const Participation> participation;
  std::shared_ptr<const Compressor> compressor;            // for what mechanism and fragments do not send
  StepCount steps = 1;                                     // >= 1
  std::shared_ptr<const InnerRule> inner = plain_inner();  // of the clients
  std::optional<ScalingPlan> scaling = {};                 // if the inner rule takes a scale
  std::shared_ptr<const OuterRule> outer = plain_outer();  // of the server; one that adds no term to f
  DownlinkPlan downlink = {};                              // of x, or of d if it is ef21
  // For y_i - x, in place of the compressor; null: none. One without restarts, coins and previous estimates.
  // If it estimates_by_memory(), a participation that is not complete must weigh 1/n.
  std::shared_ptr<const Mechanism> mechanism = {};
  bool senders = false;  // not with a mechanism that moves a memory of the server
  std::optional<ControlPlan> control = {};
  std::optional<SplitPlan> split = {};
  std::optional<FragmentPlan> fragments = {};
};

struct LocalOptions {
  double step = 0;        // gamma > 0
  double outer_step = 1;  // eta_s >= 0
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;
};

/// Memory: a few vectors; for each of this rank's clients one with local scaling, and those that the inner
/// rule, the mechanism, the control variates and the fragments keep; and a window of messages. The server
/// sends x in every round, and what else clients need: s when it is new, m when it is averaged. The problem
/// must outlive the method. Throws as make_star() does.
std::unique_ptr<Method> make_local(const Problem& problem, const LocalParts& parts,
                                   const LocalOptions& options);

}  // namespace laconic
