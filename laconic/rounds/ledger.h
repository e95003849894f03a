// SPDX-License-Identifier: Apache-2.0
// What was said so far, counted from the messages as they were built.
#pragma once

#include <cstddef>
#include <cstdint>

#include "laconic/transport/board.h"

namespace laconic {

/// Totals over all clients and rounds since the start; report as means per client.
struct Ledger {
  double uplink_floats = 0;        // values as the papers count them
  std::uint64_t uplink_bits = 0;   // bits of the encoded messages
  double downlink_bits = 0;        // of one client: what the server says is the same for all
  std::uint64_t oracle_calls = 0;  // single-sample gradients
  std::size_t participants = 0;    // messages of the last round

  void open_round() { participants = 0; }

  void hear(const Envelope& envelope) {
    uplink_floats += envelope.floats;
    uplink_bits += 8 * envelope.bytes;
    oracle_calls += envelope.calls;
    ++participants;
  }
};

}  // namespace laconic
