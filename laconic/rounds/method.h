// SPDX-License-Identifier: Apache-2.0
// The interface of methods: a start and a round, which solve() repeats (laconic/solve.h).
#pragma once

#include <cstddef>
#include <vector>

#include "laconic/core/vec.h"
#include "laconic/problem/oracle.h"
#include "laconic/problem/problem.h"
#include "laconic/rounds/ledger.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// The true objective at a method's point, summed over the clients in ascending order. Not counted in the
/// ledger.
struct Evaluation {
  double f = 0;
  double correct = 0;    // correctly classified rows, over all clients
  double consensus = 0;  // for methods with several models
  Vector gradient;

  void clear(std::size_t dim) {
    f = correct = consensus = 0;
    gradient.assign(dim, 0.0);
  }
  /// Adds the clients on a board, each with its weight 1/n: their measurements, and the gradients in
  /// Entry::vector. Boards must come in ascending order. Collective: the envelopes are shared. The messages
  /// on the board are lost.
  void add(Fleet& fleet, Board& board) {
    for (std::size_t e = 0; e < board.size(); ++e) {
      f += board[e].weight * board[e].envelope.measured.value;
      correct += board[e].envelope.measured.correct;
    }
    fleet.fold_vectors(board, gradient);
  }
};

/// One pass over all data, for points at which the method does not compute full gradients anyway. Collective.
void evaluate(const Problem& problem, View x, Fleet& fleet, Evaluation& out);

/// All that a method keeps from one round to the next; everything else is drawn by address or computed again.
/// So a checkpoint (report/checkpoint.h) consists of these numbers and the round. Writing them restores the
/// method to the state in which they were read. Lengths depend only on the problem and the method, never on
/// the split of clients among ranks.
struct State {
  Ledger* ledger = nullptr;
  std::vector<MutView> shared = {};                // equal on every rank
  std::vector<std::vector<MutView>> clients = {};  // of each client that this rank owns, ascending
};

/// The problem's starting point.
Vector start_of(const Problem& problem);

// Checks of all factories of methods on the problem, its oracle, and the options (methods with local steps
// also have an outer step). Throw std::logic_error if the oracle is null or belongs to another problem,
// InputError for a step that is out of range.
void require_problem(const Problem& problem, const Oracle* oracle);
void require_step(double step);
void require_outer_step(double step);

class Method {
 public:
  virtual ~Method() = default;

  // start() and round() are collective, on one fleet from start to end. The other functions return the same
  // on all ranks.

  /// Round 0: the communication before the first step. `watch`, if not null, receives the evaluation of
  /// point(); a star may reuse the gradients of the round for it.
  virtual void start(Fleet& fleet, Evaluation* watch) = 0;
  /// Round t = 1, 2, ...: the step from x_{t-1} to x_t, with its communication. Throws Diverged, on all
  /// ranks, when a gradient is not finite (methods with several models may continue: their next evaluation
  /// detects it).
  virtual void round(Fleet& fleet, std::size_t t, Evaluation* watch) = 0;

  /// Optional, before round() with the same t: takes its first step already, if the clients then compute
  /// their gradients at point() = x_t. Changes no result, and throws no Diverged. Between the two calls
  /// there is no state(). Collective.
  virtual void begin_round(Fleet& /*fleet*/, std::size_t /*t*/) {}

  /// The evaluation of point() after a round that had no `watch`. Collective.
  virtual void evaluate(Fleet& fleet, Evaluation& out) = 0;

  /// Valid until the next round. To restore a state, write it before start(), or before a round() that
  /// replaces start().
  virtual State state(Fleet& fleet) = 0;

  /// The problem that the method was made for.
  [[nodiscard]] virtual const Problem& problem() const = 0;
  /// What evaluate() measures: the problem, or a part of it.
  [[nodiscard]] virtual const Problem& objective() const { return problem(); }
  /// x_t; for methods with several models, their mean at the last evaluation. Valid until the next round.
  [[nodiscard]] virtual View point() const = 0;
  [[nodiscard]] virtual const Ledger& ledger() const = 0;
  [[nodiscard]] virtual double step() const = 0;
};

}  // namespace laconic
