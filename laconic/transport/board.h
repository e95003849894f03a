// SPDX-License-Identifier: Apache-2.0
// What is said in a round, one entry a message. Every rank has the whole board; a worker's message itself,
// and the vector behind it, are only on the rank that owns the worker (and, where nodes talk to neighbours,
// the message on the ranks of those who hear it).
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

/// What all ranks know of a message without having it. The owner's until Fleet::share().
struct Envelope {
  std::uint64_t bytes = 0;      // of the message
  std::uint8_t first_byte = 0;  // of the message: its format
  bool finite = true;           // false: the worker's gradient is not finite, and it says nothing
  double floats = 0;            // counted_floats of the message
  std::uint64_t calls = 0;      // single-sample gradients behind it
  Measured measured = {};       // at the worker, where the method measures

  /// Sets bytes, first_byte and floats.
  void describe(const Message& message, std::size_t dim);

  /// On the wire: the members in this order, numbers little-endian.
  static constexpr std::size_t kBytes = 8 + 1 + 1 + 8 + 8 + 8 + 8;
  void store(std::uint8_t* to) const;
  static Envelope load(const std::uint8_t* from);
};

struct Entry {
  Key key;            // key.worker speaks
  double weight = 0;  // and is counted so
  Envelope envelope;
  Message message;  // the owner's
  View vector;      // the owner's: what fold_vectors() adds; not kept by the board
};

/// Entries in ascending order of workers. Their buffers are used again from round to round.
class Board {
 public:
  /// For a run of so many workers.
  explicit Board(std::size_t workers) : workers_(workers) {}

  [[nodiscard]] std::size_t workers() const { return workers_; }

  void clear() { size_ = 0; }
  void add(const Key& key, double weight) {
    check(key.worker < workers_, "a message of a worker that does not exist");
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
  std::size_t workers_;
  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace laconic
