// SPDX-License-Identifier: Apache-2.0
// Sessions without a network: two ends, and a connection that the test cuts.
#include "laconic/sites/session.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sites/pieces.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;
using Content = std::vector<std::uint8_t>;

constexpr double kNoSigns = 1e6;  // seconds of patience: no sign of life becomes due during a test

Content content_of(std::size_t size, std::size_t number) {
  Content content(size);
  for (std::size_t j = 0; j < size; ++j)
    content[j] = static_cast<std::uint8_t>((j * 7 + number + j / 251) % 256);
  return content;
}

Content bytes_of(const Session::Message& message) {
  Content bytes(message.head.begin(), message.head.begin() + static_cast<std::ptrdiff_t>(message.head_size));
  bytes.insert(bytes.end(), message.content.begin(), message.content.end());
  return bytes;
}

/// Receives the message in parts that lie anywhere.
std::string receive(Session& session, const Content& bytes, std::size_t parts = 3) {
  std::vector<ByteView> views;
  const std::size_t size = bytes.size() / parts + 1;
  for (std::size_t at = 0; at < bytes.size(); at += size)
    views.push_back(ByteView(bytes).subspan(at, std::min(size, bytes.size() - at)));
  return session.receive(PartsReader(views));
}

/// One end, and what it has written on the present connection.
struct End {
  End(std::size_t rank, std::size_t peer) : mailbox(rank, 2, kNoSigns), session(peer, mailbox) {
    mailbox.limit({.letter = std::size_t{1} << 30, .waiting = std::size_t{1} << 31});
  }
  void post(std::size_t to, const Content& content) {
    mailbox.post(to, std::make_shared<const Content>(content));
  }
  bool write() {
    const auto message = session.next();
    if (message) written.push_back(bytes_of(*message));
    return message.has_value();
  }
  Mailbox mailbox;
  Session session;
  std::deque<Content> written = {};
};

struct Link {
  End server{0, 1};
  End site{1, 0};

  /// Delivers the oldest message that `from` has written.
  static bool deliver(End& from, End& to) {
    if (from.written.empty()) return false;
    EXPECT_EQ(receive(to.session, from.written.front()), "");
    from.written.pop_front();
    return true;
  }
  void cut() {
    server.written.clear();
    site.written.clear();
    EXPECT_EQ(server.session.reconnect(site.session.received()), "");
    EXPECT_EQ(site.session.reconnect(server.session.received()), "");
  }
  /// Moves messages until there are none; cuts before each of these steps, counted from 0.
  std::size_t run(std::size_t first_cut, std::size_t between_cuts) {
    std::size_t step = 0;
    for (bool moves = true; moves; ++step) {
      if (step >= first_cut && (step - first_cut) % between_cuts == 0) cut();
      // Each end is some messages ahead of the other.
      bool wrote = server.write();
      wrote = server.write() || wrote;
      wrote = site.write() || wrote;
      bool delivered = step % 3 != 0 && deliver(server, site);
      delivered = (step % 3 != 0 && deliver(site, server)) || delivered;
      moves = wrote || delivered || !server.written.empty() || !site.written.empty();
    }
    return step;
  }
};

std::vector<Content> taken(Mailbox& mailbox) {
  std::vector<Content> letters;
  while (const auto received = mailbox.take(0)) letters.push_back(*received->letter);
  return letters;
}

TEST(Session, LosesAndDoublesNothingWhereverItIsCut) {
  const std::size_t sizes[] = {0, 1, 100, Session::kPiece, Session::kPiece + 1, 0, 300000, 9000, 1000000, 3};
  std::vector<Content> down;
  std::vector<Content> up;
  for (const std::size_t size : sizes) {
    down.push_back(content_of(size, down.size()));
    up.push_back(content_of(size / 2, 100 + up.size()));
  }
  constexpr std::size_t kNever = 1000000;
  std::size_t steps = 0;
  for (std::size_t first_cut = kNever;; first_cut = first_cut == kNever ? 0 : first_cut + 1) {
    if (steps > 0 && first_cut != kNever && first_cut > steps) break;
    for (const std::size_t between : {kNever, std::size_t{7}}) {
      Link link;
      for (const Content& content : down) link.server.post(1, content);
      for (const Content& content : up) link.site.post(0, content);
      const std::size_t taken_steps = link.run(first_cut, between);
      if (first_cut == kNever) steps = taken_steps;
      ASSERT_EQ(taken(link.site.mailbox), down) << first_cut << " " << between;
      ASSERT_EQ(taken(link.server.mailbox), up) << first_cut << " " << between;
    }
  }
  EXPECT_GT(steps, 20U);
}

TEST(Session, TakesNothingFromTheMailboxWithoutRoom) {
  Link link;
  link.server.post(1, content_of(Session::kPiece, 0));
  for (int k = 0; k < 10; ++k) link.server.post(1, content_of(4 * Session::kPiece, 1));
  std::size_t bytes = 0;
  while (link.server.write()) bytes += link.server.written.back().size();
  EXPECT_LE(bytes, Session::kWindow);
  EXPECT_GT(bytes + Session::kPiece + Session::kOverhead, Session::kWindow);

  link.server.mailbox.recall(1);
  const auto order = [&](std::size_t number) {
    link.server.mailbox.post_newest(1, std::make_shared<const Content>(content_of(10, number)));
  };
  order(5);
  EXPECT_FALSE(link.server.write());
  order(6);
  link.run(1000000, 1);
  const auto letters = taken(link.site.mailbox);
  ASSERT_EQ(letters.size(), 3U) << "one that was begun, and the newest order";
  EXPECT_EQ(letters.back(), content_of(10, 6));
}

TEST(Session, SmallLettersCostNoAcknowledgementEach) {
  Link link;
  for (int k = 0; k < 1000; ++k) {
    link.server.post(1, content_of(100, 0));
    while (link.server.write()) {
    }
    while (Link::deliver(link.server, link.site)) {
    }
    while (link.site.write()) {
    }
  }
  EXPECT_EQ(taken(link.site.mailbox).size(), 1000U);
  EXPECT_LT(link.site.written.size(), 50U);
  EXPECT_GT(link.site.written.size(), 5U);
}

TEST(Session, AcknowledgesTheLastParcelAtOnce) {
  Link link;
  link.site.mailbox.leave();
  ASSERT_TRUE(link.site.write());
  EXPECT_FALSE(link.site.session.is_all_acknowledged());
  Link::deliver(link.site, link.server);
  EXPECT_TRUE(link.server.session.has_heard_end());
  ASSERT_TRUE(link.server.write());
  Link::deliver(link.server, link.site);
  EXPECT_TRUE(link.site.session.is_all_acknowledged());
}

TEST(Session, SaysWhatIsWrong) {
  const struct {
    const char* name;
    std::vector<Content> messages;
    const char* reason;
  } rows[] = {
      {"nothing", {{}}, "an empty message"},
      {"no tag", {{77}}, "of the kind 77"},
      {"a second greeting", {Greeting{}.bytes()}, "of the kind 1"},
      {"a head that is cut off", {piece(Tag::first, Content(8))}, "cut off"},
      {"a piece too short", {first_piece(10, 9)}, "a piece of 9 bytes; need 10"},
      {"a piece too long", {first_piece(10, 11)}, "a piece of 11 bytes; need 10"},
      {"a long piece", {first_piece(1000000, Session::kPiece + 1)}, "need 131072"},
      {"an end that is too long",
       {first_piece(Session::kPiece + 5, Session::kPiece), piece(Tag::more, Content(6))},
       "a piece of 6 bytes; need 5"},
      {"a beginning inside a letter",
       {first_piece(1000000, Session::kPiece), first_piece(1, 1)},
       "out of order"},
      {"a piece of no letter", {piece(Tag::more, Content(5))}, "out of order"},
      {"an acknowledgement of nothing", {piece(Tag::acknowledged, number(1))}, "1 pieces; need 0 to 0"},
      {"of very much", {piece(Tag::acknowledged, number(~std::uint64_t{0}))}, "need 0 to 0"},
      {"that is cut off", {piece(Tag::acknowledged, Content(7))}, "wrong length"},
      {"that is too long", {piece(Tag::acknowledged, Content(9))}, "wrong length"},
      {"an end without its byte",
       {piece(Tag::first, {2, 0, 0, 0, 0, 0, 0, 0, 0})},
       "an end without the byte"},
  };
  for (const auto& row : rows) {
    for (const std::size_t rank : {0, 1}) {
      End end(rank, 1 - rank);
      for (std::size_t k = 0; k < row.messages.size(); ++k) {
        const std::string wrong = receive(end.session, row.messages[k]);
        EXPECT_THAT(wrong, k + 1 < row.messages.size() ? HasSubstr("") : HasSubstr(row.reason)) << row.name;
        EXPECT_EQ(wrong.empty(), k + 1 < row.messages.size()) << row.name;
      }
    }
  }
}

TEST(Session, BelievesNoCountThatCannotBe) {
  End server(0, 1);
  for (int k = 0; k < 3; ++k) server.post(1, content_of(10, 0));
  while (server.write()) {
  }
  EXPECT_EQ(receive(server.session, piece(Tag::acknowledged, number(2))), "");
  EXPECT_THAT(receive(server.session, piece(Tag::acknowledged, number(1))), HasSubstr("need 2 to 3"));
  EXPECT_THAT(receive(server.session, piece(Tag::acknowledged, number(4))), HasSubstr("need 2 to 3"));
  EXPECT_THAT(server.session.reconnect(1), HasSubstr("need 2 to 3"));
  EXPECT_THAT(server.session.reconnect(4), HasSubstr("need 2 to 3"));
  EXPECT_EQ(server.session.reconnect(2), "");
  EXPECT_THAT(receive(server.session, piece(Tag::acknowledged, number(3))), HasSubstr("need 2 to 2"))
      << "the third was not written on this connection yet";
}

TEST(Session, WhatIsWrongInsideALetterIsRefusedByTheMailbox) {
  End server(0, 1);
  server.mailbox.limit({.letter = 1000, .waiting = 2000});
  EXPECT_EQ(receive(server.session, first_piece(std::uint64_t{1} << 62, Session::kPiece)), "");
  EXPECT_THAT(server.mailbox.refusal(1), HasSubstr("need at most 1000"));
  for (int k = 0; k < 5; ++k)
    EXPECT_EQ(receive(server.session, piece(Tag::more, Content(Session::kPiece))), "");
}

TEST(Protocol, ReadsWhatItWrites) {
  const Greeting greeting{.session = random_session_id(), .continues = true, .acknowledged = 12345678901};
  const Content bytes = greeting.bytes();
  const auto read = [](const Content& message) {
    const ByteView part = message;
    return Greeting::of(PartsReader({&part, 1}));
  };
  const auto same = read(bytes);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->session, greeting.session);
  EXPECT_TRUE(same->continues);
  EXPECT_EQ(same->acknowledged, greeting.acknowledged);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(read(Content(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  Content longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(read(longer));
  longer[1] = 9;
  ASSERT_TRUE(read(longer)) << "another version may be longer";
  EXPECT_EQ(read(longer)->version, 9U);
  EXPECT_NE(random_session_id(), random_session_id());

  const Content welcome = Welcome{.rank = 3, .ranks = 5, .patience = 2.5, .acknowledged = 7}.bytes();
  const auto read_welcome = [](const Content& message) {
    const ByteView part = message;
    return Welcome::of(PartsReader({&part, 1}));
  };
  ASSERT_TRUE(read_welcome(welcome));
  EXPECT_EQ(read_welcome(welcome)->patience, 2.5);
  EXPECT_EQ(read_welcome(welcome)->acknowledged, 7U);
  EXPECT_FALSE(read_welcome(Welcome{.rank = 5, .ranks = 5, .patience = 1}.bytes()));
  EXPECT_FALSE(read_welcome(Welcome{.rank = 0, .ranks = 5, .patience = 1}.bytes()));
  EXPECT_FALSE(read_welcome(Welcome{.rank = 1, .ranks = 5, .patience = 0}.bytes()));
}

}  // namespace
}  // namespace laconic::testing
