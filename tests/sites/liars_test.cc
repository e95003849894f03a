// SPDX-License-Identifier: Apache-2.0
// Sites with a trusted certificate that send anything: each costs its connection, and not the run.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/sites/protocol.h"
#include "laconic/sites/session.h"
#include "tests/sites/ends.h"
#include "tests/sites/pieces.h"
#include "tests/sites/raw_peers.h"

namespace laconic::testing {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

RawMessage greeting() { return Greeting{.session = random_session_id()}.bytes(); }

constexpr std::size_t kLetterLimit = 1000;

struct Lie {
  const char* name;
  std::vector<RawMessage> messages;
  StatusCode code;
  const char* reason;
};

std::vector<Lie> lies() {
  const auto letter = [](std::size_t size) { return first_piece(size, size); };
  RawMessage no_kind = first_piece(0, 0);
  no_kind[1] = 77;
  RawMessage other_version = greeting();
  other_version[1] = 9;
  RawMessage half_a_greeting = greeting();
  half_a_greeting.resize(9);
  const std::uint64_t huge = std::uint64_t{1} << 60;
  return {
      {"nothing", {{}}, StatusCode::INVALID_ARGUMENT, "does not begin with a greeting"},
      {"no greeting", {letter(3)}, StatusCode::INVALID_ARGUMENT, "does not begin with a greeting"},
      {"half a greeting", {half_a_greeting}, StatusCode::INVALID_ARGUMENT, "does not begin with a greeting"},
      {"another version", {other_version}, StatusCode::FAILED_PRECONDITION, "version 1 of the protocol"},
      {"a session that there is not",
       {Greeting{.session = random_session_id(), .continues = true}.bytes()},
       StatusCode::NOT_FOUND,
       "does not know this session"},
      {"pieces before there were any",
       {Greeting{.session = random_session_id(), .acknowledged = 3}.bytes()},
       StatusCode::INVALID_ARGUMENT,
       "acknowledges pieces before it has any"},
      {"two greetings",
       {greeting(), greeting()},
       StatusCode::INVALID_ARGUMENT,
       "a message of the kind 1, which there is not"},
      {"an empty message", {greeting(), {}}, StatusCode::INVALID_ARGUMENT, "an empty message"},
      {"a message of no kind", {greeting(), {200, 1, 2}}, StatusCode::INVALID_ARGUMENT, "of the kind 200"},
      {"a parcel of no kind", {greeting(), no_kind}, StatusCode::INVALID_ARGUMENT, "of the kind 77"},
      {"a piece without its first",
       {greeting(), piece(Tag::more, {1})},
       StatusCode::INVALID_ARGUMENT,
       "a piece out of order"},
      {"half a head",
       {greeting(), piece(Tag::first, {0, 1})},
       StatusCode::INVALID_ARGUMENT,
       "the head of a letter that is cut off"},
      {"a letter with too little",
       {greeting(), first_piece(10, 9)},
       StatusCode::INVALID_ARGUMENT,
       "a piece of 9 bytes; need 10"},
      {"a length beyond the limit",
       {greeting(), first_piece(huge, Session::kPiece)},
       StatusCode::INVALID_ARGUMENT,
       "need at most 1000"},
      {"a long sign of life",
       {greeting(), first_piece(5, 5, Mailbox::Kind::alive)},
       StatusCode::INVALID_ARGUMENT,
       "a sign of 5 bytes; need at most 1"},
      {"acknowledgements of what was not sent",
       {greeting(), piece(Tag::acknowledged, number(1000))},
       StatusCode::INVALID_ARGUMENT,
       "it acknowledges 1000 pieces; need 0 to"},
      {"a short acknowledgement",
       {greeting(), piece(Tag::acknowledged, {1})},
       StatusCode::INVALID_ARGUMENT,
       "an acknowledgement of the wrong length"},
      {"the end of the run",
       {greeting(), first_piece(1, 1, Mailbox::Kind::closed)},
       StatusCode::INVALID_ARGUMENT,
       "it ends the run, which only rank 0 may"},
      {"a message above the limit",
       {greeting(), RawMessage(Session::kLongest + 1)},
       StatusCode::RESOURCE_EXHAUSTED,
       "larger than max"},
      {"a flood",
       {greeting(), letter(900), letter(900), letter(900), letter(900), letter(900), letter(900)},
       StatusCode::INVALID_ARGUMENT,
       "more letters than there is room for"},
  };
}

TEST(SitesLiars, CostTheirConnectionAndNotTheRun) {
  TestServer server({"a", "b"}, kLong, [](Mailbox& mailbox) {
    mailbox.limit({.letter = kLetterLimit, .waiting = 5000});
    while (mailbox.is_lost(2)) mailbox.sleep(0.001);
    while (!mailbox.is_lost(2)) mailbox.sleep(0.001);
    return 0;
  });
  Echo b("b", server.port());
  for (const Lie& lie : lies()) {
    RawSite a(certificates().of("a"), server.port(), lie.messages);
    const grpc::Status status = a.wait();
    EXPECT_EQ(status.error_code(), lie.code) << lie.name << ": " << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(lie.reason)) << lie.name;
    EXPECT_FALSE(server.mailbox().is_lost(2)) << lie.name;
  }
  server.mailbox().post(2, letter_with(900, 1));
  const auto letter = next_letter(server.mailbox());
  ASSERT_TRUE(letter);
  EXPECT_TRUE(**letter == *letter_with(900, 1)) << "letters of the liar are dropped";
  b.leave();
  b.join();
}

}  // namespace
}  // namespace laconic::testing
