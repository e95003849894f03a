// SPDX-License-Identifier: Apache-2.0
// What was said so far, counted from the messages as they were built; and of the last round who said what,
// for a clock (cost/clock.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "laconic/transport/board.h"

namespace laconic {

/// Over all clients and rounds since the start; report as means per client.
struct Totals {
  double uplink_floats = 0;        // values as the papers count them
  std::uint64_t uplink_bits = 0;   // bits of the encoded messages
  double downlink_bits = 0;        // of one client: what the server says is the same for all
  std::uint64_t oracle_calls = 0;  // single-sample gradients
  std::size_t participants = 0;    // messages of the last round
  std::size_t unheard_rounds = 0;  // rounds of which the server could use no message, as all came too late
  std::uint64_t late_bits =
      0;                 // of messages that came and did not count, by a real clock; not in uplink_bits
  std::size_t gone = 0;  // clients whose process has died
};

/// A turn of talking: the server, if it has anything to say, then the clients, each when it has computed; or
/// clients among themselves. One of them may be in it several times.
struct Turn {
  struct Client {
    std::uint32_t number = 0;
    std::uint64_t calls = 0;  // single-sample gradients
    double bits_out = 0;      // that it says
    double bits_in = 0;       // that it hears from other clients
  };
  std::vector<Client> clients;
  double bits_of_server = 0;  // to each client
  bool server_speaks = false;
  bool among_clients = false;
};

/// Costs, besides the messages, a Turn::Client each.
struct Ledger : Totals {
  std::vector<Turn> turns;  // of the last round

  void open_round() {
    participants = 0;
    turns.resize(1);
    std::vector<Turn::Client> clients = std::move(turns[0].clients);  // with its memory
    clients.clear();
    turns[0] = {.clients = std::move(clients)};
  }

  /// The server, to every client. Whoever it has heard before that was in an earlier turn.
  void tell(double bits) {
    if (!turns.back().clients.empty()) turns.emplace_back();
    turns.back().server_speaks = true;
    turns.back().bits_of_server += bits;
    downlink_bits += bits;
  }

  /// A client, to the server.
  void hear(const Entry& entry) {
    uplink_floats += entry.envelope.floats;
    uplink_bits += 8 * entry.envelope.bytes;
    ++participants;
    compute(entry.key.worker, entry.envelope.calls);
    turns.back().clients.back().bits_out = static_cast<double>(8 * entry.envelope.bytes);
  }

  /// A client, to itself.
  void compute(std::uint32_t client, std::uint64_t calls) {
    oracle_calls += calls;
    turns.back().clients.push_back({.number = client, .calls = calls});
  }
};

}  // namespace laconic
