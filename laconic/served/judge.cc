// SPDX-License-Identifier: Apache-2.0
#include "laconic/served/judge.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/failure.h"
#include "laconic/core/request.h"

namespace laconic {
namespace {

using Verdict = Judge::Verdict;

/// Far above what an answer can need, and so low that no sum of them overflows.
constexpr std::uint64_t kMostCalls = std::uint64_t{1} << 48;

Verdict wrong(std::string reason) { return {.kind = Verdict::Kind::wrong, .reason = std::move(reason)}; }

Verdict accepted(Verdict::Kind kind, Answer&& answer) { return {.kind = kind, .answer = std::move(answer)}; }

}  // namespace

Judge::Judge(std::size_t dim, std::uint64_t seed, const std::vector<Range>& owned)
    : seed_(seed), decoded_(dim) {
  for (const Range clients : owned) {
    const std::vector<std::optional<Moment>> never(clients.size());
    senders_.push_back({.clients = clients, .answered = never, .measured = never});
  }
}

void Judge::add(const Order& order) {
  ++orders_;
  if (order.evaluates) {
    evaluation_ = {order.epoch, order.round};
    return;
  }
  if (epochs_.empty() || epochs_.back().number != order.epoch)
    epochs_.push_back({.number = order.epoch, .first = order.round});
  epochs_.back().last = order.round;
  key_ = order.key(seed_);
  members_ = order.members;
}

bool Judge::was_sent(const Moment& order) const {
  return std::any_of(epochs_.begin(), epochs_.end(), [&](const Epoch& epoch) {
    return epoch.number == order.epoch && epoch.first <= order.round && order.round <= epoch.last;
  });
}

Verdict Judge::judge(std::size_t process, const Letter& letter) {
  using Kind = Answer::Kind;
  if (letter->size() < Answer::kBytes)
    return wrong(
        fmt::format("it sends a letter of {} bytes; need {} or more", letter->size(), Answer::kBytes));
  Answer answer = Answer::of(letter);
  Sender& sender = senders_.at(process);
  switch (answer.kind) {
    case Kind::ready:
      return judge_ready(sender, std::move(answer));
    case Kind::request:
      return judge_request(sender, std::move(answer));
    case Kind::failure:
      return judge_failure(answer);
    case Kind::message:
    case Kind::measurement:
      return judge_answer(sender, std::move(answer));
  }
  return wrong(fmt::format("it sends a letter of the kind {}, which there is not", (*letter)[0]));
}

Verdict Judge::judge_ready(Sender& sender, Answer answer) const {
  if (!was_sent({answer.epoch, answer.round}))
    return wrong(
        fmt::format("it is ready for epoch {} in round {}, which there is not", answer.epoch, answer.round));
  if (sender.ready && *sender.ready >= answer.epoch)
    return wrong(fmt::format("it is ready for epoch {} again", answer.epoch));
  if (!answer.message.bytes.empty()) return wrong("it is ready for an epoch, and sends a message with that");
  sender.ready = answer.epoch;
  return accepted(Verdict::Kind::ready, std::move(answer));
}

Verdict Judge::judge_request(Sender& sender, Answer answer) const {
  const auto is = [&](Request request) { return answer.round == static_cast<std::uint32_t>(request); };
  if (!is(Request::interrupt) && !is(Request::terminate))
    return wrong(fmt::format("it was asked for {}, which there is not", answer.round));
  if (!answer.message.bytes.empty()) return wrong("it was asked to end, and sends a message with that");
  if (++sender.requests > orders_ + 2) return wrong("it was asked to end, and repeats that without an order");
  return accepted(Verdict::Kind::request, std::move(answer));
}

Verdict Judge::judge_failure(const Answer& answer) {
  constexpr std::size_t kMost = 1000;  // bytes of the reason
  const std::vector<std::uint8_t>& text = answer.message.bytes;
  std::string reason(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(text.size(), kMost)));
  if (!is_utf8(reason)) reason = "a text that is not UTF-8";
  for (char& each : reason) {
    if (static_cast<unsigned char>(each) < ' ' || each == '\x7f') each = ' ';
  }
  return {.kind = Verdict::Kind::failure, .reason = reason.empty() ? "it does not say why" : reason};
}

Verdict Judge::judge_answer(Sender& sender, Answer answer) {
  if (!sender.clients.contains(answer.client))
    return wrong(fmt::format("it answers for client {}, which it does not have", answer.client));
  const bool measures = answer.kind == Answer::Kind::measurement;
  const Moment about{answer.epoch, answer.round};
  if (!was_sent(about) || (measures && (!evaluation_ || about > *evaluation_)))
    return wrong(fmt::format("it answers for round {} of epoch {}, for which there was no order",
                             answer.round, answer.epoch));
  std::vector<std::optional<Moment>>& all_answered = measures ? sender.measured : sender.answered;
  std::optional<Moment>& answered = all_answered[answer.client - sender.clients.begin];
  if (answered && *answered >= about)
    return wrong(fmt::format("it answers for client {} in round {} again", answer.client, answer.round));
  if (answer.envelope.bytes != answer.message.bytes.size())
    return wrong(fmt::format("the message of client {} has {} bytes; its envelope says {}", answer.client,
                             answer.message.bytes.size(), answer.envelope.bytes));
  const Moment newest = measures ? *evaluation_ : Moment{epochs_.back().number, epochs_.back().last};
  const bool is_newest = about == newest;
  if (is_newest && sender.ready != answer.epoch)
    return wrong(fmt::format("it answers in epoch {}, and was not ready for it", answer.epoch));
  answered = about;
  if (!is_newest) return accepted(Verdict::Kind::late, std::move(answer));
  return measures ? judge_measurement(std::move(answer)) : judge_message(std::move(answer));
}

Verdict Judge::judge_measurement(Answer answer) const {
  const std::uint32_t client = answer.client;
  const auto& [value, correct] = answer.envelope.measured;
  if (answer.message.bytes.size() != sizeof(double) * decoded_.size())
    return wrong(fmt::format("the gradient of client {} has {} bytes; need {}", client,
                             answer.message.bytes.size(), sizeof(double) * decoded_.size()));
  if (members_.are_renumbered() && !(correct >= 0 && correct <= members_.rows[client]))
    return wrong(fmt::format("client {} classifies {} rows correctly, and has {}", client, correct,
                             members_.rows[client]));
  // A mean of such measurements and its norm are finite, too.
  constexpr double kMost = 1e300;
  if (std::abs(value) <= kMost && norm_sq(numbers_in(answer.message)) <= kMost)
    return accepted(Verdict::Kind::in_time, std::move(answer));
  Verdict verdict = accepted(Verdict::Kind::not_finite, std::move(answer));
  verdict.reason =
      fmt::format("f or the squared gradient norm of client {} at x is above 1e300 or not finite", client);
  return verdict;
}

Verdict Judge::judge_message(Answer answer) {
  const std::uint32_t client = answer.client;
  const Envelope& envelope = answer.envelope;
  if (envelope.calls > kMostCalls)
    return wrong(
        fmt::format("client {} counts {} gradients; need at most {}", client, envelope.calls, kMostCalls));
  if (!envelope.finite) {
    if (envelope.bytes > 0)
      return wrong(fmt::format("the gradient of client {} is not finite, and it sends a message", client));
    Verdict verdict = accepted(Verdict::Kind::not_finite, std::move(answer));
    verdict.reason = fmt::format("the gradient of client {} is not finite", client);
    return verdict;
  }
  if (envelope.bytes == 0) return wrong(fmt::format("client {} sends no message", client));
  Key key = key_;
  key.client = members_.number_of(client);
  try {
    Envelope described;
    described.describe(answer.message, decoded_.size());
    if (envelope.first_byte != described.first_byte || envelope.floats != described.floats)
      return wrong(fmt::format("the envelope of client {} is of another message", client));
    std::fill(decoded_.begin(), decoded_.end(), 0.0);
    decode_add(key, answer.message, 1, decoded_);
  } catch (const RunError& error) {
    return wrong(fmt::format("client {} sends {}", client, error.what()));
  }
  if (all_finite(decoded_)) return accepted(Verdict::Kind::in_time, std::move(answer));
  Verdict verdict = accepted(Verdict::Kind::not_finite, std::move(answer));
  verdict.reason = fmt::format("the message of client {} is not finite", client);
  return verdict;
}

}  // namespace laconic
