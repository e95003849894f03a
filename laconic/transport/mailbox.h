// SPDX-License-Identifier: Apache-2.0
// Letters: asynchronous messages between processes that do not wait for each other. A server and its clients
// use them when a real clock decides which answers count (served/served.h). transport.h is for synchronous
// processes.
//
// A mailbox has two sides. One thread computes, posts letters and takes them. The carrier, a transport, moves
// them to the mailboxes of the other ranks, on the thread that calls Transport::correspond(). So letters move
// and a rank sends signs of life while it computes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "laconic/transport/traffic.h"

namespace laconic {

/// Shared by all receivers of the same content.
using Letter = std::shared_ptr<const std::vector<std::uint8_t>>;

class Mailbox {
 public:
  struct Habits {
    /// Seconds between the signs of life of this rank; unset: an eighth of its patience.
    std::optional<double> between_signs = {};
    /// Processes come and go during the correspondence: each other rank is given up until arrive().
    bool ranks_arrive = false;
  };
  /// A rank counts as lost after `patience` > 0 seconds without a sign of life. Signs of life need no letter
  /// and are sent several times in this period.
  Mailbox(std::size_t rank, std::size_t ranks, double patience, const Habits& habits);
  Mailbox(std::size_t rank, std::size_t ranks, double patience);

  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] std::size_t size() const { return peers_.size(); }
  [[nodiscard]] double patience() const { return patience_; }
  /// The interval, in seconds, at which a rank that waits for letters should check which ranks are lost.
  [[nodiscard]] double between_looks() const { return patience_ / 16; }

  /// What one other rank may send, in bytes.
  struct Limits {
    std::size_t letter = std::size_t{1} << 20;   // the longest letter
    std::size_t waiting = std::size_t{1} << 26;  // the letters that take() has not returned yet
  };
  /// Rank 0 has limits, those above at first; the other ranks trust it and have none.
  void limit(const Limits& limits);

  // The side that computes. Ranks exchange letters with rank 0 only: `to` is such a rank.

  /// Posts a letter. Letters to one rank arrive in order. Never blocks. Drops a letter that cannot arrive:
  /// its receiver was given up, has left or was sent the end, or this rank is mute.
  void post(std::size_t to, Letter letter);
  /// The same. If the last letter to that rank was posted by this function and is not sent yet, the new one
  /// replaces it: of letters that supersede each other only the newest is sent.
  void post_newest(std::size_t to, Letter letter);

  /// Removes all letters to the rank that are not sent yet.
  void recall(std::size_t to);

  struct Received {
    std::size_t from = 0;
    Letter letter;
  };
  /// The next letter; waits for at most `seconds`, or until closed. Empty if there is none.
  std::optional<Received> take(double seconds);
  /// Waits for `seconds`, or until closed.
  void sleep(double seconds);

  /// Whether the rank has been silent for longer than the patience, has left, was refused or was given up.
  [[nodiscard]] bool is_lost(std::size_t rank) const;
  /// The rank has sent something wrong. It counts as lost, nothing more is sent to it, and its letters are
  /// dropped. Only the first reason is kept. No effect if a new process of the rank has arrived: the one that
  /// is refused is lost already.
  void refuse(std::size_t rank, const std::string& reason);
  /// Why the rank was refused; empty if it was not.
  [[nodiscard]] std::string refusal(std::size_t rank) const;
  /// Whether the rank said that it leaves, and was not given up since.
  [[nodiscard]] bool has_left(std::size_t rank) const;
  /// Sends nothing more to the rank, and drops its letters: those not yet taken and those still to come. If a
  /// new process of the rank has arrived, the rank is then that process, and is not lost.
  void give_up(std::size_t rank);

  /// Ends the correspondence for all ranks except those given up, and sends them `code`. Only rank 0 calls
  /// it; only the first call has an effect. Letters posted before still arrive.
  void close(std::uint8_t code);
  /// Whether rank 0 has closed, and its code (0 before).
  [[nodiscard]] bool closed() const;
  [[nodiscard]] std::uint8_t code() const;
  /// This rank has failed and leaves. If rank 0 closes before the leaving is sent, this rank ends like the
  /// others instead.
  void leave();
  /// This rank continues as if its links were cut: it sends nothing any more. For failure tests.
  void mute();

  [[nodiscard]] Traffic traffic() const;

  // The side of the carrier.

  /// What is sent: letters, and signs without a letter.
  enum class Kind : std::uint8_t {
    letter,
    alive,
    closed,         // the last parcel of a rank that ends with the others; rank 0's contains its code
    closed_broken,  // the same, if ranks were lost
    left,           // the last parcel of a failed rank
  };
  struct Parcel {
    Kind kind = Kind::letter;
    Letter letter = {};
  };
  /// The next parcel to the rank, if any. The carrier must have sent the previous one.
  std::optional<Parcel> next_for(std::size_t to);
  /// The carrier calls this after each check for parcels of all ranks. Time without checks, because the
  /// process was suspended, does not count as silence of the other ranks.
  void look_around();
  /// A new process of the rank is there. The earlier one is lost: its letters, and those to it, are dropped.
  /// If the earlier one was there at first, or take() has returned a letter of it, the new one takes its
  /// place when that has been given up; until then its letters wait.
  void arrive(std::size_t from);
  /// Whether letters still go to the rank and come from it: it has not left, and was not refused or given up.
  [[nodiscard]] bool is_connected(std::size_t rank) const;
  /// A letter, or a part of one, has arrived.
  void hear_from(std::size_t from);
  /// As refuse(), for what has arrived: it is of the present process of the rank.
  void reject(std::size_t from, const std::string& reason);
  /// Whether the rank may send a parcel of this kind, the number of a Kind, and of this length now. If not,
  /// it is refused. A carrier that knows the length before the content asks first. deliver() asks in any
  /// case.
  bool admits(std::size_t from, std::uint8_t kind, std::size_t length);
  void deliver(std::size_t from, Parcel parcel);
  /// Returns when next_for() may have something, or after `seconds`.
  void wait_for_post(double seconds);
  /// Whether the carrier may end: all parcels to and from ranks that are not lost have been transferred.
  bool is_over();
  /// Whether ranks were lost, so that the processes cannot make collective calls again.
  [[nodiscard]] bool is_broken() const;

 private:
  using Clock = std::chrono::steady_clock;

  /// Letters to one rank that are not sent yet, each with a flag whether it may be replaced.
  class Outbox {
   public:
    void post(Letter letter) { waiting_.push_back({std::move(letter), false}); }
    void post_newest(Letter letter) {
      if (!waiting_.empty() && waiting_.back().may_be_replaced) waiting_.pop_back();
      waiting_.push_back({std::move(letter), true});
    }
    void clear() { waiting_.clear(); }
    /// Null if there is none.
    Letter next();

   private:
    struct Waiting {
      Letter letter;
      bool may_be_replaced = false;
    };
    std::deque<Waiting> waiting_;
  };

  struct Peer {
    enum class Bond : std::uint8_t { kept, left, refused, given_up };
    Bond bond = Bond::kept;
    bool succeeds = false;  // a new process, and the earlier one was not given up yet
    bool is_known = false;  // it was there at first, or take() has returned a letter of it
    std::string refusal;
    std::optional<Kind> end_said;  // this rank's last parcel to it: closed, closed_broken or left
    bool end_heard = false;        // whether its last parcel has arrived
    Outbox outbox;
    std::size_t waiting = 0;  // of its letters in the inbox, as Limits counts them
    double silence = 0;       // seconds since its last sign of life, while the carrier was active
    Clock::time_point said;   // when this rank last sent it something
  };
  Peer& peer(std::size_t rank);
  [[nodiscard]] bool is_peer(std::size_t rank) const;
  /// Whether anything can still be sent to it.
  [[nodiscard]] bool is_reached(const Peer& peer) const;
  [[nodiscard]] bool is_lost(const Peer& peer) const;
  [[nodiscard]] bool broken() const;
  void refuse(Peer& wrong, std::size_t rank, const std::string& reason);
  /// Sends nothing more to the peer, and drops its letters.
  void drop(std::size_t rank, Peer::Bond bond);
  bool admits(std::size_t from, Kind kind, std::size_t length);
  template <class Put>
  void post_by(std::size_t to, Letter letter, Put put);
  void wake();

  std::size_t rank_;
  double patience_;
  double between_signs_;
  mutable std::mutex mutex_;
  std::condition_variable received_;
  std::condition_variable posted_;
  std::vector<Peer> peers_;
  Limits limits_;
  Clock::time_point looked_ = Clock::now();
  std::deque<Received> inbox_;
  bool posted_anything_ = false;      // since the last return of wait_for_post()
  std::optional<std::uint8_t> code_;  // rank 0's code, once it has closed
  bool leaves_ = false;
  bool mute_ = false;
  bool broken_elsewhere_ = false;
  Traffic traffic_;
};

}  // namespace laconic
