// SPDX-License-Identifier: Apache-2.0
#include "laconic/transport/mailbox.h"

#include <algorithm>
#include <utility>

namespace laconic {
namespace {

std::chrono::duration<double> in_seconds(double seconds) { return std::chrono::duration<double>(seconds); }

constexpr double kSignsPerPatience = 8;

}  // namespace

Mailbox::Mailbox(std::size_t rank, std::size_t ranks, double patience)
    : rank_(rank), patience_(patience), peers_(ranks) {
  for (Peer& peer : peers_) peer.said = Clock::now();
}

/// All talk to rank 0 alone.
bool Mailbox::is_peer(std::size_t rank) const { return rank != rank_ && (rank_ == 0 || rank == 0); }

bool Mailbox::is_lost(const Peer& peer) const {
  return peer.given_up || peer.has_left || peer.silence > patience_;
}

bool Mailbox::broken() const {
  return broken_elsewhere_ || std::any_of(peers_.begin(), peers_.end(),
                                          [](const Peer& peer) { return peer.given_up || peer.has_left; });
}

void Mailbox::wake() {
  posted_anything_ = true;
  posted_.notify_all();
  received_.notify_all();
}

void Mailbox::post(std::size_t to, Letter letter) {
  const std::lock_guard lock(mutex_);
  peers_[to].letters.push_back(std::move(letter));
  peers_[to].newest_waits = false;
  wake();
}

void Mailbox::post_newest(std::size_t to, Letter letter) {
  const std::lock_guard lock(mutex_);
  Peer& peer = peers_[to];
  if (peer.newest_waits) peer.letters.pop_back();
  peer.letters.push_back(std::move(letter));
  peer.newest_waits = true;
  wake();
}

void Mailbox::recall(std::size_t to) {
  const std::lock_guard lock(mutex_);
  peers_[to].letters.clear();
  peers_[to].newest_waits = false;
}

std::optional<Mailbox::Received> Mailbox::take(double seconds) {
  std::unique_lock lock(mutex_);
  received_.wait_for(lock, in_seconds(seconds), [&] { return !inbox_.empty() || closed_; });
  if (inbox_.empty()) return {};
  Received received = std::move(inbox_.front());
  inbox_.pop_front();
  return received;
}

void Mailbox::sleep(double seconds) {
  std::unique_lock lock(mutex_);
  received_.wait_for(lock, in_seconds(seconds), [&] { return closed_; });
}

bool Mailbox::is_lost(std::size_t rank) const {
  const std::lock_guard lock(mutex_);
  return is_lost(peers_[rank]);
}

void Mailbox::give_up(std::size_t rank) {
  const std::lock_guard lock(mutex_);
  peers_[rank].given_up = true;
  peers_[rank].letters.clear();
}

void Mailbox::close(std::uint8_t code) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = true;
  code_ = code;
  wake();
}

std::uint8_t Mailbox::code() const {
  const std::lock_guard lock(mutex_);
  return code_;
}

bool Mailbox::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void Mailbox::leave() {
  const std::lock_guard lock(mutex_);
  leaves_ = true;
  wake();
}

void Mailbox::mute() {
  const std::lock_guard lock(mutex_);
  mute_ = true;
}

Traffic Mailbox::traffic() const {
  const std::lock_guard lock(mutex_);
  return traffic_;
}

std::optional<Mailbox::Parcel> Mailbox::next_for(std::size_t to) {
  const std::lock_guard lock(mutex_);
  posted_anything_ = false;
  Peer& peer = peers_[to];
  if (!is_peer(to) || peer.given_up || peer.has_left || peer.end_said) return {};
  if (mute_) {
    peer.letters.clear();
    return {};
  }
  const auto now = Clock::now();
  Parcel parcel;
  if (!peer.letters.empty()) {
    parcel.letter = std::move(peer.letters.front());
    peer.letters.pop_front();
    peer.newest_waits = peer.newest_waits && !peer.letters.empty();
    traffic_.sent += parcel.letter->size();
  } else if (closed_ || leaves_) {
    parcel.kind = !closed_ ? Kind::left : broken() ? Kind::closed_broken : Kind::closed;
    parcel.letter = std::make_shared<const std::vector<std::uint8_t>>(1, code_);
    peer.end_said = true;
  } else if (now - peer.said > in_seconds(patience_ / kSignsPerPatience)) {
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

void Mailbox::hear_from(std::size_t from) {
  const std::lock_guard lock(mutex_);
  peers_[from].silence = 0;
}

void Mailbox::deliver(std::size_t from, Parcel parcel) {
  const std::lock_guard lock(mutex_);
  Peer& peer = peers_[from];
  peer.silence = 0;
  if (peer.given_up) return;
  switch (parcel.kind) {
    case Kind::letter:
      traffic_.received += parcel.letter->size();
      inbox_.push_back({from, std::move(parcel.letter)});
      break;
    case Kind::alive:
      break;
    case Kind::closed_broken:
      broken_elsewhere_ = true;
      [[fallthrough]];
    case Kind::closed:
      peer.end_heard = true;
      closed_ = true;
      if (from == 0) code_ = parcel.letter->at(0);
      break;
    case Kind::left:
      peer.has_left = true;
      break;
  }
  wake();
}

void Mailbox::wait_for_post(double seconds) {
  std::unique_lock lock(mutex_);
  posted_.wait_for(lock, in_seconds(seconds), [&] { return posted_anything_; });
}

bool Mailbox::is_over() {
  const std::lock_guard lock(mutex_);
  if (!closed_ && !leaves_) return false;
  bool over = true;
  for (std::size_t r = 0; r < peers_.size(); ++r) {
    Peer& peer = peers_[r];
    if (!is_peer(r)) continue;
    if (is_lost(peer)) {
      peer.given_up = true;
    } else {
      over = over && peer.end_said && (leaves_ || peer.end_heard);
    }
  }
  return over;
}

bool Mailbox::is_broken() const {
  const std::lock_guard lock(mutex_);
  return leaves_ || broken();
}

}  // namespace laconic
