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
#include <memory>
#include <span>
#include <vector>

namespace laconic {

using ByteView = std::span<const std::uint8_t>;
using MutByteView = std::span<std::uint8_t>;

/// Bytes that this rank has handed to others, and had from them.
struct Traffic {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  [[nodiscard]] virtual std::size_t rank() const = 0;
  [[nodiscard]] virtual std::size_t size() const = 0;
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

  /// Fills from[r] with what rank r passes as its to[rank()]. One entry a rank; those of rank() itself are
  /// not looked at. Both ends know how long a message is: from[r] has its length already. Returns when `from`
  /// is filled and `to` may be overwritten. No byte goes by way of a third rank, so on links of one speed the
  /// busiest one sets the time.
  void exchange(std::span<const ByteView> to, std::span<const MutByteView> from);

  /// The same with one message for everyone.
  void gather(ByteView mine, std::span<const MutByteView> from);

 private:
  virtual void move(std::span<const ByteView> to, std::span<const MutByteView> from) = 0;

  Traffic traffic_;
  std::vector<ByteView> same_;  // kept, so that a gather does not allocate
};

/// One rank, which never has anything to send.
std::unique_ptr<Transport> alone();

}  // namespace laconic
