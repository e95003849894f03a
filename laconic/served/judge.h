// SPDX-License-Identifier: Apache-2.0
// What the server of a served star accepts from the processes of clients, whatever carried it. A process may
// have a fault or lie, so nothing in its letters is trusted.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "laconic/core/range.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/served/letters.h"

namespace laconic {

/// Knows the orders that were sent, and what each process has sent about them. A valid letter is one of
/// these:
///   the process is ready for an epoch: once in each epoch for which there was an order;
///   it was asked to end: once after each order, and twice in addition;
///   it has failed, with a reason;
///   a message of a client that the process has, to an order that was sent. The orders that a client answers
///     ascend, so that it answers none twice. An answer to an order before the newest is late. An answer to
///     the newest needs a process that is ready, an envelope that describes its message, and a message that
///     decodes to `dim` numbers;
///   a measurement of such a client, to an order that evaluates, in the same way. Its gradient has `dim`
///     numbers, and it counts at most the rows of the client. f and the squared norm of the gradient are not
///     above 1e300, or count as not finite.
/// The judgement is a function of the orders and of the letters in their order, and of nothing else.
class Judge {
 public:
  /// `owned`: the clients of each process, by its number.
  Judge(std::size_t dim, std::uint64_t seed, const std::vector<Range>& owned);

  /// The most bytes of a valid letter. Leaves room for formats of the caller's own.
  [[nodiscard]] std::size_t longest() const { return (std::size_t{1} << 16) + 64 * decoded_.size(); }

  /// The order is sent to all processes. Orders have ascending epochs and, within an epoch, consecutive
  /// rounds. An order that evaluates has the round of the one before.
  void add(const Order& order);

  struct Verdict {
    enum class Kind : std::uint8_t {
      ready,       // of the epoch answer.epoch, which may be an earlier one
      request,     // answer.round is the Request
      failure,     // of the process, as `reason` says
      late,        // an answer to an earlier order
      in_time,     // an answer to the newest order of its kind
      not_finite,  // the same, but its gradient or a value of its message is not finite, as `reason` says
      wrong,       // anything else, as `reason` says
    };
    Kind kind = Kind::wrong;
    Answer answer = {};
    std::string reason = {};
  };
  /// Of the next letter of a process. Cost for an answer in time: a decoding, and a pass over dim numbers.
  Verdict judge(std::size_t process, const Letter& letter);

 private:
  /// The orders of an epoch.
  struct Epoch {
    std::uint32_t number = 0;
    std::uint32_t first = 0;  // rounds
    std::uint32_t last = 0;
  };
  struct Moment {
    std::uint32_t epoch = 0;
    std::uint32_t round = 0;
    auto operator<=>(const Moment&) const =
        default;  // NOLINT(modernize-use-nullptr): a fault of clang-tidy 14
  };
  /// What a process has sent.
  struct Sender {
    Range clients;
    std::optional<std::uint32_t> ready = {};           // the newest epoch for which it is ready
    std::vector<std::optional<Moment>> answered = {};  // by client, the newest order
    std::vector<std::optional<Moment>> measured = {};  // by client, the newest order that evaluates
    std::size_t requests = 0;
  };

  [[nodiscard]] bool was_sent(const Moment& order) const;
  Verdict judge_ready(Sender& sender, Answer answer) const;
  Verdict judge_request(Sender& sender, Answer answer) const;
  static Verdict judge_failure(const Answer& answer);
  /// Of a message or a measurement.
  Verdict judge_answer(Sender& sender, Answer answer);
  /// Of a message to the newest order.
  Verdict judge_message(Answer answer);
  /// Of a measurement to the newest order that evaluates.
  [[nodiscard]] Verdict judge_measurement(Answer answer) const;

  std::uint64_t seed_;
  std::vector<Epoch> epochs_;  // ascending
  std::size_t orders_ = 0;
  Key key_;                           // of the newest order
  Members members_;                   // of the newest order
  std::optional<Moment> evaluation_;  // the newest order that evaluates
  std::vector<Sender> senders_;
  Vector decoded_;
};

}  // namespace laconic
