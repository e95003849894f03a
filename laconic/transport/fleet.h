// SPDX-License-Identifier: Apache-2.0
// The clients of a run as one process sees them: which clients it owns, the threads that share them, the
// transport to the ranks that own the others, and the fold, which sums messages into one vector that is the
// same on every rank.
//
// Every rank must make the calls marked collective, in the same order, with the same boards.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "laconic/core/parallel.h"
#include "laconic/core/range.h"
#include "laconic/core/vec.h"
#include "laconic/message/sum.h"
#include "laconic/problem/all_shards.h"
#include "laconic/topology/mixing.h"
#include "laconic/transport/board.h"
#include "laconic/transport/transport.h"

namespace laconic {

class Fleet final : public AllShards {
 public:
  /// One process owns all clients. The pool must outlive the fleet.
  explicit Fleet(ThreadPool& pool);
  /// The clients are divided into blocks, one per rank. Collective. Pool and transport must outlive the
  /// fleet.
  Fleet(ThreadPool& pool, Transport& transport);

  [[nodiscard]] ThreadPool& pool() { return pool_; }
  [[nodiscard]] Transport& transport() { return transport_; }

  /// The clients that this rank owns, of all of them. Some ranks own none if there are more ranks than
  /// clients.
  [[nodiscard]] Range owned(std::size_t clients) const {
    return block_of(clients, transport_.rank(), transport_.size());
  }

  /// The entries of the board that this rank owns; they are consecutive.
  [[nodiscard]] Range owned(const Board& board) const { return owned_by(transport_.rank(), board); }

  /// Calls body(i) for each i of the range, on any thread, in any order, and returns when all calls have
  /// returned.
  template <class Body>
  void for_each(Range range, Body&& body) {
    pool_.for_each(range.size(), [&](std::size_t offset) { body(range.begin + offset); });
  }

  /// The number of entries of a round that may be on a board at once if each holds `dim` doubles. It keeps
  /// all threads of all ranks busy, and it limits the dense vectors in memory: 32 MiB and 4096 entries for
  /// each rank on average. If a window falls into the block of a single rank, that rank holds that amount
  /// times the number of ranks. Equal on all ranks.
  [[nodiscard]] std::size_t window(std::size_t entries, std::size_t dim) const {
    constexpr std::size_t kDoubles = std::size_t{1} << 22;
    constexpr std::size_t kEntries = 4096;
    const std::size_t affordable =
        transport_.size() * std::min(kEntries, kDoubles / std::max<std::size_t>(dim, 1));
    return std::clamp(affordable, threads_, std::max(entries, threads_));
  }

  /// Sends the envelopes of the board, which their owners have filled, to all ranks. Collective. Each entry
  /// costs Envelope::kBytes from its owner to each other rank.
  void share(Board& board);

  /// acc += weight * the vector of each message, in ascending order of entries. The bits are the same for any
  /// number of ranks and threads. Servers sum with this function. Nodes without a server (exchange()) and
  /// servers that keep each memory (for_each_message()) add in the same order. Counted signs (sum.h) are
  /// added when the caller has folded all boards of the sum and calls settle(). acc must be the same on all
  /// ranks, and is again afterwards; the envelopes must be shared and all finite. Collective. With m_r bytes
  /// of messages on rank r of P, it uses the method that moves the fewest bytes over the busiest link:
  ///   whole messages to every rank, which folds them itself: (P-1) m_r out, the m of the other ranks in; or,
  ///   if all messages are dense, a slice of the coordinates to each rank, which folds it and sends the
  ///     result to all: about (P-1)/P (m_r + 8 dim) out and in, like a ring all-reduce of f64 with one
  ///     message per rank.
  void fold(Board& board, SignCount& counted, MutView acc);
  /// The sum of one board.
  void fold(Board& board, MutView acc) {
    SignCount counted;
    fold(board, counted, acc);
    settle(counted, acc);
  }
  /// acc += the counted signs.
  void settle(SignCount& counted, MutView acc) { counted.settle(pool_, acc); }

  /// Calls read(entry, message) for each entry in ascending order, on every rank and for messages of all
  /// ranks. Collective. Moves whole messages to every rank.
  template <class Read>
  void for_each_message(Board& board, Read&& read) {
    gather_messages(board);
    for_each_gathered(board, [&](const Entry& entry, ByteView bytes) {
      if (bytes.data() == entry.message.bytes.data()) return read(entry, entry.message);
      received_.bytes.assign(bytes.begin(), bytes.end());
      read(entry, received_);
    });
  }

  /// fold() with entry.vector, not rounded, instead of the messages. Overwrites the messages and their
  /// description in the envelopes. Collective. With one rank nothing is copied.
  void fold_vectors(Board& board, MutView acc);

  /// Sends every message to the receivers of its node. Afterwards board[e].message is present if a node of
  /// this rank has the node of e in its row of `mixing`. On every rank the envelopes must have the lengths of
  /// the messages: those of dense ones are known, others need share() first. Collective. Point to point: a
  /// message is sent once to each rank that owns a receiver, and nothing else is sent.
  void exchange(const Mixing& mixing, Board& board);

  /// Computes a vector for every client in ascending order, one window at a time. Calls tell(i, v) for the
  /// clients that this rank owns, on any thread; it must overwrite the dim entries of v. Then calls
  /// hear(board), where entry i has weight 1/clients, the result of tell as envelope.measured, and on its
  /// owner v as vector. Collective.
  void ask_all(std::size_t clients, std::size_t dim,
               const std::function<Measured(std::size_t client, MutView v)>& tell,
               const std::function<void(Board& board)>& hear);

  Vector numbers(std::size_t shards, const std::function<double(std::size_t i)>& of_shard) override;
  void mean(std::size_t shards, const std::function<void(std::size_t i, MutView v)>& of_shard,
            MutView out) override;
  void vectors(const std::vector<std::size_t>& length,
               const std::function<void(std::size_t i, MutView v)>& of_shard,
               const std::function<void(std::size_t i, View v)>& hear) override;

  /// Returns rank 0's `answer` on every rank. Collective.
  bool answer_of_first(bool answer);

  /// Returns when every rank has called it. Collective.
  void wait_for_all() { answer_of_first(true); }

 private:
  [[nodiscard]] Range owned_by(std::size_t rank, const Board& board) const;
  [[nodiscard]] bool slicing_moves_less(const Board& board, std::size_t dim) const;
  /// incoming_[r] = the messages of rank r, concatenated.
  void gather_messages(Board& board);
  /// Calls read(entry, bytes of its message) for each entry in ascending order.
  template <class Read>
  void for_each_gathered(const Board& board, Read&& read) const {
    for (std::size_t r = 0; r < transport_.size(); ++r) {
      const Range theirs = owned_by(r, board);
      const std::uint8_t* at = r == transport_.rank() ? nullptr : incoming_[r].data();
      for (std::size_t e = theirs.begin; e < theirs.end; ++e) {
        if (at == nullptr) {
          read(board[e], ByteView(board[e].message.bytes));
          continue;
        }
        read(board[e], ByteView(at, board[e].envelope.bytes));
        at += board[e].envelope.bytes;
      }
    }
  }
  void fold_slices(Board& board, MutView acc);
  /// Calls said(e), in ascending order, for the entries of nodes that rank `from` owns and from which a node
  /// of rank `to` receives.
  template <class Said>
  void for_each_heard(const Mixing& mixing, const Board& board, std::size_t from, std::size_t to,
                      Said&& said);

  ThreadPool& pool_;
  std::unique_ptr<Transport> alone_;  // used if no transport was given
  Transport& transport_;
  std::size_t threads_;  // on all ranks

  // Buffers of the current fold, by rank, reused so that a round does not allocate.
  std::vector<std::vector<std::uint8_t>> outgoing_, incoming_;
  std::vector<ByteView> to_;
  std::vector<MutByteView> from_;
  Message received_;
  std::vector<Addend> addends_;
  std::vector<char> heard_;  // by node, for one rank
};

}  // namespace laconic
