// SPDX-License-Identifier: Apache-2.0
// A session between a site and the server outlives its connections: in each direction it is a stream of
// pieces, of which none is lost or doubled when a connection breaks and the next one begins.
//
// Pieces have no numbers on the wire, because a connection keeps their order. Each end counts the pieces that
// it has received, and tells the other: now and then, and at the beginning of a connection. A sender keeps
// what the other end has not acknowledged, and after the beginning of a connection it goes on from there.
//
// What waits should wait in the mailbox, where a newer order replaces it, and not in the network. So a sender
// stops when `kWindow` bytes are not acknowledged, and it takes no parcel from the mailbox before there is
// room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "laconic/sites/protocol.h"
#include "laconic/transport/mailbox.h"
#include "laconic/transport/parcel_reader.h"
#include "laconic/transport/transport.h"

namespace laconic {

/// One end of a session. Not thread-safe: its owner calls it under a lock.
class Session {
 public:
  /// The content of a piece, in bytes.
  static constexpr std::size_t kPiece = std::size_t{1} << 17;
  /// What a piece counts for in addition to its content.
  static constexpr std::size_t kOverhead = 64;
  /// The most that is not acknowledged: 512 kB fill a link of 100 Mbit/s with a round trip of 40 ms.
  static constexpr std::size_t kWindow = 4 * (kPiece + kOverhead);
  /// The longest message of the stream.
  static constexpr std::size_t kLongest = 1 + ParcelReader::kHead + kPiece;

  /// The mailbox must outlive it.
  Session(std::size_t peer, Mailbox& mailbox)
      : peer_(peer), mailbox_(mailbox), reader_(peer, mailbox, kPiece) {}

  /// The pieces that were received: for the greeting or the welcome of a connection.
  [[nodiscard]] std::uint64_t received() const { return received_; }

  /// A new connection begins, and the other end has received so many pieces. Returns what is wrong with that
  /// number, or "".
  std::string reconnect(std::uint64_t acknowledged);

  /// A message of the stream, to be written. It refers to the letter and copies nothing.
  struct Message {
    std::array<std::uint8_t, 1 + ParcelReader::kHead> head = {};
    std::size_t head_size = 0;
    Letter letter = {};     // which has the content, if any
    ByteView content = {};  // after the head
  };
  /// The next message on this connection, if any. The caller must have written the previous one.
  std::optional<Message> next();

  /// A message arrived on this connection. Returns what is wrong with it, or "". The mailbox refuses what is
  /// wrong inside a parcel. If it throws, as without memory for a letter, the session cannot go on.
  std::string receive(PartsReader message);
  /// Whether it can go on.
  [[nodiscard]] bool is_whole() const { return is_whole_; }

  /// Whether the other end has acknowledged all pieces.
  [[nodiscard]] bool is_all_acknowledged() const { return kept_.empty() && !parcel_; }
  /// Whether the last parcel of the other end has arrived.
  [[nodiscard]] bool has_heard_end() const { return has_heard_end_; }

 private:
  struct Piece {
    Mailbox::Parcel parcel;
    std::size_t offset = 0;  // in the letter
    std::size_t size = 0;
    [[nodiscard]] std::size_t cost() const { return size + kOverhead; }
  };
  /// Cuts the next piece off the parcel, or off a new one of the mailbox. False if there is no room or no
  /// parcel.
  bool cut();
  /// Of the pieces in kept_, the other end can have at most the first `at_most`.
  std::string acknowledge(std::uint64_t acknowledged, std::size_t at_most);
  std::string receive_any(PartsReader& message);
  std::string receive_piece(PartsReader& message, bool is_first);

  std::size_t peer_;
  Mailbox& mailbox_;

  std::optional<Mailbox::Parcel> parcel_;  // of which pieces remain to be cut
  std::size_t cut_ = 0;                    // the bytes of it that were cut
  std::deque<Piece> kept_;                 // not acknowledged yet
  std::size_t kept_cost_ = 0;
  std::size_t written_ = 0;         // of kept_, the pieces that were written on this connection
  std::uint64_t acknowledged_ = 0;  // the pieces before kept_

  ParcelReader reader_;
  std::uint64_t received_ = 0;       // pieces
  std::size_t owed_ = 0;             // the cost of the pieces that this end has not acknowledged
  std::size_t content_to_come_ = 0;  // of the parcel that arrives
  bool owes_now_ = false;
  bool has_heard_end_ = false;
  bool is_whole_ = true;
};

}  // namespace laconic
