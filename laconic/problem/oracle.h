// SPDX-License-Identifier: Apache-2.0
// How a worker looks at its own function: all of its rows, or a minibatch of them; or at the functions of
// several, where workers hold each other's data.
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

  /// g = the estimate of grad f_i(x), i = key.worker; returns what the same rows say of the value. A pure
  /// function of key and x: the same key asks for the same rows, so one minibatch at two points is two calls
  /// with one key.
  virtual Measured gradient(const Key& key, View x, MutView g) const = 0;

  /// out = H v, H the Hessian at x of the rows that gradient() with this key sees, without noise. Needs a
  /// problem that has_curvature().
  virtual void hessian_vector(const Key& key, View x, View v, MutView out) const = 0;

  /// Single-sample gradients that gradient() with this key costs.
  [[nodiscard]] virtual std::size_t calls(const Key& key) const = 0;

  /// Whether gradient() is always exact, so that it can serve the trace as well, and the next round.
  [[nodiscard]] virtual bool exact() const = 0;

  /// The problem it looks at, which must be that of the method; null where it does not say.
  [[nodiscard]] virtual const Problem* problem() const { return nullptr; }
};

// Where the problem has noise(), both of these add N(0, (sigma^2 / (d b)) I) to the gradient, drawn at its
// key, with b the rows of the minibatch, and 1 for all rows. The problem must outlive the oracle.

std::unique_ptr<Oracle> full_gradients(const Problem& problem);

/// `batch` >= 1 rows, drawn uniformly with replacement.
std::unique_ptr<Oracle> minibatches(const Problem& problem, std::size_t batch);

/// One oracle in rounds whose coin shows heads, another in the rest: VR-MARINA's full gradient now and then.
/// Both are of one problem.
std::unique_ptr<Oracle> on_coin(SharedCoin coin, std::shared_ptr<const Oracle> heads,
                                std::shared_ptr<const Oracle> tails);

/// What the worker says of the subsets that it holds: sum_k B_ik g_k, with g_k from `each` at key.worker = k,
/// so that all who hold a subset look at the same rows of it; added in ascending k. Costs what the subsets
/// cost. Measures nothing and is not exact: a worker's vector is not the gradient of its f_i. The code is of as
/// many workers as the problem has shards.
std::unique_ptr<Oracle> coded(std::shared_ptr<const Oracle> each, Code code);

}  // namespace laconic
