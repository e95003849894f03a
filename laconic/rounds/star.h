// SPDX-License-Identifier: Apache-2.0
// The driver of methods in which clients communicate with a server in every round. With gamma the step and g
// the server's estimate of the gradient, round t is
//   x_t = x_{t-1} - gamma g                     or by the outer rule (local/outer_rule.h)
//   the server sends g, or compressed           rounds/downlink.h; clients compute at x_t or near it
//   client i: v_i from grad f_i(x_t)            struct Estimate; without one v_i = grad f_i(x_t)
//   client i: m_i = C_{h_i, y_i}(v_i)           sent to the server, and applied by the client itself
//   g from sum of w_i m_i, or by a rule         rounds/server.h; on every rank, from the same bytes
// and start() is the same without the step. Clients that do not participate compute nothing that is counted,
// send nothing and keep their memories. After a round without participants the server continues with its
// memory, if it has one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "laconic/local/outer_rule.h"
#include "laconic/mechanism/mechanism.h"
#include "laconic/participation/participation.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/downlink.h"
#include "laconic/rounds/method.h"
#include "laconic/rounds/server.h"

namespace laconic {

/// A client's estimate v of its gradient, which it remembers. With g the oracle's gradient at the client's
/// point, in round 0 and when the coin shows heads v = g, and otherwise
///   v <- v + stretch (g - v + keep (v - g'))
/// where g' is g (a running mean: momentum), or the gradient of the same rows at the client's previous point
/// (MVR, PAGE).
struct Estimate {
  double keep = 0;              // 0 <= keep <= 1
  bool at_previous = false;     // g' is at the previous point
  double stretch = 1;           // >= 1: 1/p where clients take part with probability p
  SharedCoin whole = {.p = 0};  // heads: v = g
};

/// The parts of a star method. A recipe (methods/methods.h) chooses them. Oracle, mechanism and participation
/// must be set. The participation must be for as many clients as the problem has shards. It must be complete
/// if there is an anchor; it must be complete or of weight 1/n if the mechanism estimates_by_memory(); for a
/// mechanism with a coin it must name all clients in rounds that start over. Otherwise make_star() throws
/// std::logic_error.
struct StarParts {
  std::shared_ptr<const Oracle> oracle;
  // If set, gradients use an anchor w, a point of an earlier round, and the full gradients at w: the gradient
  // of a client is oracle(x) - oracle(w) + grad f_i(w). w moves to x_t when the coin shows heads (VR-DIANA).
  std::optional<SharedCoin> anchor = {};
  // Applied one after the other, each to the result of the one before. The mechanism compresses the last, and
  // its previous estimate y is that of the last in the client's previous round. Only the first may be
  // at_previous. No anchor.
  std::vector<Estimate> estimates = {};
  std::shared_ptr<const Mechanism> mechanism;
  std::shared_ptr<const Participation> participation;
  bool majority = false;  // the server sends the sign of each coordinate of its estimate, in one bit
  std::shared_ptr<const OuterRule> outer = plain_outer();
  DownlinkPlan downlink = {};  // no anchor and no majority if clients compute at points of their own
  // Rule and attack must be for as many clients as the problem has shards. No majority with either of them.
  Aggregation aggregation = {};
  // What evaluations measure, such as the mean over the clients that do not lie. Unset: the problem.
  std::shared_ptr<const Problem> objective = {};
};

struct StarOptions {
  double step = 0;  // gamma > 0
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;  // format of the direction that the server sends, for the ledger
};

/// What evaluations measure.
inline const Problem& objective_of(const Problem& problem, const StarParts& parts) {
  return parts.objective ? *parts.objective : problem;
}

/// Throws where make_star() throws.
void require_parts(const Problem& problem, const StarParts& parts);

/// Throws InputError if options are out of range, std::logic_error if parts are missing or do not fit
/// together. Memory: the point; the server's vectors; for each of this rank's clients, one vector each for a
/// memory h, a previous gradient y and an accumulated error e, and the numbers of a compressor (if the
/// mechanism has them), one for each estimate, and those of the downlink; and a window of gradients and
/// messages. The problem must outlive the method.
std::unique_ptr<Method> make_star(const Problem& problem, StarParts parts, const StarOptions& options);

}  // namespace laconic
