// SPDX-License-Identifier: Apache-2.0
// What a worker compresses. A mechanism is the map C_{h,y}(x) of the 3PC framework (arXiv 2202.00998): x is
// the worker's gradient now, y its gradient of the round before, h its memory. Mechanisms are rules without
// state, made of each other; the vectors belong to the driver (rounds/star.h).
#pragma once

#include <memory>

#include "laconic/compress/compressor.h"
#include "laconic/core/coin.h"
#include "laconic/core/error.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"

namespace laconic {

/// How the memories move when a message m has been heard: the worker's h += worker * m, and the server's
/// shift, the mean of what it remembers of the workers, += server * (mean of m). The server's estimate is
/// shift + mean of m.
///   direct {0, 0};  DIANA {a, a};  EF21 {1, 1};  MARINA {0, 1};  error feedback {-1, 0}
struct Rates {
  double worker = 0;
  double server = 0;
};

/// A vector that the driver keeps for a mechanism, if the mechanism says that it reads it.
class Kept {
 public:
  Kept() = default;                                // not kept
  Kept(View vector) : vector_(vector) {}           // NOLINT(google-explicit-constructor)
  Kept(const Vector& vector) : vector_(vector) {}  // NOLINT(google-explicit-constructor)

  /// Throws std::logic_error where it is not kept.
  operator View() const {  // NOLINT(google-explicit-constructor)
    check(!vector_.empty(), "a mechanism reads h or y, which rates() and uses_previous() do not ask for");
    return vector_;
  }

 private:
  View vector_;
};

class Mechanism {
 public:
  virtual ~Mechanism() = default;

  /// out = what the worker key.worker says in round key.round. h is kept where rates().worker is not 0, y
  /// where uses_previous() and the round is no restart; each then has dim entries, as x has.
  virtual void encode(const Key& key, Kept h, Kept y, View x, Message& out) const = 0;

  [[nodiscard]] virtual Rates rates() const = 0;
  /// a: before it speaks, a worker adds a x to its memory h.
  [[nodiscard]] virtual double takes_in() const { return 0; }

  /// Whether in this round everyone says the whole gradient and all memories start over from it. The same
  /// answer for every worker: `key` is read through Key::common().
  [[nodiscard]] virtual bool restarts(const Key& /*key*/) const { return false; }
  [[nodiscard]] virtual bool uses_previous() const { return false; }
  /// Whether a worker may start its memory over by itself (starts_over(), message/message.h). A server that
  /// knows only the mean of the memories cannot follow: it must keep each of them.
  [[nodiscard]] virtual bool replaces() const { return false; }
  /// Whether the server's estimate is to be the mean of the memories itself, as in EF21: messages are biased,
  /// and no weight makes up for a worker that is absent. Each message then weighs 1/n.
  [[nodiscard]] virtual bool estimates_by_memory() const {
    const auto [worker, server] = rates();
    return worker == 1 && server == 1;
  }
  /// Bits a round that the server must add to its direction (MARINA's coin).
  [[nodiscard]] virtual unsigned coin_bits() const { return 0; }
};

using MechanismPtr = std::unique_ptr<Mechanism>;
using CompressorPtr = std::unique_ptr<Compressor>;

/// C(x): gd (identity) and dcgd.
MechanismPtr direct(CompressorPtr c);

/// h + C(x - h), of which C(x - h) is said and a `rate` of it remembered: DIANA (arXiv 1901.09269, Algorithm
/// 1) with rate alpha_D; EF21 (arXiv 2106.05203) with rate 1 and contractive C.
MechanismPtr memory(CompressorPtr c, double rate);

/// C(h), where h takes in gain x before, and what is said leaves it: error feedback (Seide, Fu, Droppo, Li,
/// Yu 2014; COCO-EF, arXiv 2603.16353). h is in units of a step, so that the step is inside the memory: with
/// a constant one, and C(a x) = a C(x), that is the same.
MechanismPtr feedback(CompressorPtr c, double gain);

/// h + C(x - y), of which C(x - y) is said: MARINA between restarts (arXiv 2102.07845, Algorithm 1).
/// Workers remember nothing but y.
MechanismPtr difference(CompressorPtr c);

/// x, said whole and not as a difference.
MechanismPtr whole(Wire wire);

/// y, said whole, which the paper takes for known to the server: 3PCv1's.
MechanismPtr previous(Wire wire);

/// The inner map where |x - h|^2 > zeta |x - y|^2, else h, for which a flag of one byte is said. LAG of the
/// 3PC paper is lazy(whole), CLAG lazy(memory(C, 1)). zeta >= 0; the inner map has a memory. Two passes over
/// the vectors more.
MechanismPtr lazy(MechanismPtr inner, double zeta);

/// b + C(x - b) with b from the inner map, both of which are said: 3PCv1 (inner map: previous), v2
/// (difference), v3 (any 3PC), v4 (memory). The inner map restarts nothing.
MechanismPtr refined(MechanismPtr inner, CompressorPtr c);

/// x for everyone in round 0, and whenever the coin shows heads; else the inner map. `identity` says the
/// whole gradient. Exact initialisation is p = 0; MARINA is restarting(difference(Q)), 3PCv5
/// restarting(difference(C)).
MechanismPtr restarting(MechanismPtr inner, CompressorPtr identity, SharedCoin coin);

}  // namespace laconic
