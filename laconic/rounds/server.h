// SPDX-License-Identifier: Apache-2.0
// The server's side of a star: makes one estimate of the gradient of the messages of a round. The server of a
// run (rounds/star_server.h) has one, and so has an Exchange (rounds/exchange.h).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "laconic/core/parallel.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/mechanism/mechanism.h"
#include "laconic/message/message.h"
#include "laconic/message/sign_count.h"
#include "laconic/participation/aggregator.h"
#include "laconic/participation/attack.h"

namespace laconic {

/// The estimate g, with vectors of the width of Value: double, or float, where each new entry is computed in
/// doubles and rounded once. A round is open(), hear() for its messages in ascending order of clients, and
/// close(). All processes compute the same.
template <class Value>
class Server {
 public:
  virtual ~Server() = default;

  /// `restart`: all memories start over from the messages of this round.
  virtual void open(bool restart) = 0;
  /// Adds the message of the client key.client.
  virtual void hear(ThreadPool& pool, const Key& key, double weight, const Message& message) = 0;
  /// A sum to which Fleet::fold may add all messages, instead of hear(); unset if the estimate is no sum.
  struct Sum {
    SignCount& counted;
    MutView acc;
  };
  [[nodiscard]] virtual std::optional<Sum> sum() { return {}; }
  /// Makes the estimate. `heard` is 1, except where weights compensate for absent clients: such weights apply
  /// to the estimate, but not to the memories.
  virtual void close(ThreadPool& pool, const Key& round, double heard) = 0;

  [[nodiscard]] ViewOf<Value> estimate() const { return estimate_; }
  /// Replaces the sum of votes of each coordinate by the sign of the majority; ties become 1.
  void take_majority() {
    for (Value& g : estimate_) g = g < 0 ? Value{-1} : Value{1};
  }

  /// The state between rounds, to be read or restored. The estimate is the first.
  [[nodiscard]] virtual std::vector<MutViewOf<Value>> memory() = 0;

 protected:
  explicit Server(std::size_t dim) : estimate_(dim, 0) {}
  VectorOf<Value> estimate_;
};

/// Adds the messages up. Holds g and, if messages are differences from memories of the clients, the shift:
/// the mean of these memories. With d = sum of weight * message over a round:
///   restart: g = shift = d;     otherwise: g = shift + rates.estimate * d, shift += rates.server * heard * d
/// Needs two vectors; one if rates.server is 0 (no shift), or if rates.server and rates.estimate are 1 and
/// heard is always 1, as `all_heard` says (the shift equals the estimate).
template <class Value>
std::unique_ptr<Server<Value>> summing_server(std::size_t dim, const Rates& rates, bool all_heard);

/// How the vectors of the clients become the estimate.
struct Aggregation {
  std::shared_ptr<const Aggregator> rule = {};  // unset: the mean
  std::shared_ptr<const Attack> attack = {};    // unset: no client lies
  bool senders = false;  // each coordinate: the mean over the clients that sent it. No rule and no attack
};

/// g = the mean of each coordinate over the messages that have it (rounds/senders_mean.h), whatever they
/// weigh. For mechanisms of which the server keeps no memory.
std::unique_ptr<Server<double>> senders_server(std::size_t dim);

/// Keeps the memory h_i of each client, for mechanisms in which a client replaces its memory by itself
/// (Mechanism::replaces()), and wherever a rule needs the vector of each client. From the message m_i,
///   v_i = h_i + rates.estimate * m_i, h_i += rates.server * m_i;    after a restart v_i = h_i = m_i
/// If clients have no memory that the server shares, v_i = g + m_i (MARINA: rates.server is 1) or v_i = m_i.
/// A client without a message has v_i = h_i, or v_i = g (MARINA), or its v_i of its last message, 0 at the
/// start. Then liars replace their v_i, and g = rule(v_1, .., v_n). Weights of messages are ignored. Needs n
/// vectors; n more if clients have memories and v_i differs from h_i after the round (DIANA, EF-BV); those of
/// the rule; and one for each liar. Each rank holds all of them. In floats: neither a rule nor an attack.
template <class Value>
std::unique_ptr<Server<Value>> remembering_server(std::size_t dim, const Rates& rates, std::size_t clients,
                                                  const Aggregation& aggregation);

}  // namespace laconic
