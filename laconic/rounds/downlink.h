// SPDX-License-Identifier: Apache-2.0
// The downlink of a star method: what the server sends after its step, and the points at which the clients
// compute their gradients. With x the server's point, g its estimate of the gradient, and C, Q_i compressors:
//   direction   sends g; clients compute at x
//   ef21-p      sends C(x - w) to all clients; they compute at w <- w + C(x - w), and w_0 = x_0
//               (EF21-P: Gruntkowska, Tyurin, Richtarik 2022, arXiv 2209.15218)
//   marina-p    sends x to all clients if a shared coin shows heads, and then w_i <- x; otherwise sends
//               Q_i(x - x_before) to client i, and w_i <- w_i + Q_i(x - x_before). Clients compute at w_i,
//               or at z_i <- beta w_i + (1 - beta) z_i
//               (MARINA-P and M3: Gruntkowska, Tyurin, Richtarik 2024, arXiv 2402.06412)
//   ef21        sends C(g - G); both sides G <- G + C(g - G), and the step is along G; clients compute at x.
//               Round 1 sends g whole, unless G starts at 0
//               (EF21-BC: Fatkhullin et al. 2021, arXiv 2110.03294)
// The server applies its own messages as the clients decode them. Every rank computes the messages that it
// needs itself.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "laconic/compress/compressor.h"
#include "laconic/core/coin.h"
#include "laconic/core/range.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"
#include "laconic/rounds/ledger.h"
#include "laconic/transport/fleet.h"

namespace laconic {

struct DownlinkPlan {
  enum class Kind { direction, ef21_p, marina_p, ef21 };
  Kind kind = Kind::direction;
  std::shared_ptr<const Compressor> compressor = {};  // unless direction
  SharedCoin whole = {1, Key::kDownlink};             // of marina-p
  bool exact = true;                                  // of ef21: round 1 sends g whole
  bool shared = true;                                 // all clients receive the same message
  double follow = 1;                                  // beta of marina-p, 0 < beta <= 1

  /// Whether clients compute at x itself.
  [[nodiscard]] bool clients_at_x() const { return kind == Kind::direction || kind == Kind::ef21; }
};

class Downlink {
 public:
  /// `start` is x_0. `looks_back`: clients also need the point of the previous round.
  Downlink(const DownlinkPlan& plan, View start, std::size_t clients, Wire wire, bool looks_back);

  /// Takes ownership of the points of these clients, at x_0. Call it before the first send().
  void take_on(Range clients);

  /// The direction of the server's step, given its estimate. Counts the message if the plan sends directions.
  View direction(const Key& round, View estimate, Ledger& ledger);
  /// Moves the clients' points after the server's step from `before` to x. Counts the messages if the plan
  /// sends points. Throws Diverged, on all ranks, if x is not finite. Collective.
  void send(Fleet& fleet, const Key& round, View before, View x, Ledger& ledger);

  /// Where client i computes; i is one of this rank's clients. Not for plans for which clients_at_x() holds.
  [[nodiscard]] View point(std::size_t i) const { return points_of(i).seen(); }
  /// The same in the previous round, if clients look back.
  [[nodiscard]] View before(std::size_t i) const { return points_of(i).before; }

  /// What is the same on all ranks, and what belongs to each client of this rank, to be read or restored.
  [[nodiscard]] std::vector<MutView> memory();
  [[nodiscard]] std::vector<MutView> memory_of(std::size_t own);

 private:
  struct Points {
    Vector w;
    Vector z;           // if clients compute at z
    Vector before;      // if they look back
    double floats = 0;  // of the last message
    [[nodiscard]] View seen() const { return z.empty() ? w : z; }
  };
  [[nodiscard]] const Points& points_of(std::size_t i) const {
    return plan_.shared ? all_ : own_[i - first_];
  }
  void move(Points& points, const Key& key, View before, View x, bool whole, Message& message) const;
  void receive_whole(const Key& key, View v, MutView out, Message& message) const;
  void tell_whole(std::size_t dim, Ledger& ledger) const;

  DownlinkPlan plan_;
  std::size_t clients_;
  Wire wire_;
  Vector direction_;  // G of ef21
  Points all_;        // of all clients, if they receive the same message
  std::size_t first_ = 0;
  std::vector<Points> own_;  // of this rank's clients, if each has its own
  Message message_;
};

}  // namespace laconic
