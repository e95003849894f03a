// SPDX-License-Identifier: Apache-2.0
// The workers of a run as one process sees them: which ones it owns, the threads that share those, the
// transport to the ranks that own the rest, and the fold, in which what all of them said becomes one
// vector, the same on every rank.
//
// Calls marked collective are made by every rank, in the same order, with the same boards.
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
  /// One process owns all workers. The pool must outlive the fleet.
  explicit Fleet(ThreadPool& pool);
  /// Workers are dealt to the ranks in blocks. Collective. Pool and transport must outlive the fleet.
  Fleet(ThreadPool& pool, Transport& transport);

  [[nodiscard]] ThreadPool& pool() { return pool_; }
  [[nodiscard]] Transport& transport() { return transport_; }

  /// Those of 0 .. workers-1 that this rank owns; none on some ranks where there are more ranks than workers.
  [[nodiscard]] Range owned(std::size_t workers) const {
    return block_of(workers, transport_.rank(), transport_.size());
  }

  /// The entries of the board that this rank owns: they are consecutive.
  [[nodiscard]] Range owned(const Board& board) const { return owned_by(transport_.rank(), board); }

  /// body(i) for each i of the range, on any thread, in any order; returns when all are done.
  template <class Body>
  void for_each(Range range, Body&& body) {
    pool_.for_each(range.size(), [&](std::size_t offset) { body(range.begin + offset); });
  }

  /// How many entries of a round may stand on a board at once when each holds `dim` doubles: enough to keep
  /// all threads of all ranks busy, few enough that dense vectors of many workers never stand in memory
  /// together: 32 MiB of them a rank, and 4096 entries, and as many times that on one rank as there are
  /// ranks, where a window falls into the block of one. Equal on all ranks.
  [[nodiscard]] std::size_t window(std::size_t entries, std::size_t dim) const {
    constexpr std::size_t kDoubles = std::size_t{1} << 22;
    constexpr std::size_t kEntries = 4096;
    const std::size_t affordable =
        transport_.size() * std::min(kEntries, kDoubles / std::max<std::size_t>(dim, 1));
    return std::clamp(affordable, threads_, std::max(entries, threads_));
  }

  /// Tells everyone the envelopes of the board, which owners have filled. Collective; Envelope::kBytes an
  /// entry from its owner to each other rank.
  void share(Board& board);

  /// acc += weight * the vector each message says, in ascending order of entries: the only sum over workers
  /// there is, and the same bits on any number of ranks and threads. Signs that are counted (sum.h) are added
  /// when the caller has folded all boards of the sum and settles. acc holds the same on all ranks, before
  /// and after; the envelopes are shared and all finite. Collective. Moves the fewest bytes over the busiest
  /// link, with m_r bytes of messages on rank r of P, either
  ///   whole messages to every rank, which each folds for itself: (P-1) m_r out, the m of the others in; or,
  ///   where all messages are dense, a slice of the coordinates to each rank, which folds it and tells all:
  ///   about (P-1)/P (m_r + 8 dim) out and in, as a ring all-reduce of f64 does with a message a rank.
  void fold(Board& board, SignCount& counted, MutView acc);
  /// A sum of one board.
  void fold(Board& board, MutView acc) {
    SignCount counted;
    fold(board, counted, acc);
    settle(counted, acc);
  }
  /// acc += what was counted.
  void settle(SignCount& counted, MutView acc) { counted.settle(pool_, acc); }

  /// read(entry, message) for each entry in ascending order, on every rank, whoever wrote the message.
  /// Collective. Moves whole messages to every rank.
  template <class Read>
  void for_each_message(Board& board, Read&& read) {
    gather_messages(board);
    for_each_gathered(board, [&](const Entry& entry, ByteView bytes) {
      if (bytes.data() == entry.message.bytes.data()) return read(entry, entry.message);
      received_.bytes.assign(bytes.begin(), bytes.end());
      read(entry, received_);
    });
  }

  /// The same with entry.vector, not rounded, in place of the messages. Overwrites the messages, and what the
  /// envelopes say of them. Collective; nothing is copied where there is one rank.
  void fold_vectors(Board& board, MutView acc);

  /// Gives every message to those who hear its worker: then board[e].message is there where e is of a node in
  /// a row of `mixing` that belongs to a node of this rank. On every rank the envelopes say how long the
  /// messages are: of dense ones that is known, others are share()d first. Collective. Point to point: a
  /// message goes once to each rank that owns a node which hears it; nothing else moves.
  void exchange(const Mixing& mixing, Board& board);

  /// Asks every worker in ascending order, a window at a time: tell(i, v) for those that this rank owns, on
  /// any thread, where v has dim entries and is overwritten; then hear(board), where entry i has weight
  /// 1/workers, what tell returned as envelope.measured, and on its owner v as vector. Collective.
  void ask_all(std::size_t workers, std::size_t dim,
               const std::function<Measured(std::size_t worker, MutView v)>& tell,
               const std::function<void(Board& board)>& hear);

  Vector numbers(std::size_t shards, const std::function<double(std::size_t i)>& of_shard) override;
  void mean(std::size_t shards, const std::function<void(std::size_t i, MutView v)>& of_shard,
            MutView out) override;
  void vectors(const std::vector<std::size_t>& length,
               const std::function<void(std::size_t i, MutView v)>& of_shard,
               const std::function<void(std::size_t i, View v)>& hear) override;

  /// Rank 0's answer, on every rank. Collective.
  bool answer_of_first(bool answer);

  /// Returns when every rank has called it. Collective.
  void wait_for_all() { answer_of_first(true); }

 private:
  [[nodiscard]] Range owned_by(std::size_t rank, const Board& board) const;
  [[nodiscard]] bool slicing_moves_less(const Board& board, std::size_t dim) const;
  /// incoming_[r]: the messages of rank r, one after another.
  void gather_messages(Board& board);
  /// read(entry, bytes of its message) for each entry in ascending order.
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
  /// said(e) for the entries of nodes that rank `from` owns and a node of rank `to` hears, in ascending
  /// order.
  template <class Said>
  void for_each_heard(const Mixing& mixing, const Board& board, std::size_t from, std::size_t to,
                      Said&& said);

  ThreadPool& pool_;
  std::unique_ptr<Transport> alone_;  // where no transport was given
  Transport& transport_;
  std::size_t threads_;  // of all ranks

  // Of the fold in hand, by rank, and kept so that a round does not allocate.
  std::vector<std::vector<std::uint8_t>> outgoing_, incoming_;
  std::vector<ByteView> to_;
  std::vector<MutByteView> from_;
  Message received_;
  std::vector<Addend> addends_;
  std::vector<char> heard_;  // by node, of one rank
};

}  // namespace laconic
