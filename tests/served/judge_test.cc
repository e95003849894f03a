// SPDX-License-Identifier: Apache-2.0
// What the server of a served star accepts, letter by letter.
#include "laconic/served/judge.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/compress/compressor.h"
#include "laconic/core/request.h"
#include "laconic/core/spec.h"
#include "laconic/message/wire.h"
#include "tests/served/letters.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;
using Kind = Judge::Verdict::Kind;

constexpr std::size_t kDim = 4;
constexpr double kInfinite = std::numeric_limits<double>::infinity();

/// Process 1 has the clients 0 to 2, process 2 those from 3 to 5. Epoch 0 has the rounds 0 to 2, epoch 1 the
/// rounds 2 and 3. Process 1 is ready for both, and its client 0 has answered in round 1.
Judge judge_of_two() {
  Judge judge(kDim, 3, {{0, 0}, {0, 3}, {3, 6}});
  for (std::uint32_t t = 0; t <= 2; ++t) judge.add({.epoch = 0, .start = 0, .round = t});
  EXPECT_EQ(judge.judge(1, ready_letter(0, 0)).kind, Kind::ready);
  EXPECT_EQ(judge.judge(1, dense_letter(0, 1, 0, Vector(kDim, 0.5))).kind, Kind::late);
  judge.add({.epoch = 1, .start = 2, .round = 2});
  judge.add({.epoch = 1, .start = 2, .round = 2, .evaluates = true});
  judge.add({.epoch = 1, .start = 2, .round = 3, .members = {.gone = {5}, .rows = {9, 9, 9, 9, 9, 0}}});
  judge.add({.epoch = 1, .start = 2, .round = 3, .evaluates = true});
  EXPECT_EQ(judge.judge(1, ready_letter(1, 2)).kind, Kind::ready);
  return judge;
}

Entry honest(std::uint32_t client = 1) { return dense_entry(client, Vector(kDim, 0.5)); }

/// The answer of client 1 in the newest round, changed.
Letter changed(const std::function<void(Entry&)>& change) {
  Entry entry = honest();
  change(entry);
  return message_letter(1, 3, entry);
}

/// The same with these bytes for a message, and an envelope that fits them.
Letter with_message(std::vector<std::uint8_t> bytes, double floats = 0) {
  return changed([&](Entry& entry) {
    entry.message.bytes = std::move(bytes);
    entry.envelope.bytes = entry.message.bytes.size();
    entry.envelope.floats = floats;
    if (entry.envelope.bytes > 0) entry.envelope.first_byte = entry.message.bytes[0];
  });
}

struct Row {
  const char* name;
  Letter letter;
  Kind kind;
  const char* reason = "";  // a part of it
};

std::vector<Row> rows() {
  const Letter answer = message_letter(1, 3, honest());
  const auto dense_of = [](double value) { return dense_letter(1, 3, 1, Vector{0.5, value, 0.5, 0.5}); };
  return {
      {"an answer", answer, Kind::in_time},
      {"an answer to the order before", message_letter(1, 2, honest()), Kind::late},
      {"an answer of the epoch before", message_letter(0, 2, honest()), Kind::late},
      {"an older answer of another client", message_letter(0, 0, honest(2)), Kind::late},
      {"a request", request_letter(2), Kind::request},
      {"another request", request_letter(3), Kind::request},
      {"a measurement", measurement_letter(1, 3, 1, Vector(kDim, 2.5), {1.5, 9}), Kind::in_time},
      {"a measurement of the round before", measurement_letter(1, 2, 1, Vector(kDim, 2.5)), Kind::late},
      {"a measurement that is not finite", measurement_letter(1, 3, 1, Vector(kDim, kInfinite)),
       Kind::not_finite, "f or the squared gradient norm of client 1 at x is above 1e300"},
      {"a gradient with a squared norm that is not finite", measurement_letter(1, 3, 1, Vector(kDim, 1e200)),
       Kind::not_finite, "f or the squared gradient norm of client 1 at x is above 1e300"},
      {"a value of f that could make a sum infinite", measurement_letter(1, 3, 1, Vector(kDim), {1e308, 0}),
       Kind::not_finite, "f or the squared gradient norm of client 1 at x is above 1e300"},
      {"a value of f that is not finite", measurement_letter(1, 3, 1, Vector(kDim), {kInfinite, 0}),
       Kind::not_finite, "f or the squared gradient norm of client 1 at x is above 1e300"},
      {"a failure", failure_letter("the disk is full"), Kind::failure, "the disk is full"},
      {"a failure with control characters", failure_letter("a\n\x1b[2Jb"), Kind::failure, "a  [2Jb"},
      {"a failure that is no text", failure_letter("\xff"), Kind::failure, "not UTF-8"},
      {"a failure without a reason", failure_letter(""), Kind::failure, "it does not say why"},
      {"a measurement of another dimension", measurement_letter(1, 3, 1, Vector(kDim + 1)), Kind::wrong,
       "the gradient of client 1 has 40 bytes; need 32"},
      {"more correct rows than it has", measurement_letter(1, 3, 1, Vector(kDim), {0.5, 10}), Kind::wrong,
       "client 1 classifies 10 rows correctly, and has 9"},
      {"correct rows that are no number",
       measurement_letter(1, 3, 1, Vector(kDim), {0.5, kInfinite - kInfinite}), Kind::wrong,
       "rows correctly"},
      {"a measurement for which it was not asked", measurement_letter(1, 4, 1, Vector(kDim)), Kind::wrong,
       "round 4 of epoch 1"},
      {"a kind that there is not", letter_of(std::vector<std::uint8_t>(60, 5)), Kind::wrong,
       "a letter of the kind 5"},
      {"no gradient", changed([](Entry& e) { e.envelope = {.finite = false}; }), Kind::not_finite,
       "the gradient of client 1 is not finite"},
      {"a value that is infinite", dense_of(kInfinite), Kind::not_finite,
       "the message of client 1 is not finite"},
      {"a value that is no number", dense_of(kInfinite - kInfinite), Kind::not_finite,
       "the message of client 1 is not finite"},
      {"nothing", letter_of({}), Kind::wrong, "it sends a letter of 0 bytes; need 55 or more"},
      {"a head that is cut off", cut(answer, 54), Kind::wrong, "it sends a letter of 54 bytes"},
      {"a message that is cut off", cut(answer, answer->size() - 1), Kind::wrong,
       "has 16 bytes; its envelope says 17"},
      {"a message that is too long", longer(answer), Kind::wrong, "has 18 bytes; its envelope says 17"},
      {"another's client", message_letter(1, 3, honest(3)), Kind::wrong, "client 3, which it does not have"},
      {"a client that there is not", message_letter(1, 3, honest(6)), Kind::wrong, "it answers for client 6"},
      {"a round to come", message_letter(1, 4, honest()), Kind::wrong,
       "round 4 of epoch 1, for which there was no order"},
      {"an epoch to come", message_letter(2, 3, honest()), Kind::wrong, "round 3 of epoch 2"},
      {"a round after its epoch", message_letter(0, 3, honest()), Kind::wrong, "round 3 of epoch 0"},
      {"a round before its epoch", message_letter(1, 1, honest()), Kind::wrong, "round 1 of epoch 1"},
      {"the same answer again", message_letter(0, 1, honest(0)), Kind::wrong,
       "it answers for client 0 in round 1 again"},
      {"an answer before its last", message_letter(0, 0, honest(0)), Kind::wrong, "in round 0 again"},
      {"no message", with_message({}), Kind::wrong, "client 1 sends no message"},
      {"no format", with_message({0x7f, 1, 2, 3}), Kind::wrong, "begins with 0x7f, which is no format"},
      {"another dimension", dense_letter(1, 3, 1, Vector(kDim + 1, 0.5)), Kind::wrong, "need 17 bytes"},
      {"an index beyond d", with_message(bitmap_beyond(kDim), 1), Kind::wrong,
       "client 1 sends a bitmap message"},
      {"another first byte", changed([](Entry& e) { e.envelope.first_byte = 9; }), Kind::wrong,
       "the envelope of client 1 is of another message"},
      {"another count", changed([](Entry& e) { e.envelope.floats = 1; }), Kind::wrong, "of another message"},
      {"a count that is no number", changed([](Entry& e) { e.envelope.floats = kInfinite - kInfinite; }),
       Kind::wrong, "of another message"},
      {"too many gradients", changed([](Entry& e) { e.envelope.calls = ~std::uint64_t{0}; }), Kind::wrong,
       "client 1 counts 18446744073709551615 gradients"},
      {"no gradient, and more", longer(changed([](Entry& e) { e.envelope = {.bytes = 1, .finite = false}; })),
       Kind::wrong, "and it sends a message"},
      {"ready again", ready_letter(1, 2), Kind::wrong, "it is ready for epoch 1 again"},
      {"ready for the epoch before", ready_letter(0, 0), Kind::wrong, "it is ready for epoch 0 again"},
      {"ready for an epoch to come", ready_letter(2, 4), Kind::wrong,
       "epoch 2 in round 4, which there is not"},
      {"ready, and more", longer(ready_letter(1, 3)), Kind::wrong, "again"},
      {"a request for nothing", request_letter(0), Kind::wrong, "it was asked for 0"},
      {"a request for a checkpoint", request_letter(1), Kind::wrong, "it was asked for 1"},
      {"a request that there is not", request_letter(4), Kind::wrong, "it was asked for 4"},
      {"a request, and more", longer(request_letter(2)), Kind::wrong, "and sends a message"},
  };
}

TEST(Judge, KnowsEachKindOfLetter) {
  for (const Row& row : rows()) {
    Judge judge = judge_of_two();
    const Judge::Verdict verdict = judge.judge(1, row.letter);
    EXPECT_EQ(verdict.kind, row.kind) << row.name << ": " << verdict.reason;
    EXPECT_THAT(verdict.reason, HasSubstr(row.reason)) << row.name;
    const bool is_fault =
        row.kind == Kind::wrong || row.kind == Kind::not_finite || row.kind == Kind::failure;
    EXPECT_EQ(verdict.reason.empty(), !is_fault) << row.name;
  }
}

TEST(Judge, AllowsOneAnswerToEachOrder) {
  Judge judge = judge_of_two();
  for (std::uint32_t client : {0, 1, 2}) {
    EXPECT_EQ(judge.judge(1, message_letter(1, 3, honest(client))).kind, Kind::in_time);
    EXPECT_EQ(judge.judge(1, message_letter(1, 3, honest(client))).kind, Kind::wrong) << "a flood";
    EXPECT_EQ(judge.judge(1, message_letter(1, 2, honest(client))).kind, Kind::wrong);
  }
  judge.add({.epoch = 1, .start = 2, .round = 4});
  EXPECT_EQ(judge.judge(1, message_letter(1, 4, honest(0))).kind, Kind::in_time);
  EXPECT_EQ(judge.judge(1, message_letter(1, 3, honest(1))).kind, Kind::wrong);
}

TEST(Judge, AllowsOneMeasurementToEachOrderThatEvaluates) {
  Judge judge = judge_of_two();
  const Letter measurement = measurement_letter(1, 3, 1, Vector(kDim));
  EXPECT_EQ(judge.judge(1, measurement).kind, Kind::in_time);
  EXPECT_THAT(judge.judge(1, measurement).reason, HasSubstr("it answers for client 1 in round 3 again"));
  EXPECT_EQ(judge.judge(1, message_letter(1, 3, honest(1))).kind, Kind::in_time) << "the message is another";
  judge.add({.epoch = 1, .start = 2, .round = 4});
  EXPECT_THAT(judge.judge(1, measurement_letter(1, 4, 1, Vector(kDim))).reason, HasSubstr("no order"));
}

TEST(Judge, DecodesWithTheNumberOfTheClientInTheEpoch) {
  constexpr std::uint32_t kClient = 3;  // and number 1, as two before it are gone
  Judge judge(kDim, 3, {{0, 0}, {0, 4}});
  const Order order = {.members = {.gone = {0, 2}, .rows = {0, 9, 0, 9}}};
  judge.add(order);
  EXPECT_EQ(judge.judge(1, ready_letter(0, 0)).kind, Kind::ready);
  const auto perm_k = make_compressor(parse("perm-k"), {.dim = kDim, .clients = 2});
  Entry entry;
  entry.key = order.key(3);
  entry.key.client = 1;
  perm_k->compress(entry.key, Vector(kDim, 0.5), entry.message);
  entry.envelope.describe(entry.message, kDim);
  entry.key.client = kClient;
  EXPECT_EQ(judge.judge(1, message_letter(0, 0, entry)).kind, Kind::in_time);
}

TEST(Judge, NeedsAProcessThatIsReady) {
  Judge judge = judge_of_two();
  EXPECT_THAT(judge.judge(2, message_letter(1, 3, honest(4))).reason, HasSubstr("was not ready"));
  EXPECT_EQ(judge.judge(2, ready_letter(0, 1)).kind, Kind::ready)
      << "for the epoch before: its letter was slow";
  EXPECT_THAT(judge.judge(2, message_letter(1, 3, honest(4))).reason, HasSubstr("was not ready"));
  EXPECT_EQ(judge.judge(2, ready_letter(1, 3)).kind, Kind::ready);
  EXPECT_EQ(judge.judge(2, message_letter(1, 3, honest(4))).kind, Kind::in_time);
}

TEST(Judge, AllowsARequestAfterEachOrderAndTwoMore) {
  Judge judge = judge_of_two();  // after seven orders
  for (int k = 0; k < 9; ++k) EXPECT_EQ(judge.judge(1, request_letter(2)).kind, Kind::request) << k;
  EXPECT_THAT(judge.judge(1, request_letter(2)).reason, HasSubstr("repeats that without an order"));
  EXPECT_EQ(judge.judge(2, request_letter(3)).kind, Kind::request) << "another process";
}

TEST(Judge, KnowsNothingBeforeTheFirstOrder) {
  Judge judge(0, 0, std::vector<Range>(2));
  EXPECT_EQ(judge.judge(1, request_letter(2)).kind, Kind::request);
  EXPECT_EQ(judge.judge(1, ready_letter(0, 0)).kind, Kind::wrong);
  EXPECT_EQ(judge.judge(1, message_letter(0, 0, honest(0))).kind, Kind::wrong);
}

}  // namespace
}  // namespace laconic::testing
