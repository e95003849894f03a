// SPDX-License-Identifier: Apache-2.0
// The letters (transport/mailbox.h) of a served star. Numbers are little-endian; see docs/wire_format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "laconic/core/failure.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"
#include "laconic/transport/board.h"
#include "laconic/transport/mailbox.h"

namespace laconic {

/// The clients of an epoch.
struct Members {
  std::vector<std::uint32_t> gone = {};  // clients that do not take part, ascending
  /// Across sites: the rows of each client, 0 of those that are gone. The others are then numbered from 0, in
  /// their order, and the epoch's problem and method are theirs alone. Else empty: each client has its own
  /// number, and others may hold the data of those that are gone.
  std::vector<std::uint32_t> rows = {};

  [[nodiscard]] bool are_renumbered() const { return !rows.empty(); }
  /// The number of a client that is not gone.
  [[nodiscard]] std::uint32_t number_of(std::uint32_t client) const;
  /// The clients by their numbers.
  [[nodiscard]] std::vector<std::uint32_t> by_number() const;
};

/// From the server, the same to all ranks: compute your answers at x_t.
struct Order {
  static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t epoch = 0;  // number of times that clients were lost, or have arrived
  std::uint32_t start = 0;  // the first round of the epoch
  std::uint32_t round = 0;  // t
  /// Asks for the full gradients at x_t and what they measure, and for nothing else: the answers are
  /// measurements.
  bool evaluates = false;
  Members members = {};
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

/// What a process of clients says after its first letter.
struct AnswerHead {
  enum class Kind : std::uint8_t {
    message,      // of the client, to the order
    ready,        // the process is ready for the epoch
    request,      // the process was asked to end: `round` is the Request
    failure,      // the process cannot go on: the content is the reason, a text
    measurement,  // of the client, to the order that evaluates: the content is its gradient, in f64
  };
  static constexpr std::size_t kBytes = 1 + 4 + 4 + 4 + Envelope::kBytes;

  Kind kind = Kind::message;
  std::uint32_t epoch = 0;
  std::uint32_t round = 0;
  std::uint32_t client = 0;
  Envelope envelope = {};

  /// The letter with this content. A message whose gradient is not finite has none.
  [[nodiscard]] Letter letter(std::span<const std::uint8_t> content = {}) const;
};

/// The same with its content.
struct Answer : AnswerHead {
  Message message = {};

  /// Throws RunError if the letter is shorter than a head.
  static Answer of(const Letter& letter);
};

// The gradient of a measurement.
void write_numbers(View numbers, std::vector<std::uint8_t>& to);
/// Of a content of a multiple of 8 bytes.
Vector numbers_in(const Message& content);

}  // namespace laconic
