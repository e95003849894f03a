// SPDX-License-Identifier: Apache-2.0
// The formats of the fuzzer's bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "laconic/message/bits.h"
#include "laconic/message/message.h"
#include "laconic/served/letters.h"
#include "laconic/sites/session.h"
#include "laconic/transport/parcel_reader.h"

namespace laconic {

/// For decode_fuzz: coordinates (2 bytes), client (1), round (1), then the message.
struct FuzzInput {
  static constexpr std::size_t kPrefix = 4;
  static constexpr std::size_t kDimLimit = 1024;  // longer vectors would only be slower

  Key key;
  std::size_t dim = 0;
  Message message;

  explicit FuzzInput(std::span<const std::uint8_t> bytes)
      : key{.seed = 1, .round = bytes[3], .client = bytes[2], .step = 0, .copy = 0},
        dim((bytes[0] | std::size_t{bytes[1]} << 8) % kDimLimit),
        message{{bytes.begin() + kPrefix, bytes.end()}} {}

  /// The bytes of this message, for a key that the constructor above can make.
  static std::vector<std::uint8_t> bytes_of(const Key& key, std::size_t dim, const Message& message) {
    std::vector<std::uint8_t> bytes = {static_cast<std::uint8_t>(dim), static_cast<std::uint8_t>(dim >> 8),
                                       static_cast<std::uint8_t>(key.client),
                                       static_cast<std::uint8_t>(key.round)};
    bytes.insert(bytes.end(), message.bytes.begin(), message.bytes.end());
    return bytes;
  }
};

/// For answer_fuzz: coordinates (1 byte), then pieces, each after its length (2 bytes).
struct AnswerInput {
  static constexpr std::size_t kPrefix = 1;
  static constexpr std::size_t kDimLimit = 64;

  /// What the server has asked: two rounds, and two of another epoch, with an evaluation after each.
  static std::vector<Order> orders() {
    return {{.epoch = 0, .start = 0, .round = 0}, {.epoch = 0, .start = 0, .round = 1},
            {.epoch = 1, .start = 1, .round = 1}, {.epoch = 1, .start = 1, .round = 1, .evaluates = true},
            {.epoch = 1, .start = 1, .round = 2}, {.epoch = 1, .start = 1, .round = 2, .evaluates = true}};
  }

  /// The bytes of these letters, for fewer than kDimLimit coordinates.
  static std::vector<std::uint8_t> bytes_of(std::size_t dim, const std::vector<Letter>& letters) {
    std::vector<std::uint8_t> bytes = {static_cast<std::uint8_t>(dim)};
    const auto add = [&](std::span<const std::uint8_t> piece) {
      bytes.push_back(static_cast<std::uint8_t>(piece.size()));
      bytes.push_back(static_cast<std::uint8_t>(piece.size() >> 8));
      bytes.insert(bytes.end(), piece.begin(), piece.end());
    };
    for (const Letter& letter : letters) {
      std::uint8_t head[ParcelReader::kHead] = {static_cast<std::uint8_t>(Mailbox::Kind::letter)};
      store_le<std::uint64_t>(letter->size(), head + 1);
      add(head);
      for (std::size_t at = 0; at < letter->size(); at += ParcelReader::kPiece)
        add(std::span(*letter).subspan(at, std::min(ParcelReader::kPiece, letter->size() - at)));
    }
    return bytes;
  }
};

/// For session_fuzz: events, each after its length (2 bytes): what happens and to which end (1 byte), the
/// length of parts (1), a number (8), then bytes of a message.
struct SessionInput {
  static constexpr std::size_t kHead = 1 + 1 + 8;
  static constexpr std::size_t kZeros = 2 * Session::kPiece;
  // What the server accepts, in bytes: a letter of two pieces, and of such letters several.
  static constexpr std::size_t kLetter = Session::kPiece + 20000;
  static constexpr std::size_t kWaiting = 6 * Session::kPiece;

  enum class What : std::uint8_t {
    forge,      // the end receives the bytes, and then zeros of a length up to kZeros
    reconnect,  // on a new connection it receives the number as that of the acknowledged pieces
    post,       // it posts a letter of a length up to kLetter
    write,      // it writes up to 8 messages
    deliver,    // it receives up to 8 of those that the other end has written
    cut,        // the connection breaks, and both ends connect again
    take,       // its letters are taken
    end,        // it ends the run
  };
  struct Event {
    What what = What::forge;
    std::size_t end = 0;   // the rank of the server, or of the site
    std::size_t part = 0;  // the message comes in parts of this length
    std::uint64_t number = 0;
    std::span<const std::uint8_t> bytes = {};
    /// Most numbers are a short length, which takes less time.
    [[nodiscard]] std::size_t length(std::size_t most) const {
      return number <= most ? number : number % 256;
    }
  };

  static std::vector<Event> events_of(std::span<const std::uint8_t> bytes) {
    std::vector<Event> events;
    while (bytes.size() >= 2 + kHead) {
      const std::size_t announced = bytes[0] | std::size_t{bytes[1]} << 8;
      const std::size_t length = std::clamp(announced, kHead, bytes.size() - 2);
      const auto event = bytes.subspan(2, length);
      events.push_back({.what = static_cast<What>(event[0] % 8),
                        .end = event[0] / 8 % 2U,
                        .part = event[1],
                        .number = load_le<std::uint64_t>(event.data() + 2),
                        .bytes = event.subspan(kHead)});
      bytes = bytes.subspan(2 + length);
    }
    return events;
  }

  static void add(const Event& event, std::vector<std::uint8_t>& bytes) {
    const std::size_t length = kHead + event.bytes.size();
    std::uint8_t head[2 + kHead] = {
        static_cast<std::uint8_t>(length), static_cast<std::uint8_t>(length >> 8),
        static_cast<std::uint8_t>(static_cast<std::size_t>(event.what) + 8 * event.end),
        static_cast<std::uint8_t>(event.part)};
    store_le(event.number, head + 4);
    bytes.insert(bytes.end(), std::begin(head), std::end(head));
    bytes.insert(bytes.end(), event.bytes.begin(), event.bytes.end());
  }
};

}  // namespace laconic
