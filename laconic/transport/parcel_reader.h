// SPDX-License-Identifier: Apache-2.0
// Puts together the parcels of one rank (mailbox.h) that a carrier receives in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "laconic/transport/mailbox.h"

namespace laconic {

/// A parcel arrives as a head, with its kind and length, and then pieces of one length; the last piece has
/// the rest. Its memory grows with the bytes that arrive, and not by the length that is announced. A rank
/// that sends anything else is refused, and what it sends after that is dropped.
class ParcelReader {
 public:
  static constexpr std::size_t kHead = 1 + 8;
  static constexpr std::size_t kPiece = std::size_t{1} << 15;

  /// `piece`: the length of pieces, > 0. The mailbox must outlive the reader.
  ParcelReader(std::size_t from, Mailbox& mailbox, std::size_t piece = kPiece)
      : from_(from), mailbox_(mailbox), piece_(piece) {}

  /// Where to put the next piece, which has `count` bytes. Shorter if a refused rank sends more than a piece.
  std::span<std::uint8_t> room_for(std::size_t count);
  /// The piece is there: passes it on to the mailbox.
  void filled();

 private:
  [[nodiscard]] std::size_t length_of_next() const;

  std::size_t from_;
  Mailbox& mailbox_;
  std::size_t piece_;
  std::uint8_t head_[kHead] = {};
  std::size_t length_ = 0;                              // of the content
  std::shared_ptr<std::vector<std::uint8_t>> content_;  // as far as it has arrived; null before its head
  bool is_refused_ = false;
  std::vector<std::uint8_t> dropped_;
};

}  // namespace laconic
