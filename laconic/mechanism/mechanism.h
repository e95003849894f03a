// SPDX-License-Identifier: Apache-2.0
// Mechanisms: what a client compresses. A mechanism is the map C_{h,y}(x) of the 3PC framework (arXiv
// 2202.00998): x is the client's current estimate of its gradient, y its estimate of the previous round, h
// its memory. Mechanisms can be composed. They have no state: the driver owns the vectors (rounds/star.h), so
// that checkpoints hold all of them.
#pragma once

#include <memory>

#include "laconic/compress/compressor.h"
#include "laconic/core/coin.h"
#include "laconic/core/error.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"

namespace laconic {

/// How the memories change after a message m: h += client * m at the client, and shift += server * (mean of
/// m) at the server, where shift is the mean of the clients' h. The server's estimate of the gradient is
/// shift
/// + estimate * (mean of m).
///   direct {0, 0};  DIANA {a, a};  EF21 {1, 1};  MARINA {0, 1};  error feedback {-1, 0};  EF-BV {a, a, b}
struct Rates {
  double client = 0;
  double server = 0;
  double estimate = 1;
};

/// A vector that the driver keeps for a mechanism if the mechanism declares that it reads it.
template <class Value>
class KeptOf {
 public:
  KeptOf() = default;                                         // not kept
  KeptOf(ViewOf<Value> vector) : vector_(vector) {}           // NOLINT(google-explicit-constructor)
  KeptOf(const VectorOf<Value>& vector) : vector_(vector) {}  // NOLINT(google-explicit-constructor)

  /// Throws std::logic_error if it is not kept.
  operator ViewOf<Value>() const {  // NOLINT(google-explicit-constructor)
    check(is_kept(), "a mechanism reads h, y or e, or numbers, which it does not ask for");
    return vector_;
  }
  [[nodiscard]] bool is_kept() const { return !vector_.empty(); }

 private:
  ViewOf<Value> vector_;
};

/// What a client remembers when it encodes. h, y and e have dim entries, in the width of the state.
template <class Value>
struct MemoriesOf {
  KeptOf<Value> h = {};         // the memory, if rates().client is not 0
  KeptOf<Value> y = {};         // the previous estimate, if uses_previous() and the round is not a restart
  KeptOf<Value> e = {};         // the accumulated error, if accumulates_error()
  KeptOf<double> numbers = {};  // keeps() numbers of its compressor
};
using Memories = MemoriesOf<double>;
using FloatMemories = MemoriesOf<float>;

class Mechanism {
 public:
  virtual ~Mechanism() = default;

  /// out = the message of client key.client in round key.round. A pure function of its arguments.
  virtual void encode(const Key& key, const Memories& kept, View x, Message& out) const = 0;
  /// The same for a state in floats: the bytes are those for vectors widened to doubles. Override it where
  /// no copies in doubles are needed.
  virtual void encode_floats(const Key& key, const FloatMemories& kept, FloatView x, Message& out) const;

  [[nodiscard]] virtual Rates rates() const = 0;
  /// a and b: before encoding, a client replaces its memory h by b h + a x.
  [[nodiscard]] virtual double takes_in() const { return 0; }
  [[nodiscard]] virtual double decay() const { return 1; }

  /// Whether in this round every client sends its whole gradient and all memories restart from it. The answer
  /// must be the same for all clients: it may use `key` only through Key::common().
  [[nodiscard]] virtual bool restarts(const Key& /*key*/) const { return false; }
  [[nodiscard]] virtual bool uses_previous() const { return false; }
  /// Whether the client keeps e. After a message m, and before h changes, e += x - h - m; a restart sets e to
  /// 0. Needs a memory h.
  [[nodiscard]] virtual bool accumulates_error() const { return false; }
  /// How many numbers the client keeps for the mechanism's compressor (compress/compressor.h).
  [[nodiscard]] virtual std::size_t keeps() const { return 0; }
  /// Updates these numbers once a message counts, unless the round is a restart. A pure function.
  virtual void keep(const Message& /*message*/, MutView /*numbers*/) const {}
  /// Whether a single client may restart its memory (starts_over(), message/message.h). The server must then
  /// keep every client's memory; their mean is not enough.
  [[nodiscard]] virtual bool replaces() const { return false; }
  /// Whether the server's estimate must be the mean of the memories itself, as in EF21. Messages are then
  /// biased, and no weight can compensate for an absent client. Each message has weight 1/n.
  [[nodiscard]] virtual bool estimates_by_memory() const {
    const auto [client, server, estimate] = rates();
    return client == 1 && server == 1 && estimate == 1;
  }
  /// Bits per round that the server must add to its broadcast direction (MARINA's coin).
  [[nodiscard]] virtual unsigned coin_bits() const { return 0; }
};

using MechanismPtr = std::unique_ptr<Mechanism>;
using CompressorPtr = std::unique_ptr<Compressor>;

/// C(x): gd (identity) and dcgd.
MechanismPtr direct(CompressorPtr c);

/// h + C(x - h). The message is C(x - h), and `rate` times it is added to the memory: DIANA (arXiv
/// 1901.09269, Algorithm 1) with rate alpha_D; EF21 (arXiv 2106.05203) with rate 1 and contractive C.
MechanismPtr memory(CompressorPtr c, double rate);

/// The same with a weight of its own for the server's estimate: EF-BV (arXiv 2205.04180), with the rate
/// lambda of the memories and the weight nu.
MechanismPtr weighted_memory(CompressorPtr c, double rate, double weight);

/// C(x - h + share e), where e is the accumulated error: EControl (arXiv 2311.05645).
MechanismPtr error_control(CompressorPtr c, double share);

/// h + C(x - y - a (h - y)): DASHA (arXiv 2202.01268, Algorithm 1) with an unbiased C and the momentum 0 <= a
/// <= 1.
MechanismPtr drifting_difference(CompressorPtr c, double a);

/// The inner map, but an empty message in round 0, so that memories of 0 start to move in round 1 only.
MechanismPtr silent_at_start(MechanismPtr inner);

/// C(h), where gain x is added to h before, and the message is subtracted from h: error feedback (Seide, Fu,
/// Droppo, Li, Yu 2014; COCO-EF, arXiv 2603.16353). h is in units of a step, so the memory includes the step
/// size. For a constant step size, and C(a x) = a C(x), that makes no difference. Before x is added, h is
/// multiplied by `decay`, 0 <= decay <= 1 (SparseLoCo, arXiv 2508.15706; DeMo, arXiv 2411.19870).
MechanismPtr feedback(CompressorPtr c, double gain, double decay = 1);

/// h + C(x - y). The message is C(x - y): MARINA between restarts (arXiv 2102.07845, Algorithm 1). Clients
/// keep only y.
MechanismPtr difference(CompressorPtr c);

/// x, sent whole and not as a difference.
MechanismPtr whole(Wire wire);

/// y, sent whole; the paper assumes that the server knows it: the inner map of 3PCv1.
MechanismPtr previous(Wire wire);

/// The inner map if |x - h|^2 > zeta |x - y|^2, else h, for which the message is a flag of one byte. LAG of
/// the 3PC paper is lazy(whole), CLAG lazy(memory(C, 1)). zeta >= 0; the inner map must have a memory. Costs
/// two additional passes over the vectors.
MechanismPtr lazy(MechanismPtr inner, double zeta);

/// b + C(x - b), where b is the result of the inner map. Both messages are sent: 3PCv1 (inner map: previous),
/// v2 (difference), v3 (any 3PC), v4 (memory). The inner map must not restart memories. Neither part may
/// keep numbers.
MechanismPtr refined(MechanismPtr inner, CompressorPtr c);

/// x for all clients in round 0 and whenever the coin shows heads; otherwise the inner map. `identity`
/// encodes the whole gradient. Exact initialisation is p = 0; MARINA is restarting(difference(Q)), 3PCv5
/// restarting(difference(C)).
MechanismPtr restarting(MechanismPtr inner, CompressorPtr identity, SharedCoin coin);

}  // namespace laconic
