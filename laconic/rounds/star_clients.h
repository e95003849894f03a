// SPDX-License-Identifier: Apache-2.0
// The clients of a star method: each has its side of the exchange (rounds/client_side.h), and here gets the
// gradients for it from the oracle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "laconic/core/range.h"
#include "laconic/core/vec.h"
#include "laconic/rounds/client_side.h"
#include "laconic/rounds/star.h"
#include "laconic/transport/board.h"

namespace laconic {

/// The clients of a run that one process owns. Memory: for each client a ClientSide, and a vector for the
/// gradient at an anchor (if the parts have one). Up to two vectors for each slot.
class StarClients {
 public:
  /// Problem and parts must outlive it.
  StarClients(const Problem& problem, const StarParts& parts);

  /// Takes ownership of these clients, with memories of 0. Call it again to start over. `saves`: save() will
  /// be called, for which there is room for a copy of what each client keeps.
  void take_on(Range clients, bool saves = false);
  [[nodiscard]] Range clients() const { return {first_, first_ + clients_.size()}; }

  /// Whether an answer also needs the point of the previous round.
  [[nodiscard]] bool looks_back() const { return plan_.looks_back(); }

  struct Points {
    View x;       // where the client computes: x_t, or its point of the downlink
    View before;  // the same in the round before, if looks_back()
    View anchor;  // if the parts have an anchor
  };
  /// Answers that exist at the same time need a slot each, 0 .. slots-1.
  void reserve(std::size_t slots);
  /// Computes the answer of the client entry.key.client at x_t: the entry's message, envelope and vector, or
  /// only finite = false. What the client keeps moves as if the server has used the answer. May be called for
  /// different clients at the same time, on any threads. `restart`: Mechanism::restarts of the round.
  /// `looked_before`: the slot holds this client's answer at at.before, so that gradient is not computed
  /// again.
  void answer(Entry& entry, std::size_t slot, const Points& at, bool restart, bool looked_before = false);

  /// For servers that may not use an answer: withdraw() takes client i back to where save() found it. For
  /// different clients at the same time, on any threads.
  void save(std::uint32_t i) { saved_[i - first_] = clients_[i - first_]; }
  void withdraw(std::uint32_t i) { std::swap(clients_[i - first_], saved_[i - first_]); }

  /// The memories of each client, to be read or restored.
  [[nodiscard]] std::vector<std::vector<MutView>> memories();

 private:
  struct Client {
    ClientSide<double> side;
    Vector at_anchor;  // full gradient at the anchor
  };
  /// Scratch of one answer.
  struct Slot {
    Vector gradient;  // at x_t
    Vector other;     // of the same rows, at x_{t-1} or at the anchor
  };

  Client& client_of(const Entry& entry) { return clients_[entry.key.client - first_]; }
  void look(Entry& entry, Slot& slot, const Points& at);
  void look_through_anchor(Entry& entry, Slot& slot, const Points& at);
  Measured ask(Entry& entry, View x, MutView g);
  /// `has_other`: slot.other already is the gradient at x_{t-1}.
  void speak(Entry& entry, Slot& slot, const Points& at, bool restart, bool has_other);

  const Problem& problem_;
  const StarParts& parts_;
  ClientPlan plan_;
  std::size_t first_ = 0;
  std::vector<Client> clients_;
  std::vector<Client> saved_;  // of each client, or none
  std::vector<Slot> slots_;
};

}  // namespace laconic
