// SPDX-License-Identifier: Apache-2.0
// How bytes get from one process to another. A rank is a process of the run: 0 .. size-1. Nothing in
// here knows of workers, messages or numbers, and nothing adds: what is made of the bytes is the
// fleet's business (fleet.h).
//
// The calls are collective: every rank makes the same ones in the same order, and a rank that does not
// leaves the others waiting. A rank that fails must therefore say so in what it sends, or end the
// others (MpiSession::abort).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "laconic/transport/mailbox.h"
#include "laconic/transport/traffic.h"

namespace laconic {

using ByteView = std::span<const std::uint8_t>;
using MutByteView = std::span<std::uint8_t>;

class Transport {
 public:
  virtual ~Transport() = default;

  [[nodiscard]] virtual std::size_t rank() const = 0;
  [[nodiscard]] virtual std::size_t size() const = 0;
  [[nodiscard]] virtual Traffic traffic() const { return traffic_; }

  /// Fills from[r] with what rank r passes as its to[rank()]. One entry a rank; those of rank() itself are
  /// not looked at. Both ends know how long a message is: from[r] has its length already. Returns when `from`
  /// is filled and `to` may be overwritten. No byte goes by way of a third rank, so on links of one speed the
  /// busiest one sets the time.
  void exchange(std::span<const ByteView> to, std::span<const MutByteView> from);

  /// The same with one message for everyone.
  void gather(ByteView mine, std::span<const MutByteView> from);

  /// From here on ranks write letters, and no rank waits for another: body(mailbox) runs on a thread of its
  /// own, while the calling one carries them. Returns, or rethrows what the body throws, when the body has
  /// ended and all letters between ranks that live have arrived: rank 0 closes when its body ends (with 1
  /// where it throws, else with what the body returns), the body of another rank ends when it finds that
  /// closed, and where it ends before, that rank has left. A body whose thread cannot be started counts as one
  /// that throws that RunError. Where letters cannot be carried any more the mailbox is closed, rank 0's too, so
  /// that the body ends. Returns what rank 0 closed with; on a rank that has left, what its own body
  /// returns. No rank may make another call of this transport when one was lost
  /// (is_broken).
  int correspond(double patience, const std::function<int(Mailbox&)>& body);
  /// Whether a rank was lost in correspond().
  [[nodiscard]] bool is_broken() const { return broken_; }

 private:
  virtual void move(std::span<const ByteView> to, std::span<const MutByteView> from) = 0;
  /// Brings letters from next_for() of this rank to deliver() of others, until is_over().
  virtual void carry(Mailbox& mailbox) = 0;

  Traffic traffic_;
  bool broken_ = false;
  std::vector<ByteView> same_;  // kept, so that a gather does not allocate
};

/// One rank, which never has anything to send. Its traffic is what is asked of the mailbox, where one is
/// given, which must outlive it.
std::unique_ptr<Transport> alone(const Mailbox* mailbox = nullptr);

}  // namespace laconic
