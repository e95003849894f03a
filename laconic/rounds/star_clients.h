// SPDX-License-Identifier: Apache-2.0
// The client side of a star method: the message of a client about a point, and the update of its memory once
// the server has used the message.
#pragma once

#include <cstddef>
#include <vector>

#include "laconic/core/range.h"
#include "laconic/core/vec.h"
#include "laconic/mechanism/client_memory.h"
#include "laconic/rounds/star.h"
#include "laconic/transport/board.h"

namespace laconic {

/// The clients of a run that one process owns. Memory: for each client one vector each for a memory h, for a
/// previous gradient y, for an accumulated error e, for the gradient at an anchor and for each estimate (if
/// the parts have them), and the numbers of the compressor. Up to three vectors for each slot, and one for
/// each estimate.
class StarClients {
 public:
  /// Problem and parts must outlive it.
  StarClients(const Problem& problem, const StarParts& parts);

  /// Takes ownership of these clients, with memories of 0. Call it again to start over.
  void take_on(Range clients);
  [[nodiscard]] Range clients() const { return {first_, first_ + clients_.size()}; }

  /// Whether an answer also needs the point of the previous round.
  [[nodiscard]] bool looks_back() const { return looks_back_; }

  struct Points {
    View x;       // where the client computes: x_t, or its point of the downlink
    View before;  // the same in the round before, if looks_back()
    View anchor;  // if the parts have an anchor
  };
  /// Answers that exist at the same time need a slot each, 0 .. slots-1.
  void reserve(std::size_t slots);
  /// Computes the answer of the client entry.key.client at x_t: the entry's message, envelope and vector, or
  /// only finite = false. May be called for different clients at the same time, on any threads. `restart`:
  /// Mechanism::restarts of the round. `looked_before`: the slot holds this client's answer at at.before, so
  /// that gradient is not computed again.
  void answer(Entry& entry, std::size_t slot, const Points& at, bool restart, bool looked_before = false);
  /// Call this once the server has used the answer: it updates the client's memory. Without this call the
  /// memory stays as it was before the answer.
  void remember(const Entry& entry, std::size_t slot, bool restart);

  /// The memories of each client, to be read or restored.
  [[nodiscard]] std::vector<std::vector<MutView>> memories();

 private:
  /// What a client keeps from round to round.
  struct Client {
    ClientMemory memory;            // of the mechanism
    Vector y;                       // gradient of the round before
    Vector at_anchor;               // full gradient at the anchor
    std::vector<Vector> estimates;  // one for each of the parts' estimates
  };
  /// Scratch of one answer.
  struct Slot {
    Vector gradient;                // at x_t
    Vector other;                   // of the same rows, at x_{t-1} or at the anchor
    Vector memory;                  // ClientMemory::before_message()
    std::vector<Vector> estimates;  // of this round
    /// What the mechanism compresses.
    [[nodiscard]] const Vector& said() const { return estimates.empty() ? gradient : estimates.back(); }
  };

  Client& client_of(const Entry& entry) { return clients_[entry.key.client - first_]; }
  void look(Entry& entry, Slot& slot, const Points& at);
  void look_through_anchor(Entry& entry, Slot& slot, const Points& at);
  /// `has_other`: as for speak().
  void estimate(Entry& entry, Slot& slot, const Points& at, bool has_other);
  Measured ask(Entry& entry, View x, MutView g);
  /// `has_other`: slot.other already is the gradient at x_{t-1}.
  void speak(Entry& entry, Slot& slot, const Points& at, bool restart, bool has_other);

  const Problem& problem_;
  const StarParts& parts_;
  bool compares_;        // the mechanism reads a previous estimate
  bool keeps_gradient_;  // which is the gradient of the round before
  bool looks_back_ = false;
  std::size_t first_ = 0;
  std::vector<Client> clients_;
  std::vector<Slot> slots_;
};

}  // namespace laconic
