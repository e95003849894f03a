// SPDX-License-Identifier: Apache-2.0
// Gradient oracles of clients: over all rows of a client, over a minibatch of them, or over the functions of
// several clients, where clients hold each other's data.
#pragma once

#include <cstddef>
#include <memory>

#include "laconic/core/coin.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/participation/code.h"
#include "laconic/problem/problem.h"

namespace laconic {

class Oracle {
 public:
  virtual ~Oracle() = default;

  /// g = the estimate of grad f_i(x), i = key.client; returns the value and correct rows of the same rows. A
  /// pure function of key and x: the same key selects the same rows. For one minibatch at two points, make
  /// two calls with one key.
  virtual Measured gradient(const Key& key, View x, MutView g) const = 0;

  /// out = H v, where H is the Hessian at x over the rows that gradient() uses with this key, without noise.
  /// Needs a problem with has_curvature().
  virtual void hessian_vector(const Key& key, View x, View v, MutView out) const = 0;

  /// The number of single-sample gradients that gradient() with this key costs.
  [[nodiscard]] virtual std::size_t calls(const Key& key) const = 0;

  /// Whether gradient() is always exact. If so, its result can be used again, for the trace and in the next
  /// round.
  [[nodiscard]] virtual bool exact() const = 0;

  /// The problem of this oracle, which must be that of the method; null if the oracle does not report it.
  [[nodiscard]] virtual const Problem* problem() const { return nullptr; }
};

// If the problem has noise(), both of these add N(0, (sigma^2 / (d b)) I) to the gradient, drawn at its key,
// where b is the number of rows of the minibatch, or 1 for all rows. The problem must outlive the oracle.

std::unique_ptr<Oracle> full_gradients(const Problem& problem);

/// `batch` >= 1 rows, drawn uniformly with replacement.
std::unique_ptr<Oracle> minibatches(const Problem& problem, std::size_t batch);

/// Uses `heads` in rounds in which the coin shows heads, and `tails` in the others, such as the occasional
/// full gradients of VR-MARINA. Both must be of one problem.
std::unique_ptr<Oracle> on_coin(SharedCoin coin, std::shared_ptr<const Oracle> heads,
                                std::shared_ptr<const Oracle> tails);

/// The coded gradient of the subsets that a client holds: sum_k B_ik g_k, where g_k comes from `each` with
/// key.client = k, so that all clients that hold a subset use the same rows of it; added in ascending k.
/// Costs the sum of the costs of the subsets. Measures no value, and is not exact: the vector of a client is
/// not the gradient of its f_i. The code must be for as many clients as the problem has shards.
std::unique_ptr<Oracle> coded(std::shared_ptr<const Oracle> each, Code code);

}  // namespace laconic
