// SPDX-License-Identifier: Apache-2.0
// A method is a start and a round; solve() repeats it (laconic/solve.h).
#pragma once

#include <cstddef>
#include <vector>

#include "laconic/core/vec.h"
#include "laconic/problem/oracle.h"
#include "laconic/problem/problem.h"
#include "laconic/rounds/ledger.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// The true objective at a method's point, summed over the clients in ascending order. Outside the ledger.
struct Evaluation {
  double f = 0;
  double correct = 0;    // rows classified right, over all clients
  double consensus = 0;  // (1/n) sum |x_i - mean|^2, of methods with several models
  Vector gradient;

  void clear(std::size_t dim) {
    f = correct = consensus = 0;
    gradient.assign(dim, 0.0);
  }
  /// Adds the clients on a board, each with its weight 1/n: their measurements, and the gradients
  /// that Entry::vector shows. Ascending boards. Collective; the envelopes are shared. The
  /// board's messages are lost.
  void add(Fleet& fleet, Board& board) {
    for (std::size_t e = 0; e < board.size(); ++e) {
      f += board[e].weight * board[e].envelope.measured.value;
      correct += board[e].envelope.measured.correct;
    }
    fleet.fold_vectors(board, gradient);
  }
};

/// One pass over all data: for points at which the method has no full gradients anyway. Collective.
void evaluate(const Problem& problem, View x, Fleet& fleet, Evaluation& out);

/// All that a method remembers from one round to the next; what else it needs is drawn from addresses or
/// computed anew. So a checkpoint (report/checkpoint.h) is these numbers and the round. To write them is to
/// set the method back to where they were read. Lengths depend on the problem and the method alone, never on
/// how the workers are dealt to ranks.
struct State {
  Ledger* ledger = nullptr;
  std::vector<MutView> shared = {};                // the same on every rank
  std::vector<std::vector<MutView>> workers = {};  // of each worker that this rank owns, ascending
};

// What all factories of methods ask of a problem, its oracle, and the options (methods with local steps have an
// outer step besides). std::logic_error where the oracle is null or of another problem, InputError for a step
// that is out of range.
void require_problem(const Problem& problem, const Oracle* oracle);
void require_step(double step);
void require_outer_step(double step);

class Method {
 public:
  virtual ~Method() = default;

  // start() and round() are collective, on one fleet from the start to the end. What the others return is the
  // same on all ranks.

  /// Round 0: whatever is said before the first step. `watch`, where given, receives the evaluation of
  /// point(); gradients that the round computes anyway are used for it.
  virtual void start(Fleet& fleet, Evaluation* watch) = 0;
  /// Round t = 1, 2, ...: from x_{t-1} to x_t, and what is said on the way. Throws Diverged when a gradient
  /// is no longer finite, on all ranks (methods with several models may carry on: their next evaluation shows
  /// it).
  virtual void round(Fleet& fleet, std::size_t t, Evaluation* watch) = 0;

  /// The evaluation of point() after a round that had no `watch`. Collective.
  virtual void evaluate(Fleet& fleet, Evaluation& out) = 0;

  /// Valid until the next round. Before start() or a round in its place, it is there to be written.
  virtual State state(Fleet& fleet) = 0;

  /// The one that it is made for.
  [[nodiscard]] virtual const Problem& problem() const = 0;
  /// x_t; for methods with several models, their mean when it was last evaluated. Valid until the next round.
  [[nodiscard]] virtual View point() const = 0;
  [[nodiscard]] virtual const Ledger& ledger() const = 0;
  [[nodiscard]] virtual double step() const = 0;
};

}  // namespace laconic
