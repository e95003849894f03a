// SPDX-License-Identifier: Apache-2.0
// Letters between processes of which none waits for another: what a server and its clients say to each other
// when a real clock decides which answers count (served/served.h). transport.h is for processes that keep step.
//
// A mailbox has two sides. One thread computes, posts letters and takes them. The carrier, a transport, brings
// them to the mailboxes of the other ranks, on the thread that calls Transport::correspond(). So letters
// travel, and a rank gives signs of life, while it computes.
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
#include <utility>
#include <vector>

#include "laconic/transport/traffic.h"

namespace laconic {

/// Shared by those to whom the same is said.
using Letter = std::shared_ptr<const std::vector<std::uint8_t>>;

class Mailbox {
 public:
  /// `patience` > 0 seconds without a sign of life, and a rank counts as lost. Signs of life, which take no
  /// letter, go out several times as often.
  Mailbox(std::size_t rank, std::size_t ranks, double patience);

  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] std::size_t size() const { return peers_.size(); }
  [[nodiscard]] double patience() const { return patience_; }
  /// How often, in seconds, a rank that waits for letters should look which ranks are lost.
  [[nodiscard]] double between_looks() const { return patience_ / 16; }

  // The side that computes. All talk to rank 0 alone, and rank 0 to all: `to` is such a rank.

  /// Letters to one rank arrive in order. Never waits. A letter is dropped that cannot arrive: its rank was
  /// given up, has left or was told the end, or this rank is mute.
  void post(std::size_t to, Letter letter);
  /// The same; and if the last letter to that rank was given here too and has not gone out yet, this one takes
  /// its place: of letters that outdate each other only the newest is sent.
  void post_newest(std::size_t to, Letter letter);

  /// Takes back all letters to the rank that have not gone out yet.
  void recall(std::size_t to);

  struct Received {
    std::size_t from = 0;
    Letter letter;
  };
  /// The next letter; waits for one so long, unless closed. Nothing when there is none.
  std::optional<Received> take(double seconds);
  /// Waits so long, or until closed.
  void sleep(double seconds);

  /// Whether nothing was heard of the rank for longer than the patience, or it has left or was given up.
  [[nodiscard]] bool is_lost(std::size_t rank) const;
  /// Nothing more goes to the rank, and what came from it and was not taken, or still comes, is dropped.
  void give_up(std::size_t rank);

  /// Ends the correspondence of all, but for ranks given up, with a number for them; rank 0 does, and only
  /// the first time counts. Letters posted before still arrive.
  void close(std::uint8_t code);
  /// Whether rank 0 has closed, and its number (0 before).
  [[nodiscard]] bool closed() const;
  [[nodiscard]] std::uint8_t code() const;
  /// This rank has failed and leaves. If rank 0 closes before the others were told, it ends with them instead.
  void leave();
  /// This rank goes on as if its links were cut: nothing goes out any more. For rehearsals.
  void mute();

  [[nodiscard]] Traffic traffic() const;

  // The carrier's side.

  /// What travels: letters, and signs without one.
  enum class Kind : std::uint8_t {
    letter,
    alive,
    closed,         // the last parcel of a rank that ends with the others; rank 0's has its number
    closed_broken,  // the same where ranks were lost
    left,           // the last parcel of a rank that has failed
  };
  struct Parcel {
    Kind kind = Kind::letter;
    Letter letter = {};
  };
  /// What is to go to the rank now, if anything; the caller has sent what it was given before.
  std::optional<Parcel> next_for(std::size_t to);
  /// The carrier has looked once more for parcels of all ranks. Time in which it did not look, because the
  /// process was suspended, does not count as their silence.
  void look_around();
  /// Something of a letter has come, or all of it.
  void hear_from(std::size_t from);
  void deliver(std::size_t from, Parcel parcel);
  /// Returns when there may be something for next_for(), or so many seconds later.
  void wait_for_post(double seconds);
  /// Whether the carrier may end: what goes to and comes from ranks that are not lost has gone and come.
  bool is_over();
  /// Whether ranks were lost on the way, so that the processes cannot meet again.
  [[nodiscard]] bool is_broken() const;

 private:
  using Clock = std::chrono::steady_clock;

  /// Letters to one rank that have not gone out yet. Whether a letter may be replaced stands beside the letter,
  /// and goes with it.
  class Outbox {
   public:
    void post(Letter letter) { waiting_.push_back({std::move(letter), false}); }
    void post_newest(Letter letter) {
      if (!waiting_.empty() && waiting_.back().may_be_replaced) waiting_.pop_back();
      waiting_.push_back({std::move(letter), true});
    }
    void clear() { waiting_.clear(); }
    /// Null where there is none.
    Letter next();

   private:
    struct Waiting {
      Letter letter;
      bool may_be_replaced = false;
    };
    std::deque<Waiting> waiting_;
  };

  struct Peer {
    enum class Bond : std::uint8_t { kept, left, given_up };
    Bond bond = Bond::kept;
    std::optional<Kind> end_said;  // this rank's last parcel to it: closed, closed_broken or left
    bool end_heard = false;        // its last to this rank
    Outbox outbox;
    double silence = 0;      // seconds since something came of it, while the carrier listened
    Clock::time_point said;  // when this rank last sent it something
  };
  Peer& peer(std::size_t rank);
  [[nodiscard]] bool is_peer(std::size_t rank) const;
  /// Whether anything can still go to it.
  [[nodiscard]] bool is_reached(const Peer& peer) const;
  [[nodiscard]] bool is_lost(const Peer& peer) const;
  [[nodiscard]] bool broken() const;
  template <class Put>
  void post_by(std::size_t to, Letter letter, Put put);
  void wake();

  std::size_t rank_;
  double patience_;
  mutable std::mutex mutex_;
  std::condition_variable received_;
  std::condition_variable posted_;
  std::vector<Peer> peers_;
  Clock::time_point looked_ = Clock::now();
  std::deque<Received> inbox_;
  bool posted_anything_ = false;      // since wait_for_post() returned last
  std::optional<std::uint8_t> code_;  // of rank 0, which has closed
  bool leaves_ = false;
  bool mute_ = false;
  bool broken_elsewhere_ = false;
  Traffic traffic_;
};

}  // namespace laconic
