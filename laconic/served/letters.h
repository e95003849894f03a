// SPDX-License-Identifier: Apache-2.0
// The letters (transport/mailbox.h) of a served star. Numbers are little-endian; see docs/wire_format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "laconic/core/failure.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"
#include "laconic/transport/board.h"
#include "laconic/transport/mailbox.h"

namespace laconic {

/// From the server, the same to all ranks: compute your answers at x_t.
struct Order {
  static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t epoch = 0;               // number of times that clients have been lost
  std::uint32_t start = 0;               // the first round of the epoch
  std::uint32_t round = 0;               // t
  std::vector<std::uint32_t> gone = {};  // clients of lost processes, ascending
  // for each client, the last round of the epoch in which it counted
  std::vector<std::uint32_t> counted = {};
  Vector x = {};
  Vector before = {};  // x_{t-1}, if clients need it

  [[nodiscard]] Letter letter() const;
  static Order of(const Letter& letter);
  /// The key of the draws in its round, in a run with this seed.
  [[nodiscard]] Key key(std::uint64_t seed) const;
};

/// The first letter of a process of clients: the facts of its run, or the failure for which it cannot begin.
struct Hello {
  Failure::Kind kind = Failure::Kind::none;
  std::string text = {};  // the facts, one a line; or the message of the failure, one line

  [[nodiscard]] Letter letter() const;
  /// Throws RunError if the letter is none.
  static Hello of(const Letter& letter);
};

/// From a client, about x_t.
struct Answer {
  /// The bytes of the letter before its message.
  static constexpr std::size_t kHead = 4 + 4 + 4 + Envelope::kBytes;

  /// In place of a client number: the process is ready for the epoch. The letter has no other content.
  static constexpr std::uint32_t kJoined = std::numeric_limits<std::uint32_t>::max();

  /// In place of a client number: the process was asked to end. `round` holds the Request.
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
