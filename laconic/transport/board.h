// SPDX-License-Identifier: Apache-2.0
// The messages of a round, one entry each. Every rank has the whole board. A client's message itself, and the
// vector behind it, are only on the rank that owns the client. In decentralised methods the message is also
// on the ranks that own a receiver of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"
#include "laconic/problem/problem.h"

namespace laconic {

/// What all ranks know of a message without having it. Only the owner has it before Fleet::share().
struct Envelope {
  std::uint64_t bytes = 0;      // of the message
  std::uint8_t first_byte = 0;  // of the message: its format
  bool finite = true;           // false: the client's gradient is not finite, and it sends no message
  double floats = 0;            // counted_floats of the message
  std::uint64_t calls = 0;      // single-sample gradients computed for it
  Measured measured = {};       // by the client, if the method measures

  /// Sets bytes, first_byte and floats.
  void describe(const Message& message, std::size_t dim);

  /// On the wire: the members in this order, in little-endian.
  static constexpr std::size_t kBytes = 8 + 1 + 1 + 8 + 8 + 8 + 8;
  void store(std::uint8_t* to) const;
  static Envelope load(const std::uint8_t* from);
};

struct Entry {
  Key key;            // key.client is the sender
  double weight = 0;  // in the sum
  Envelope envelope;
  Message message;  // only on the owner
  View vector;      // only on the owner: input of fold_vectors(); the board does not own the memory
};

/// Entries in ascending order of clients. Their buffers are reused in later rounds.
class Board {
 public:
  /// For a run of `clients` clients.
  explicit Board(std::size_t clients) : clients_(clients) {}

  [[nodiscard]] std::size_t clients() const { return clients_; }

  void clear() { size_ = 0; }
  void add(const Key& key, double weight) {
    check(key.client < clients_, "a message of a client that does not exist");
    if (size_ == entries_.size()) entries_.emplace_back();
    Entry& entry = entries_[size_++];
    entry.key = key;
    entry.weight = weight;
    entry.envelope = {};
    entry.vector = {};
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  Entry& operator[](std::size_t i) { return entries_[i]; }
  const Entry& operator[](std::size_t i) const { return entries_[i]; }

 private:
  std::size_t clients_;
  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace laconic
