// SPDX-License-Identifier: Apache-2.0
#include "laconic/transport/mailbox.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

std::chrono::duration<double> in_seconds(double seconds) { return std::chrono::duration<double>(seconds); }

constexpr double kSignsPerPatience = 8;

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

/// What a letter takes of Limits::waiting: its bytes, and about what its place in the inbox takes.
std::size_t room_of(std::size_t length) { return length + 128; }

}  // namespace

Letter Mailbox::Outbox::next() {
  if (waiting_.empty()) return nullptr;
  Letter letter = std::move(waiting_.front().letter);
  waiting_.pop_front();
  return letter;
}

Mailbox::Mailbox(std::size_t rank, std::size_t ranks, double patience, const Habits& habits)
    : rank_(rank),
      patience_(patience),
      between_signs_(habits.between_signs.value_or(patience / kSignsPerPatience)),
      peers_(ranks),
      limits_(rank == 0 ? Limits{} : Limits{kUnlimited, kUnlimited}) {
  check(rank < ranks, "a mailbox of a rank that does not exist");
  check(patience > 0, "a mailbox needs patience > 0");
  check(between_signs_ > 0, "a mailbox needs time between its signs of life");
  for (Peer& peer : peers_) {
    peer.said = Clock::now();
    peer.is_known = !habits.ranks_arrive;
    if (habits.ranks_arrive) peer.bond = Peer::Bond::given_up;
  }
}

Mailbox::Mailbox(std::size_t rank, std::size_t ranks, double patience)
    : Mailbox(rank, ranks, patience, Habits{}) {}

/// All ranks exchange letters with rank 0 only.
bool Mailbox::is_peer(std::size_t rank) const {
  return rank < peers_.size() && rank != rank_ && (rank_ == 0 || rank == 0);
}

Mailbox::Peer& Mailbox::peer(std::size_t rank) {
  check(is_peer(rank), "letters go between rank 0 and another rank");
  return peers_[rank];
}

bool Mailbox::is_reached(const Peer& peer) const {
  return !mute_ && peer.bond == Peer::Bond::kept && !peer.end_said;
}

bool Mailbox::is_lost(const Peer& peer) const {
  return peer.bond != Peer::Bond::kept || peer.succeeds || peer.silence > patience_;
}

bool Mailbox::broken() const {
  return broken_elsewhere_ || std::any_of(peers_.begin(), peers_.end(), [](const Peer& peer) {
           return peer.bond != Peer::Bond::kept || peer.end_said == Kind::left;
         });
}

void Mailbox::drop(std::size_t rank, Peer::Bond bond) {
  Peer& dropped = peers_[rank];
  dropped.bond = bond;
  dropped.outbox.clear();
  dropped.waiting = 0;
  std::erase_if(inbox_, [&](const Received& received) { return received.from == rank; });
  wake();
}

void Mailbox::wake() {
  posted_anything_ = true;
  posted_.notify_all();
  received_.notify_all();
}

template <class Put>
void Mailbox::post_by(std::size_t to, Letter letter, Put put) {
  check(letter != nullptr, "a letter that is not there was posted");
  const std::lock_guard lock(mutex_);
  Peer& receiver = peer(to);
  if (!is_reached(receiver) || receiver.succeeds) return;
  (receiver.outbox.*put)(std::move(letter));
  wake();
}

void Mailbox::post(std::size_t to, Letter letter) { post_by(to, std::move(letter), &Outbox::post); }

void Mailbox::post_newest(std::size_t to, Letter letter) {
  post_by(to, std::move(letter), &Outbox::post_newest);
}

void Mailbox::recall(std::size_t to) {
  const std::lock_guard lock(mutex_);
  peer(to).outbox.clear();
}

std::optional<Mailbox::Received> Mailbox::take(double seconds) {
  std::unique_lock lock(mutex_);
  auto next = inbox_.end();
  received_.wait_for(lock, in_seconds(seconds), [&] {
    next = std::find_if(inbox_.begin(), inbox_.end(),
                        [&](const Received& each) { return !peers_[each.from].succeeds; });
    return next != inbox_.end() || code_;
  });
  if (next == inbox_.end()) return {};
  Received received = std::move(*next);
  inbox_.erase(next);
  peers_[received.from].waiting -= room_of(received.letter->size());
  peers_[received.from].is_known = true;
  return received;
}

void Mailbox::sleep(double seconds) {
  std::unique_lock lock(mutex_);
  received_.wait_for(lock, in_seconds(seconds), [&] { return code_.has_value(); });
}

bool Mailbox::is_lost(std::size_t rank) const {
  const std::lock_guard lock(mutex_);
  check(is_peer(rank), "a rank was asked for that this one does not talk to");
  return is_lost(peers_[rank]);
}

void Mailbox::give_up(std::size_t rank) {
  const std::lock_guard lock(mutex_);
  Peer& lost = peer(rank);
  if (!lost.succeeds) return drop(rank, Peer::Bond::given_up);
  lost.succeeds = false;
  wake();
}

void Mailbox::limit(const Limits& limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

void Mailbox::refuse(Peer& wrong, std::size_t rank, const std::string& reason) {
  if (wrong.refusal.empty()) wrong.refusal = reason;
  if (wrong.bond != Peer::Bond::given_up) drop(rank, Peer::Bond::refused);
}

void Mailbox::refuse(std::size_t rank, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  Peer& wrong = peer(rank);
  if (!wrong.succeeds) refuse(wrong, rank, reason);
}

void Mailbox::reject(std::size_t from, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  refuse(peer(from), from, reason);
}

std::string Mailbox::refusal(std::size_t rank) const {
  const std::lock_guard lock(mutex_);
  check(is_peer(rank), "a rank was asked for that this one does not talk to");
  return peers_[rank].refusal;
}

bool Mailbox::has_left(std::size_t rank) const {
  const std::lock_guard lock(mutex_);
  check(is_peer(rank), "a rank was asked for that this one does not talk to");
  return peers_[rank].bond == Peer::Bond::left;
}

void Mailbox::close(std::uint8_t code) {
  const std::lock_guard lock(mutex_);
  if (code_) return;
  code_ = code;
  for (Peer& peer : peers_) peer.succeeds = false;  // the new processes end too
  wake();
}

std::uint8_t Mailbox::code() const {
  const std::lock_guard lock(mutex_);
  return code_.value_or(0);
}

bool Mailbox::closed() const {
  const std::lock_guard lock(mutex_);
  return code_.has_value();
}

void Mailbox::leave() {
  const std::lock_guard lock(mutex_);
  leaves_ = true;
  wake();
}

void Mailbox::mute() {
  const std::lock_guard lock(mutex_);
  mute_ = true;
  for (Peer& peer : peers_) peer.outbox.clear();
}

Traffic Mailbox::traffic() const {
  const std::lock_guard lock(mutex_);
  return traffic_;
}

std::optional<Mailbox::Parcel> Mailbox::next_for(std::size_t to) {
  const std::lock_guard lock(mutex_);
  if (!is_peer(to) || !is_reached(peers_[to])) return {};
  Peer& peer = peers_[to];
  const auto now = Clock::now();
  Parcel parcel;
  if (Letter letter = peer.outbox.next()) {
    traffic_.sent += letter->size();
    parcel.letter = std::move(letter);
  } else if (code_ || leaves_) {
    parcel.kind = !code_ ? Kind::left : broken() ? Kind::closed_broken : Kind::closed;
    parcel.letter = std::make_shared<const std::vector<std::uint8_t>>(1, code_.value_or(0));
    peer.end_said = parcel.kind;
  } else if (now - peer.said > in_seconds(between_signs_)) {
    parcel.kind = Kind::alive;
  } else {
    return {};
  }
  peer.said = now;
  return parcel;
}

void Mailbox::look_around() {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const double attended =
      std::min(std::chrono::duration<double>(now - looked_).count(), patience_ / kSignsPerPatience);
  looked_ = now;
  for (Peer& peer : peers_) peer.silence += attended;
}

void Mailbox::arrive(std::size_t from) {
  const std::lock_guard lock(mutex_);
  const Peer& earlier = peer(from);
  Peer arrived;
  arrived.said = Clock::now();
  arrived.succeeds = earlier.succeeds || (earlier.is_known && earlier.bond != Peer::Bond::given_up);
  drop(from, Peer::Bond::kept);
  peers_[from] = std::move(arrived);
}

bool Mailbox::is_connected(std::size_t rank) const {
  const std::lock_guard lock(mutex_);
  check(is_peer(rank), "a rank was asked for that this one does not talk to");
  return peers_[rank].bond == Peer::Bond::kept;
}

void Mailbox::hear_from(std::size_t from) {
  const std::lock_guard lock(mutex_);
  peer(from).silence = 0;
}

bool Mailbox::admits(std::size_t from, Kind kind, std::size_t length) {
  Peer& sender = peers_[from];
  if (sender.bond != Peer::Bond::kept) return false;
  const bool ends = kind == Kind::closed || kind == Kind::closed_broken;
  if (kind > Kind::left) {
    sender.refusal =
        fmt::format("it sends something of the kind {}, which there is not", static_cast<int>(kind));
  } else if (kind != Kind::letter && length > 1) {
    sender.refusal = fmt::format("it sends a sign of {} bytes; need at most 1", length);
  } else if (kind == Kind::letter && length > limits_.letter) {
    sender.refusal = fmt::format("it sends a letter of {} bytes; need at most {}", length, limits_.letter);
  } else if (kind == Kind::letter && sender.waiting + room_of(length) > limits_.waiting) {
    sender.refusal = fmt::format("it sends more letters than there is room for, {} bytes", limits_.waiting);
  } else if (rank_ == 0 && ends && !code_) {
    sender.refusal = "it ends the run, which only rank 0 may";
  }
  if (sender.refusal.empty()) return true;
  drop(from, Peer::Bond::refused);
  return false;
}

bool Mailbox::admits(std::size_t from, std::uint8_t kind, std::size_t length) {
  const std::lock_guard lock(mutex_);
  check(is_peer(from), "letters go between rank 0 and another rank");
  return admits(from, static_cast<Kind>(kind), length);
}

void Mailbox::deliver(std::size_t from, Parcel parcel) {
  const std::lock_guard lock(mutex_);
  Peer& sender = peer(from);
  sender.silence = 0;
  if (!admits(from, parcel.kind, parcel.letter ? parcel.letter->size() : 0)) return;
  switch (parcel.kind) {
    case Kind::letter:
      sender.waiting += room_of(parcel.letter->size());
      traffic_.received += parcel.letter->size();
      inbox_.push_back({from, std::move(parcel.letter)});
      break;
    case Kind::alive:
      break;
    case Kind::closed_broken:
      broken_elsewhere_ = true;
      [[fallthrough]];
    case Kind::closed:
      sender.end_heard = true;
      if (from == 0 && !code_) code_ = parcel.letter->at(0);
      break;
    case Kind::left:
      sender.bond = Peer::Bond::left;
      sender.outbox.clear();
      break;
  }
  wake();
}

void Mailbox::wait_for_post(double seconds) {
  std::unique_lock lock(mutex_);
  posted_.wait_for(lock, in_seconds(seconds), [&] { return posted_anything_; });
  posted_anything_ = false;
}

bool Mailbox::is_over() {
  const std::lock_guard lock(mutex_);
  if (!code_ && !leaves_) return false;
  bool over = true;
  for (std::size_t r = 0; r < peers_.size(); ++r) {
    Peer& peer = peers_[r];
    if (!is_peer(r)) continue;
    if (is_lost(peer)) {
      peer.bond = Peer::Bond::given_up;
    } else {
      over = over && peer.end_said && (leaves_ || peer.end_heard);
    }
  }
  return over;
}

bool Mailbox::is_broken() const {
  const std::lock_guard lock(mutex_);
  return broken();
}

}  // namespace laconic
