// SPDX-License-Identifier: Apache-2.0
// Letters of processes of clients, right and wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "laconic/message/wire.h"
#include "laconic/served/letters.h"

namespace laconic::testing {

inline Letter letter_of(std::vector<std::uint8_t> bytes) {
  return std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
}
/// Its first `length` bytes.
inline Letter cut(const Letter& letter, std::size_t length) {
  return letter_of({letter->begin(), letter->begin() + static_cast<std::ptrdiff_t>(length)});
}
/// With one byte more.
inline Letter longer(const Letter& letter) {
  std::vector<std::uint8_t> bytes = *letter;
  bytes.push_back(0);
  return letter_of(std::move(bytes));
}

/// The answer of a client that sends this vector.
inline Entry dense_entry(std::uint32_t client, View vector) {
  Entry entry;
  entry.key.client = client;
  write_dense(Wire::f32, vector, entry.message);
  entry.envelope.describe(entry.message, vector.size());
  return entry;
}
inline Letter message_letter(std::uint32_t epoch, std::uint32_t round, const Entry& entry) {
  const AnswerHead head = {
      .epoch = epoch, .round = round, .client = entry.key.client, .envelope = entry.envelope};
  return entry.envelope.finite ? head.letter(entry.message.bytes) : head.letter();
}
inline Letter dense_letter(std::uint32_t epoch, std::uint32_t round, std::uint32_t client, View vector) {
  return message_letter(epoch, round, dense_entry(client, vector));
}

inline Letter ready_letter(std::uint32_t epoch, std::uint32_t round) {
  return AnswerHead{.kind = Answer::Kind::ready, .epoch = epoch, .round = round}.letter();
}
inline Letter request_letter(std::uint32_t request) {
  return AnswerHead{.kind = Answer::Kind::request, .round = request}.letter();
}
inline Letter failure_letter(const std::string& reason) {
  return AnswerHead{.kind = Answer::Kind::failure}.letter(
      {reinterpret_cast<const std::uint8_t*>(reason.data()), reason.size()});
}
inline Letter measurement_letter(std::uint32_t epoch, std::uint32_t round, std::uint32_t client,
                                 View gradient, const Measured& measured = {}) {
  std::vector<std::uint8_t> content;
  write_numbers(gradient, content);
  const AnswerHead head = {.kind = Answer::Kind::measurement,
                           .epoch = epoch,
                           .round = round,
                           .client = client,
                           .envelope = {.bytes = content.size(), .measured = measured}};
  return head.letter(content);
}

/// A bitmap message of dim coordinates, fewer than 8, with a bit behind the last one.
inline std::vector<std::uint8_t> bitmap_beyond(std::size_t dim) {
  return {5, static_cast<std::uint8_t>(1U << dim), 0, 0, 128, 63};
}

}  // namespace laconic::testing
