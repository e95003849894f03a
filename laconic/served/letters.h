// SPDX-License-Identifier: Apache-2.0
// What a served star says in letters (transport/mailbox.h). Numbers are little-endian; docs/wire_format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "laconic/core/vec.h"
#include "laconic/message/message.h"
#include "laconic/transport/board.h"
#include "laconic/transport/mailbox.h"

namespace laconic {

/// The server's, the same to all: look at x_t.
struct Order {
  static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t epoch = 0;                  // how many times clients have been lost
  std::uint32_t start = 0;                  // the round with which the epoch began
  std::uint32_t round = 0;                  // t
  std::vector<std::uint32_t> gone = {};     // clients whose process is lost, ascending
  std::vector<std::uint32_t> counted = {};  // of each client, the last round of the epoch in which it counted
  Vector x = {};
  Vector before = {};  // x_{t-1}, where clients look back

  [[nodiscard]] Letter letter() const;
  static Order of(const Letter& letter);
};

/// A client's, about x_t.
struct Answer {
  /// In place of a client: the process is ready for the epoch, and nothing else.
  static constexpr std::uint32_t kJoined = std::numeric_limits<std::uint32_t>::max();

  /// The process was asked to end: the round is the Request.
  static constexpr std::uint32_t kAsked = kJoined - 1;

  std::uint32_t epoch = 0;
  std::uint32_t round = 0;
  std::uint32_t client = 0;
  Envelope envelope = {};
  Message message = {};

  static Letter letter(std::uint32_t epoch, std::uint32_t round, const Entry& entry);
  static Answer of(const Letter& letter);
};

}  // namespace laconic
