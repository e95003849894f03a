// SPDX-License-Identifier: Apache-2.0
// The clients' side of a star: what a client says about a point, and what it remembers when that has counted.
#pragma once

#include <cstddef>
#include <vector>

#include "laconic/core/range.h"
#include "laconic/core/vec.h"
#include "laconic/rounds/star.h"
#include "laconic/transport/board.h"

namespace laconic {

/// Those clients of a run that one process owns. Memory: for each of them a vector for a memory h, one for a
/// previous gradient y and one for the gradient at an anchor (where the parts have them), and for each slot
/// up to three.
class StarClients {
 public:
  /// Problem and parts must outlive it.
  StarClients(const Problem& problem, const StarParts& parts);

  /// Takes on these clients, who remember nothing; once more to start over.
  void take_on(Range clients);
  [[nodiscard]] Range clients() const { return {first_, first_ + clients_.size()}; }

  /// Whether an answer looks at the point of the round before as well.
  [[nodiscard]] bool looks_back() const { return compares_ && !keeps_gradient_; }

  struct Points {
    View x;       // x_t
    View before;  // x_{t-1}, where looks_back()
    View anchor;  // where the parts have one
  };
  /// Answers that stand at the same time need a slot each, 0 .. slots-1.
  void reserve(std::size_t slots);
  /// What the client entry.key.worker says of x_t: the entry's message, envelope and vector, or finite =
  /// false alone. Different clients at the same time, on any threads. `restart`: Mechanism::restarts of the
  /// round.
  /// `looked_before`: the slot holds an answer of the client's about at.before, whose gradient need not be
  /// computed again.
  void answer(Entry& entry, std::size_t slot, const Points& at, bool restart, bool looked_before = false);
  /// That answer has counted: the memory moves. A memory without this is as it was before the answer.
  void remember(const Entry& entry, std::size_t slot, bool restart);

  /// Of each client, to be read or restored.
  [[nodiscard]] std::vector<std::vector<MutView>> memories();

 private:
  /// What a client keeps from round to round.
  struct Client {
    Vector h;          // memory
    Vector y;          // gradient of the round before
    Vector at_anchor;  // full gradient at the anchor
  };
  /// What it computes with.
  struct Slot {
    Vector gradient;  // at x_t
    Vector other;     // by the same rows, at x_{t-1} or at the anchor
    Vector memory;    // h with what it takes in
  };

  Client& client_of(const Entry& entry) { return clients_[entry.key.worker - first_]; }
  void look(Entry& entry, Slot& slot, const Points& at);
  void look_through_anchor(Entry& entry, Slot& slot, const Points& at);
  Measured ask(Entry& entry, View x, MutView g);
  /// `has_other`: slot.other is the gradient at x_{t-1} already.
  void speak(Entry& entry, Slot& slot, const Points& at, bool restart, bool has_other);

  const Problem& problem_;
  const StarParts& parts_;
  Rates rates_;
  bool compares_;
  bool keeps_gradient_;
  std::size_t first_ = 0;
  std::vector<Client> clients_;
  std::vector<Slot> slots_;
};

}  // namespace laconic
