// SPDX-License-Identifier: Apache-2.0
// What a worker compresses. A mechanism is the map C_{h,y}(x) of the 3PC framework (arXiv 2202.00998): x is
// the worker's gradient now, y its gradient of the round before, h its memory. Mechanisms are rules without
// state; the vectors belong to the driver (rounds/star.h).
#pragma once

#include <memory>

#include "laconic/compress/compressor.h"
#include "laconic/core/coin.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"

namespace laconic {

/// How the memories move when a message m has been heard: the worker's h += worker * m, and the server's
/// shift, the mean of what it remembers of the workers, += server * (mean of m). The server's estimate is
/// shift + mean of m.
///   direct {0, 0};  DIANA {a, a};  EF21 {1, 1};  MARINA {0, 1}
struct Rates {
  double worker = 0;
  double server = 0;
};

class Mechanism {
 public:
  virtual ~Mechanism() = default;

  /// out = what the worker key.worker says in round key.round. h has dim entries, or none where
  /// rates().worker is 0; y has dim entries where uses_previous() and the round is no restart, else none.
  virtual void encode(const Key& key, View h, View y, View x, Message& out) const = 0;

  [[nodiscard]] virtual Rates rates() const = 0;

  /// Whether in this round everyone says the whole gradient and all memories start over from it. The same
  /// answer for every worker: `key` is read through Key::common().
  [[nodiscard]] virtual bool restarts(const Key& /*key*/) const { return false; }
  [[nodiscard]] virtual bool uses_previous() const { return false; }
  /// Bits a round that the server must add to its direction (MARINA's coin).
  [[nodiscard]] virtual unsigned coin_bits() const { return 0; }
};

/// C(x): gd (identity) and dcgd.
std::unique_ptr<Mechanism> direct(std::unique_ptr<Compressor> compressor);

/// C(x - h), h += rate * C(x - h), h = 0 at the start: DIANA with rate alpha_D (arXiv 1901.09269, Algorithm
/// 1).
std::unique_ptr<Mechanism> memory(std::unique_ptr<Compressor> compressor, double rate);

/// x when the coin shows heads, else Q(x - y): MARINA (arXiv 2102.07845, Algorithm 1). `whole` is how the
/// gradient itself is said (identity).
std::unique_ptr<Mechanism> difference(std::unique_ptr<Compressor> compressor,
                                      std::unique_ptr<Compressor> whole, SharedCoin coin);

}  // namespace laconic
