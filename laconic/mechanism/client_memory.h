// SPDX-License-Identifier: Apache-2.0
// What one client remembers for a mechanism, and how its messages move it. The clients of stars
// (rounds/star_clients.h) and those of methods with local steps (rounds/local.h) use the same code.
#pragma once

#include "laconic/core/vec.h"
#include "laconic/mechanism/mechanism.h"

namespace laconic {

struct ClientMemory {
  Vector h;        // the memory, if rates().client is not 0
  Vector e;        // the accumulated error, if accumulates_error()
  Vector numbers;  // of the compressor

  /// All that the mechanism needs, at 0.
  void start(const Mechanism& mechanism, std::size_t dim) {
    if (mechanism.rates().client != 0) h.assign(dim, 0.0);
    if (mechanism.accumulates_error()) e.assign(dim, 0.0);
    numbers.assign(mechanism.keeps(), 0.0);
  }

  /// h as the mechanism reads it for a message about x: with what it takes in of x. That is in the scratch;
  /// h itself does not change.
  [[nodiscard]] View before_message(const Mechanism& mechanism, View x, Vector& scratch) const;

  /// The update after the message about x. The scratch is that of before_message(). `restart`:
  /// Mechanism::restarts of the round.
  void update(const Mechanism& mechanism, const Key& key, const Message& message, View x, Vector& scratch,
              bool restart);
};

}  // namespace laconic
