// SPDX-License-Identifier: Apache-2.0
// The costs of communication so far, counted from the encoded messages; and for the last round, the messages
// of each client, for a clock (cost/clock.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "laconic/transport/board.h"

namespace laconic {

/// Sums over all clients and rounds since the start; reports divide them by the number of clients.
struct Totals {
  double uplink_floats = 0;        // values as the papers count them
  std::uint64_t uplink_bits = 0;   // bits of the encoded messages
  double downlink_bits = 0;        // mean per client
  double downlink_floats = 0;      // values that the server sent, mean per client
  std::uint64_t oracle_calls = 0;  // single-sample gradients
  std::size_t participants = 0;    // messages of the last round
  std::size_t unheard_rounds = 0;  // rounds in which the server could use no message
  std::uint64_t late_bits = 0;     // of messages that arrived too late, in real time; not in uplink_bits
  std::size_t gone = 0;            // clients of processes that have died
};

/// A turn of communication. Either the server sends a message, if it has one, and then each client sends when
/// it has computed; or clients send to each other. A client may appear several times.
struct Turn {
  struct Client {
    std::uint32_t number = 0;
    std::uint64_t calls = 0;  // single-sample gradients
    double bits_out = 0;      // sent
    double bits_in = 0;       // received from other clients
  };
  std::vector<Client> clients;
  double bits_of_server = 0;  // sent to each client
  bool server_speaks = false;
  bool among_clients = false;
};

/// The totals, and the turns of the last round. Stores one Turn::Client for each message or computation.
struct Ledger : Totals {
  std::vector<Turn> turns;  // of the last round

  void open_round() {
    participants = 0;
    turns.resize(1);
    std::vector<Turn::Client> clients = std::move(turns[0].clients);  // reuses the allocation
    clients.clear();
    turns[0] = {.clients = std::move(clients)};
  }

  /// Counts messages of the server: bits and values, means per client. Opens a new turn if a client has sent
  /// a message in the current one.
  void tell(double bits, double floats) {
    if (!turns.back().clients.empty()) turns.emplace_back();
    turns.back().server_speaks = true;
    turns.back().bits_of_server += bits;
    downlink_bits += bits;
    downlink_floats += floats;
  }

  /// Counts a message of a client to the server.
  void hear(const Entry& entry) {
    uplink_floats += entry.envelope.floats;
    uplink_bits += 8 * entry.envelope.bytes;
    ++participants;
    compute(entry.key.client, entry.envelope.calls);
    turns.back().clients.back().bits_out = static_cast<double>(8 * entry.envelope.bytes);
  }

  /// Counts gradients of a client, without a message.
  void compute(std::uint32_t client, std::uint64_t calls) {
    oracle_calls += calls;
    turns.back().clients.push_back({.number = client, .calls = calls});
  }
};

}  // namespace laconic
