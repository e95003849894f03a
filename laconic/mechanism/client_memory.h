// SPDX-License-Identifier: Apache-2.0
// What one client remembers for a mechanism, and its messages, which move it. The clients of stars
// (rounds/client_side.h) and those of methods with local steps (rounds/local.h) use the same code.
#pragma once

#include "laconic/core/vec.h"
#include "laconic/mechanism/mechanism.h"

namespace laconic {

/// Value is the width of h and e: double, or float, where each new entry is computed in doubles and rounded
/// once.
template <class Value>
struct ClientMemory {
  VectorOf<Value> h;  // the memory, if rates().client is not 0
  VectorOf<Value> e;  // the accumulated error, if accumulates_error()
  Vector numbers;     // of the compressor

  /// All that the mechanism needs, at 0.
  void start(const Mechanism& mechanism, std::size_t dim);

  /// out = the message about x, and the memory moves as if the server has used it. y: the previous estimate,
  /// if uses_previous() and the round is not a restart. `restart`: Mechanism::restarts of the round. `twice`:
  /// encodes a second time, and throws std::logic_error if the bytes differ: state that the mechanism or its
  /// compressor hides would be lost in a checkpoint.
  void say(const Mechanism& mechanism, const Key& key, ViewOf<Value> x, KeptOf<Value> y, bool restart,
           Message& out, bool twice = false);

 private:
  void take_in(const Mechanism& mechanism, ViewOf<Value> x);
  void move(const Mechanism& mechanism, const Key& key, ViewOf<Value> x, bool restart,
            const Message& message);
};

}  // namespace laconic
