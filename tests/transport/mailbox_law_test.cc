// SPDX-License-Identifier: Apache-2.0
// The mailbox compared with a simple model, for all kinds of calls in any order. served_test.cc tests the
// ranks that use mailboxes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/transport/mailbox.h"

namespace laconic::testing {
namespace {

using ::testing::ElementsAre;

constexpr double kLong = 1e6;  // seconds of patience: no sign of life becomes due during a test

Letter letter_of(const std::string& text) {
  return std::make_shared<const std::vector<std::uint8_t>>(text.begin(), text.end());
}
std::string text_of(const Letter& letter) { return {letter->begin(), letter->end()}; }

std::string name_of(Mailbox::Kind kind) {
  switch (kind) {
    case Mailbox::Kind::letter:
      return "letter";
    case Mailbox::Kind::alive:
      return "alive";
    case Mailbox::Kind::closed:
      return "closed";
    case Mailbox::Kind::closed_broken:
      return "closed-broken";
    case Mailbox::Kind::left:
      return "left";
  }
  return "?";
}

/// The result of next_for(), as a word; "" for none.
std::string word_of(const std::optional<Mailbox::Parcel>& parcel) {
  if (!parcel) return "";
  return parcel->kind == Mailbox::Kind::letter ? text_of(parcel->letter) : name_of(parcel->kind);
}

/// Rank 0's side of the exchange with one rank, as mailbox.h specifies it.
struct Model {
  struct Waiting {
    std::string text;
    bool replaceable = false;
  };
  std::deque<Waiting> waiting;
  bool cut = false;  // nothing is sent there any more
  bool closed = false;
  bool broken = false;
};

enum class Op : std::uint8_t { post, post_newest, next_for, recall, give_up, mute, has_left, close };
constexpr std::array kOps = {Op::post,    Op::post_newest, Op::next_for, Op::recall,
                             Op::give_up, Op::mute,        Op::has_left, Op::close};

/// Applies each operation to a mailbox of rank 0 among `ranks` ranks and to the model of each other rank.
class Both {
 public:
  explicit Both(std::size_t ranks) : mailbox_(0, ranks, kLong), models_(ranks) {}

  void act(Op op, std::size_t rank) {
    Model& model = models_[rank];
    const std::string text = std::to_string(next_text_++);
    switch (op) {
      case Op::post:
        mailbox_.post(rank, letter_of(text));
        if (!model.cut) model.waiting.push_back({text, false});
        break;
      case Op::post_newest:
        mailbox_.post_newest(rank, letter_of(text));
        if (model.cut) break;
        if (!model.waiting.empty() && model.waiting.back().replaceable) model.waiting.pop_back();
        model.waiting.push_back({text, true});
        break;
      case Op::next_for:
        ASSERT_EQ(word_of(mailbox_.next_for(rank)), next_of(model)) << log_;
        break;
      case Op::recall:
        mailbox_.recall(rank);
        model.waiting.clear();
        break;
      case Op::give_up:
        mailbox_.give_up(rank);
        cut(model, true);
        break;
      case Op::mute:
        mailbox_.mute();
        for (Model& each : models_) cut(each, false);
        break;
      case Op::has_left:
        mailbox_.deliver(rank, {Mailbox::Kind::left, {}});
        cut(model, true);
        break;
      case Op::close:
        mailbox_.close(7);
        for (Model& each : models_) each.closed = true;
        break;
    }
    log_ += " " + std::to_string(static_cast<int>(op)) + ":" + std::to_string(rank);
  }

  /// Takes everything that is still to be sent.
  void drain() {
    for (std::size_t rank = 1; rank < models_.size(); ++rank) {
      for (std::size_t left = models_[rank].waiting.size() + 2; left > 0; --left) act(Op::next_for, rank);
    }
  }

 private:
  static void cut(Model& model, bool broken) {
    model.cut = true;
    model.waiting.clear();
    model.broken = model.broken || broken;
  }

  std::string next_of(Model& model) {
    if (model.cut) return "";
    if (!model.waiting.empty()) {
      const std::string text = model.waiting.front().text;
      model.waiting.pop_front();
      return text;
    }
    if (!model.closed) return "";
    model.cut = true;
    const bool broken = std::any_of(models_.begin(), models_.end(), [](const Model& m) { return m.broken; });
    return broken ? "closed-broken" : "closed";
  }

  Mailbox mailbox_;
  std::vector<Model> models_;
  int next_text_ = 0;
  std::string log_;
};

TEST(MailboxLaw, DoesAsTheModelInEveryShortSequence) {
  constexpr std::size_t kLength = 5;
  std::array<std::size_t, kLength> sequence{};
  for (bool more = true; more;) {
    Both both(2);
    for (const std::size_t op : sequence) both.act(kOps[op], 1);
    both.drain();
    if (::testing::Test::HasFatalFailure()) return;
    more = false;
    for (std::size_t& digit : sequence) {  // the next sequence, as a counter of base kOps.size()
      digit = (digit + 1) % kOps.size();
      if (digit != 0) {
        more = true;
        break;
      }
    }
  }
}

TEST(MailboxLaw, DoesAsTheModelInLongOnes) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 draw(seed);
    Both both(4);
    // Operations that cut off a rank for good are rare, and there are long periods in which little is sent.
    std::discrete_distribution<std::size_t> op({20, 30, seed % 2 == 0 ? 45.0 : 5.0, 4, 0.5, 0.1, 0.5, 0.2});
    for (int k = 0; k < 300; ++k) both.act(kOps[op(draw)], 1 + draw() % 3);
    both.drain();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(Mailbox, AnOrderToARankThatWasGivenUpIsDropped) {
  Mailbox mailbox(0, 2, kLong);
  const Letter order = letter_of("order");
  for (int k = 0; k < 32; ++k) {  // the capacity of the queue's first block
    mailbox.post_newest(1, order);
    mailbox.next_for(1);
  }
  mailbox.post_newest(1, order);
  mailbox.give_up(1);
  mailbox.post_newest(1, order);
  EXPECT_EQ(order.use_count(), 1) << "nothing keeps it";
  EXPECT_FALSE(mailbox.next_for(1));
}

TEST(Mailbox, DropsWhatARankSaidThatIsGivenUp) {
  Mailbox mailbox(0, 3, kLong);
  mailbox.deliver(1, {Mailbox::Kind::letter, letter_of("of one")});
  mailbox.deliver(2, {Mailbox::Kind::letter, letter_of("of two")});
  mailbox.give_up(1);
  const auto received = mailbox.take(0);
  ASSERT_TRUE(received);
  EXPECT_EQ(text_of(received->letter), "of two");
  EXPECT_FALSE(mailbox.take(0));
  EXPECT_EQ(mailbox.traffic().received, 12U) << "it has travelled all the same";
}

TEST(Mailbox, TalksBetweenTheFirstRankAndTheOthersOnly) {
  Mailbox first(0, 3, kLong);
  Mailbox last(2, 3, kLong);
  EXPECT_THROW(first.post(0, letter_of("to itself")), std::logic_error);
  EXPECT_THROW(first.post(3, letter_of("to nobody")), std::logic_error);
  EXPECT_THROW(last.post_newest(1, letter_of("to another")), std::logic_error);
  EXPECT_THROW(first.post(1, nullptr), std::logic_error);
  EXPECT_THROW(last.deliver(1, {Mailbox::Kind::alive, {}}), std::logic_error);
  EXPECT_THROW(static_cast<void>(last.is_lost(1)), std::logic_error);
  EXPECT_FALSE(last.next_for(1));
  EXPECT_FALSE(first.next_for(0));
  EXPECT_THROW(Mailbox(2, 2, kLong), std::logic_error);
  EXPECT_THROW(Mailbox(0, 2, 0), std::logic_error);
}

TEST(Mailbox, ClosesOnceAndEndsWhenAllHaveHeard) {
  Mailbox server(0, 2, kLong);
  Mailbox client(1, 2, kLong);
  EXPECT_EQ(server.code(), 0);
  EXPECT_FALSE(server.is_over());
  server.post(1, letter_of("before"));
  server.close(3);
  server.close(4);
  EXPECT_TRUE(server.closed());
  EXPECT_EQ(server.code(), 3);
  std::vector<std::string> said;
  while (const auto parcel = server.next_for(1)) {
    said.push_back(word_of(parcel));
    client.deliver(0, *parcel);
  }
  EXPECT_THAT(said, ElementsAre("before", "closed"));
  EXPECT_EQ(client.code(), 3);
  EXPECT_FALSE(server.is_over()) << "the client has not answered";
  EXPECT_FALSE(client.is_over());
  server.post(1, letter_of("too late"));
  EXPECT_FALSE(server.next_for(1));

  client.post(0, letter_of("last"));
  while (const auto parcel = client.next_for(0)) server.deliver(1, *parcel);
  EXPECT_TRUE(server.is_over());
  EXPECT_TRUE(client.is_over());
  EXPECT_FALSE(server.is_broken());
  EXPECT_FALSE(client.is_broken());
  EXPECT_EQ(text_of(server.take(0)->letter), "last");
  EXPECT_FALSE(server.take(kLong)) << "closed: take() does not wait";
  server.sleep(kLong);
  EXPECT_EQ(server.code(), 3) << "a client's number is not the run's";
}

TEST(Mailbox, TellsThatRanksWereLost) {
  Mailbox server(0, 3, kLong);
  Mailbox client(1, 3, kLong);
  server.give_up(2);
  server.close(1);
  const auto last = server.next_for(1);
  EXPECT_EQ(word_of(last), "closed-broken");
  client.deliver(0, *last);
  EXPECT_TRUE(client.is_broken());
  const auto answer = client.next_for(0);
  EXPECT_EQ(word_of(answer), "closed-broken");
  server.deliver(1, *answer);
  EXPECT_TRUE(server.is_over());
  EXPECT_TRUE(server.is_broken());
}

TEST(Mailbox, ARankThatLeavesSaysSoUnlessTheEndComesFirst) {
  Mailbox server(0, 3, kLong);
  Mailbox leaves(1, 3, kLong);
  Mailbox closes(2, 3, kLong);
  leaves.leave();
  EXPECT_FALSE(leaves.is_over());
  EXPECT_FALSE(leaves.is_broken()) << "no rank has heard of it yet";
  const auto left = leaves.next_for(0);
  EXPECT_EQ(word_of(left), "left");
  EXPECT_TRUE(leaves.is_over());
  EXPECT_TRUE(leaves.is_broken());
  server.deliver(1, *left);
  EXPECT_TRUE(server.is_lost(1));
  server.deliver(1, {Mailbox::Kind::letter, letter_of("after the last")});
  EXPECT_FALSE(server.take(0));

  closes.leave();
  closes.deliver(0, {Mailbox::Kind::closed, letter_of("\x05")});
  EXPECT_EQ(word_of(closes.next_for(0)), "closed");
  EXPECT_EQ(closes.code(), 5);
  EXPECT_TRUE(closes.is_over());
  EXPECT_FALSE(closes.is_broken()) << "both ends think alike, so that the processes can meet";
}

TEST(Mailbox, AMutedRankEndsWhenItHearsNothingMore) {
  Mailbox client(1, 2, 0.02);
  client.post(0, letter_of("never goes out"));
  client.mute();
  client.leave();
  EXPECT_FALSE(client.next_for(0));
  EXPECT_FALSE(client.is_over());
  while (!client.is_over()) {
    client.sleep(0.002);
    client.look_around();
    EXPECT_FALSE(client.next_for(0));
  }
  EXPECT_TRUE(client.is_broken());
  EXPECT_EQ(client.traffic().sent, 0U);
}

TEST(Mailbox, GivesSignsOfLife) {
  Mailbox mailbox(0, 2, 1e-3);
  std::optional<Mailbox::Parcel> sign;
  while (!sign) sign = mailbox.next_for(1);
  EXPECT_EQ(word_of(sign), "alive");
  EXPECT_EQ(mailbox.traffic().sent, 0U);
  mailbox.deliver(1, {Mailbox::Kind::alive, {}});
  EXPECT_FALSE(mailbox.take(0));
}

TEST(Mailbox, WhatWasPostedWhileTheCarrierWorkedIsNotWaitedFor) {
  Mailbox mailbox(0, 3, kLong);
  EXPECT_FALSE(mailbox.next_for(1));
  mailbox.post(1, letter_of("posted behind the carrier's back"));
  EXPECT_FALSE(mailbox.next_for(2));
  mailbox.wait_for_post(kLong);
  EXPECT_TRUE(mailbox.next_for(1));
}

}  // namespace
}  // namespace laconic::testing
