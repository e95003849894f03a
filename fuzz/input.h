// SPDX-License-Identifier: Apache-2.0
// The formats of the fuzzer's bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "laconic/message/bits.h"
#include "laconic/message/message.h"
#include "laconic/served/letters.h"
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

}  // namespace laconic
