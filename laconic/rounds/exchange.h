// SPDX-License-Identifier: Apache-2.0
// The exchange of a star method without a problem and without a fleet: the caller computes gradients, and
// carries the messages between the processes. Each process has both sides: its client's, and a copy of the
// server. A round is
//   send(g, m)          the client's message about its gradient g; the caller brings it to all processes
//   receive(i, m_i)     for i = 0 .. n-1
//   finish(out)         the server's estimate of (1/n) sum g_i, the same bits on all processes
// With a state in doubles it computes what the rounds of a run compute (rounds/star.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "laconic/core/parallel.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"
#include "laconic/rounds/client_side.h"
#include "laconic/rounds/server.h"

namespace laconic {

/// Value is the width of the state: double, or float, where each new entry is computed in doubles and rounded
/// once. Memory: a ClientSide and a Server. For one thread at a time.
template <class Value>
class Exchange {
 public:
  /// For client `own` of 0 .. clients-1, with vectors of length `dim`. Draws are a function of the seed, the
  /// round and the client. The plan must not look_back().
  Exchange(const ClientPlan& plan, std::size_t dim, std::size_t clients, std::uint32_t own,
           std::uint64_t seed);

  [[nodiscard]] std::size_t dim() const { return dim_; }
  [[nodiscard]] std::size_t clients() const { return clients_; }
  [[nodiscard]] std::uint32_t own() const { return own_; }
  /// The round that is open, or comes next; 0 at first.
  [[nodiscard]] std::uint32_t round() const { return round_; }
  /// The checksum (CRC-32) of all messages received so far. Processes that have the same server state have
  /// the same checksum.
  [[nodiscard]] std::uint32_t checksum() const { return checksum_; }

  /// out = the message about the gradient g, of length dim; the client's state moves on. Once a round. Throws
  /// InputError if g is not finite; nothing has then changed.
  void send(ViewOf<Value> g, Message& out);
  /// Adds the message of a client. In ascending order of all clients, the own one included. Throws RunError if
  /// it is not a message of dim values: the exchange is then of no use until restored.
  void receive(std::uint32_t client, const Message& message);
  /// out = the estimate, of length dim, from the messages of all clients. The next round comes next.
  void finish(MutViewOf<Value> out);

  /// All that it keeps between rounds, to be read or restored: the vectors of the client, those of the server,
  /// and the numbers of the client's compressor. Throws InputError inside a round.
  struct State {
    std::vector<MutViewOf<Value>> client;
    std::vector<MutViewOf<Value>> server;
    MutView numbers;
  };
  [[nodiscard]] State state();
  /// Continues with this round. The caller has written the vectors of state().
  void resume(std::uint32_t round, std::uint32_t checksum);

 private:
  [[nodiscard]] Key key() const { return {seed_, round_, own_}; }
  void require_use() const;

  ClientPlan plan_;
  std::size_t dim_;
  std::size_t clients_;
  std::uint32_t own_;
  std::uint64_t seed_;
  ClientSide<Value> client_;
  std::unique_ptr<Server<Value>> server_;
  ThreadPool pool_{1};
  std::uint32_t round_ = 0;
  std::uint32_t checksum_ = 0;
  std::uint32_t next_ = 0;  // the client from which the server receives next
  bool has_sent_ = false;
  bool is_broken_ = false;  // a call failed half-way
};

}  // namespace laconic
