// SPDX-License-Identifier: Apache-2.0
// Letters between processes of which none waits for another: what a server and its clients say to each other
// when a real clock decides who counts (rounds/served.h). transport.h is for processes that keep step.
//
// A mailbox has two sides. Whoever computes posts letters and takes them, on a thread of its own; the
// carrier, a transport, brings them to the other ranks' mailboxes, on the thread that calls
// Transport::correspond(). So letters travel, and a rank is known to live, while it computes.
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
  /// How often, in seconds, somebody who waits for letters looks up to see who is lost.
  [[nodiscard]] double between_looks() const { return patience_ / 16; }

  // The side of who computes.

  /// Letters to one rank arrive in order. Never waits.
  void post(std::size_t to, Letter letter);
  /// The same, in place of what was last given here for that rank and has not gone out yet: of letters that
  /// outdate each other only the newest is sent.
  void post_newest(std::size_t to, Letter letter);

  /// What was posted for the rank and has not gone out yet will not.
  void recall(std::size_t to);

  struct Received {
    std::size_t from = 0;
    Letter letter;
  };
  /// The next letter; waits for one so long, unless closed. Nothing when there is none.
  std::optional<Received> take(double seconds);
  /// Waits so long, or until closed.
  void sleep(double seconds);

  /// Whether nothing was heard of the rank for longer than the patience, or it has left.
  [[nodiscard]] bool is_lost(std::size_t rank) const;
  /// Nothing more goes to the rank, and what comes from it is dropped.
  void give_up(std::size_t rank);

  /// Ends the correspondence of all, but for ranks given up, with a number for them; rank 0 does, and only
  /// the first time counts. Letters posted before still arrive.
  void close(std::uint8_t code);
  /// Whether rank 0 has closed, and its number.
  [[nodiscard]] bool closed() const;
  [[nodiscard]] std::uint8_t code() const;
  /// This rank leaves by itself, as it has failed; or goes on as if its links were cut: for rehearsals.
  void leave();
  void mute();

  [[nodiscard]] Traffic traffic() const;

  // The carrier's side.

  /// What travels: letters, and signs without one.
  enum class Kind : std::uint8_t {
    letter,
    alive,
    closed,         // the last that this rank says; of rank 0, to all whom it has not lost, with its number
    closed_broken,  // the same where some were lost
    left,           // the last of one that has failed
  };
  struct Parcel {
    Kind kind = Kind::letter;
    Letter letter = {};
  };
  /// What is to go to the rank now, if anything; the caller has sent what it was given before.
  std::optional<Parcel> next_for(std::size_t to);
  /// The carrier has looked once more what has come from all. Where it had stopped itself, as a process does
  /// that is suspended, nobody has been silent meanwhile.
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
  struct Peer {
    std::deque<Letter> letters;  // to go there
    bool newest_waits = false;   // the last of them may be replaced
    double silence = 0;          // seconds since something came of it, while the carrier listened
    Clock::time_point said;      // last
    bool has_left = false;
    bool given_up = false;
    bool end_said = false;   // this rank's last to it
    bool end_heard = false;  // its last to this rank
  };
  [[nodiscard]] bool is_peer(std::size_t rank) const;
  [[nodiscard]] bool is_lost(const Peer& peer) const;
  [[nodiscard]] bool broken() const;
  void wake();

  std::size_t rank_;
  double patience_;
  mutable std::mutex mutex_;
  std::condition_variable received_;
  std::condition_variable posted_;
  std::vector<Peer> peers_;
  Clock::time_point looked_ = Clock::now();
  std::deque<Received> inbox_;
  bool posted_anything_ = false;
  bool closed_ = false;
  std::uint8_t code_ = 0;
  bool leaves_ = false;
  bool mute_ = false;
  bool broken_elsewhere_ = false;
  Traffic traffic_;
};

}  // namespace laconic
