// SPDX-License-Identifier: Apache-2.0
// Moves bytes between processes. A rank is a process of the run: 0 .. size-1. This code knows nothing of
// clients, messages or numbers, and does no arithmetic; the fleet interprets the bytes (fleet.h).
//
// The calls are collective: every rank must make the same calls in the same order. If one rank does not, the
// others wait. A rank that fails must therefore report it in the data it sends, or end the others
// (MpiSession::abort).
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
  /// Whether a rank may end while the others go on.
  [[nodiscard]] virtual bool outlive() const { return false; }

  /// Fills from[r] with what rank r passes as its to[rank()]. Both have one entry per rank; the entries of
  /// rank() itself are ignored. Both ends must know the length of a message: from[r] already has it. Returns
  /// when `from` is filled and `to` may be overwritten. No data passes through a third rank, so with links of
  /// equal speed the busiest link determines the time.
  void exchange(std::span<const ByteView> to, std::span<const MutByteView> from);

  /// The same with one message to all ranks.
  void gather(ByteView mine, std::span<const MutByteView> from);

  /// Exchanges letters: no rank waits for another. body(mailbox) runs on a thread of its own, while the
  /// calling thread carries the letters. Returns when the body has ended and all letters between live ranks
  /// have arrived. If the body throws, rethrows its exception then.
  /// Rank 0 closes when its body ends: with the result of the body, or with 1 if it throws. The body of
  /// another rank must end when it finds the mailbox closed; if it ends earlier, that rank has left. If the
  /// thread of the body cannot be started, this counts as a body that throws that RunError. If letters cannot
  /// be carried any more, the mailbox is closed, on rank 0 too, so that the body ends.
  /// Returns the code with which rank 0 closed; on a rank that has left, the result of its own body. After a
  /// rank was lost (is_broken), no rank may make further calls of this transport.
  int correspond(double patience, const std::function<int(Mailbox&)>& body);
  /// Whether a rank was lost during correspond().
  [[nodiscard]] bool is_broken() const { return broken_; }

 private:
  virtual void move(std::span<const ByteView> to, std::span<const MutByteView> from) = 0;
  /// Moves letters from next_for() of this rank to deliver() of the others, until is_over().
  virtual void carry(Mailbox& mailbox) = 0;
  /// Those of the mailbox in correspond().
  [[nodiscard]] virtual Mailbox::Habits habits() const { return {}; }

  Traffic traffic_;
  bool broken_ = false;
  std::vector<ByteView> same_;  // reused, so that a gather does not allocate
};

/// A single rank, which never sends anything. Its traffic is that of `mailbox`, if given; the mailbox must
/// outlive it.
std::unique_ptr<Transport> alone(const Mailbox* mailbox = nullptr);

}  // namespace laconic
