// SPDX-License-Identifier: Apache-2.0
// The format of the fuzzer's bytes: coordinates (2 bytes), client (1), round (1), then the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "laconic/message/message.h"

namespace laconic {

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

}  // namespace laconic
