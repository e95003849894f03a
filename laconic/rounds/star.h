// SPDX-License-Identifier: Apache-2.0
// The driver of methods in which workers talk to a server every round. With gamma the step and g the server's
// estimate of the gradient, round t is
//   x_t = x_{t-1} - gamma g                          everyone, from the same numbers
//   worker i: m_i = C_{h_i, y_i}(grad f_i(x_t))      said to the server, and applied by the worker itself
//   g from sum of w_i m_i                            rounds/server.h; on every rank, from the same bytes
// and start() is the same without the step. Workers who are not in the participation compute nothing that counts,
// say nothing and remember what they did; after a round without any the server goes on along what it
// remembers, if anything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "laconic/mechanism/mechanism.h"
#include "laconic/participation/participation.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/method.h"
#include "laconic/rounds/server.h"

namespace laconic {

/// A star method, disassembled. A recipe (methods/methods.h) is the choice of these parts. Oracle, mechanism and
/// participation are there. The participation is of as many workers as the problem has shards; it is complete where there
/// is an anchor, complete or of weight 1/n where the mechanism estimates_by_memory(), and names all workers in
/// rounds that start over for a mechanism with a coin. std::logic_error where that is not so.
struct StarParts {
  std::shared_ptr<const Oracle> oracle;
  // Where set, the oracle looks through an anchor w, a point of an earlier round, and its full
  // gradients there: a worker's gradient is oracle(x) - oracle(w) + grad f_i(w). w moves to x_t when
  // the coin shows heads (VR-DIANA).
  std::optional<SharedCoin> anchor = {};
  std::shared_ptr<const Mechanism> mechanism;
  std::shared_ptr<const Participation> participation;
  bool majority = false;  // the server says the sign of each coordinate of its estimate, in a bit
};

struct StarOptions {
  double step = 0;  // gamma > 0
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;  // width of the direction that the server says, for the ledger
};

/// Throws where make_star() would.
void require_parts(const Problem& problem, const StarParts& parts);

/// Throws InputError where options are out of range, std::logic_error where parts are missing or do not go
/// together. Memory: the point, the server's vectors, one vector for each of this rank's workers for a memory h, one
/// for a previous gradient y (where the mechanism has them), and a window of gradients and messages. The
/// problem must outlive the method.
std::unique_ptr<Method> make_star(const Problem& problem, StarParts parts, const StarOptions& options);

}  // namespace laconic
