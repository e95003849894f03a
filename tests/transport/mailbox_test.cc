// SPDX-License-Identifier: Apache-2.0
#include "laconic/transport/mailbox.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/transport/threads.h"

namespace laconic::testing {
namespace {

using ::testing::ElementsAre;

Letter letter_of(const std::string& text) {
  return std::make_shared<const std::vector<std::uint8_t>>(text.begin(), text.end());
}
std::string text_of(const Letter& letter) { return {letter->begin(), letter->end()}; }

constexpr double kLong = 60;  // seconds, longer than any test waits

TEST(Mailbox, SendsTheNewestOnlyOfLettersThatOutdateEachOther) {
  Mailbox mailbox(0, 2, kLong);
  mailbox.post(1, letter_of("a"));
  mailbox.post_newest(1, letter_of("b"));
  mailbox.post_newest(1, letter_of("c"));
  mailbox.post(1, letter_of("d"));
  mailbox.post_newest(1, letter_of("e"));
  std::vector<std::string> sent;
  while (const auto parcel = mailbox.next_for(1)) sent.push_back(text_of(parcel->letter));
  EXPECT_THAT(sent, ElementsAre("a", "c", "d", "e"));
  mailbox.post_newest(1, letter_of("f"));
  mailbox.recall(1);
  EXPECT_FALSE(mailbox.next_for(1));
  EXPECT_EQ(mailbox.traffic().sent, 4U);
}

TEST(Mailbox, KnowsWhoIsLost) {
  Mailbox mailbox(0, 4, 0.05);
  mailbox.deliver(2, {Mailbox::Kind::left, {}});
  EXPECT_TRUE(mailbox.is_lost(2));
  mailbox.give_up(3);
  mailbox.deliver(3, {Mailbox::Kind::letter, letter_of("too late")});
  EXPECT_FALSE(mailbox.take(0));
  while (!mailbox.is_lost(1)) {  // it is silent
    mailbox.sleep(0.01);
    mailbox.look_around();
  }
  mailbox.hear_from(1);
  EXPECT_FALSE(mailbox.is_lost(1));
  EXPECT_FALSE(mailbox.next_for(3)) << "nothing goes to a rank that was given up";
}

TEST(Mailbox, NobodyIsSilentWhileItDoesNotListen) {
  Mailbox mailbox(0, 2, 0.16);
  mailbox.look_around();
  mailbox.sleep(0.5);  // as if suspended
  mailbox.look_around();
  EXPECT_FALSE(mailbox.is_lost(1));
}

TEST(Mailbox, RanksCorrespondUntilTheFirstCloses) {
  std::atomic<int> codes = 0;
  std::vector<std::string> heard;
  run_ranks(4, [&](Transport& transport) {
    codes += transport.correspond(kLong, [&](Mailbox& mailbox) {
      if (transport.rank() > 0) {
        mailbox.post(0, letter_of("rank"));
        const auto answer = mailbox.take(kLong);
        if (answer) mailbox.post(0, answer->letter);
        while (!mailbox.closed()) mailbox.sleep(kLong);
        return 7;
      }
      while (heard.size() < 6) {
        const auto received = mailbox.take(kLong);
        heard.push_back(text_of(received->letter));
        if (heard.back() == "rank") mailbox.post(received->from, letter_of("server"));
      }
      return 3;
    });
    EXPECT_FALSE(transport.is_broken());
  });
  std::sort(heard.begin(), heard.end());
  EXPECT_THAT(heard, ElementsAre("rank", "rank", "rank", "server", "server", "server"));
  EXPECT_EQ(codes, 4 * 3) << "all end with the number that the first closes with";
}

TEST(Mailbox, ARankThatFailsHasLeft) {
  bool lost = false;
  EXPECT_THROW(run_ranks(3,
                         [&](Transport& transport) {
                           transport.correspond(kLong, [&](Mailbox& mailbox) {
                             if (transport.rank() == 1) throw RunError("broken");
                             if (transport.rank() == 0) {
                               while (!mailbox.is_lost(1)) mailbox.sleep(0.001);
                               lost = !mailbox.is_lost(2);
                             } else {
                               while (!mailbox.closed()) mailbox.sleep(kLong);
                             }
                             return 0;
                           });
                           EXPECT_TRUE(transport.is_broken()) << transport.rank();
                         }),
               RunError);
  EXPECT_TRUE(lost);
}

TEST(Mailbox, RefusesMoreThanItHasRoomFor) {
  Mailbox mailbox(0, 3, kLong);
  mailbox.limit({.letter = 100, .waiting = 3 * (100 + 128)});
  const Letter letter = letter_of(std::string(100, 'a'));
  const auto deliver = [&](std::size_t from) { mailbox.deliver(from, {Mailbox::Kind::letter, letter}); };
  for (int k = 0; k < 10; ++k) {  // letters that are taken make room
    for (int each = 0; each < 3; ++each) deliver(1);
    for (int each = 0; each < 3; ++each) EXPECT_TRUE(mailbox.take(0));
  }
  for (int each = 0; each < 3; ++each) deliver(1);
  deliver(2);
  EXPECT_FALSE(mailbox.is_lost(1));
  deliver(1);
  EXPECT_TRUE(mailbox.is_lost(1));
  EXPECT_THAT(mailbox.refusal(1), ::testing::HasSubstr("more letters than there is room for"));
  const auto left = mailbox.take(0);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->from, 2U) << "the letters of the refused rank are dropped";
  EXPECT_FALSE(mailbox.take(0));
  EXPECT_EQ(mailbox.refusal(2), "");
}

TEST(Mailbox, ANewProcessTakesThePlaceOfTheEarlierOneOnceThatIsGivenUp) {
  Mailbox mailbox(0, 3, kLong);
  const auto deliver = [&](const std::string& text) {
    mailbox.deliver(1, {Mailbox::Kind::letter, letter_of(text)});
  };
  deliver("of the earlier");
  mailbox.refuse(1, "a fault of the earlier");
  mailbox.arrive(1);
  EXPECT_TRUE(mailbox.is_connected(1));
  EXPECT_TRUE(mailbox.is_lost(1)) << "the earlier process is";
  mailbox.post(1, letter_of("to the earlier"));
  EXPECT_FALSE(mailbox.next_for(1));
  deliver("of the new one");
  EXPECT_FALSE(mailbox.take(0)) << "the letters of the new one wait";
  mailbox.deliver(2, {Mailbox::Kind::letter, letter_of("of another")});
  const auto other = mailbox.take(0);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->from, 2U);

  mailbox.give_up(1);
  EXPECT_FALSE(mailbox.is_lost(1));
  EXPECT_EQ(mailbox.refusal(1), "");
  const auto first = mailbox.take(0);
  ASSERT_TRUE(first);
  EXPECT_EQ(text_of(first->letter), "of the new one");
  mailbox.post(1, letter_of("to the new one"));
  const auto sent = mailbox.next_for(1);
  ASSERT_TRUE(sent);
  EXPECT_EQ(text_of(sent->letter), "to the new one");
  mailbox.give_up(1);
  EXPECT_TRUE(mailbox.is_lost(1));
  EXPECT_FALSE(mailbox.is_connected(1));
}

TEST(Mailbox, ANewProcessIsNotRefusedForWhatTheEarlierOneSent) {
  Mailbox mailbox(0, 2, kLong);
  const auto deliver = [&](const std::string& text) {
    mailbox.deliver(1, {Mailbox::Kind::letter, letter_of(text)});
  };
  deliver("wrong");
  ASSERT_TRUE(mailbox.take(0));
  mailbox.arrive(1);
  mailbox.refuse(1, "it sends something wrong");  // which the earlier one did
  deliver("of the new one");
  mailbox.give_up(1);
  EXPECT_FALSE(mailbox.is_lost(1));
  EXPECT_EQ(mailbox.refusal(1), "");
  EXPECT_TRUE(mailbox.take(0));

  mailbox.arrive(1);
  mailbox.reject(1, "a piece that is wrong");  // of the new one
  mailbox.give_up(1);
  EXPECT_TRUE(mailbox.is_lost(1));
  EXPECT_EQ(mailbox.refusal(1), "a piece that is wrong");
}

TEST(Mailbox, KnowsThatARankHasLeft) {
  Mailbox mailbox(0, 2, kLong);
  EXPECT_FALSE(mailbox.has_left(1));
  mailbox.deliver(1, {Mailbox::Kind::left, {}});
  EXPECT_TRUE(mailbox.is_lost(1));
  EXPECT_TRUE(mailbox.has_left(1));
}

TEST(Mailbox, RanksThatArriveAreAbsentAtFirst) {
  Mailbox mailbox(0, 2, kLong, {.ranks_arrive = true});
  EXPECT_TRUE(mailbox.is_lost(1));
  mailbox.deliver(1, {Mailbox::Kind::letter, letter_of("of none")});
  EXPECT_FALSE(mailbox.take(0));
  mailbox.arrive(1);
  EXPECT_FALSE(mailbox.is_lost(1));
  mailbox.deliver(1, {Mailbox::Kind::letter, letter_of("hello")});
  EXPECT_TRUE(mailbox.take(0));
  mailbox.arrive(1);
  mailbox.close(3);  // a new process ends with the others, though its predecessor was not given up
  const auto end = mailbox.next_for(1);
  ASSERT_TRUE(end);
  EXPECT_EQ(text_of(end->letter), "\x03");
}

TEST(Mailbox, AProcessThatDiedBeforeItsFirstLetterWasTakenHoldsNoPlace) {
  Mailbox mailbox(0, 2, kLong, {.ranks_arrive = true});
  const auto arrive_with = [&](const std::string& text) {
    mailbox.arrive(1);
    mailbox.deliver(1, {Mailbox::Kind::letter, letter_of(text)});
  };
  mailbox.arrive(1);
  mailbox.refuse(1, "a fault");
  arrive_with("first");
  arrive_with("second");
  const auto second = mailbox.take(0);
  ASSERT_TRUE(second);
  EXPECT_EQ(text_of(second->letter), "second");

  arrive_with("third");  // while the second is not given up
  mailbox.deliver(1, {Mailbox::Kind::left, {}});
  EXPECT_FALSE(mailbox.take(0));
  mailbox.give_up(1);
  EXPECT_TRUE(mailbox.is_lost(1)) << "it has left";
  arrive_with("fourth");
  ASSERT_TRUE(mailbox.take(0)) << "the third";
  const auto fourth = mailbox.take(0);
  ASSERT_FALSE(fourth);
}

TEST(Mailbox, SendsSignsOfLifeAsOftenAsItsHabit) {
  Mailbox mailbox(1, 2, kLong, {.between_signs = 1e-6});
  mailbox.sleep(1e-4);
  const auto sign = mailbox.next_for(0);
  ASSERT_TRUE(sign);
  EXPECT_EQ(sign->kind, Mailbox::Kind::alive);
}

TEST(Mailbox, KeepsTheFirstReasonForARefusal) {
  Mailbox mailbox(0, 2, kLong);
  mailbox.post(1, letter_of("an order"));
  mailbox.refuse(1, "first");
  mailbox.refuse(1, "second");
  EXPECT_TRUE(mailbox.is_lost(1));
  EXPECT_FALSE(mailbox.next_for(1)) << "nothing more is sent to it";
  EXPECT_TRUE(mailbox.is_broken());
  mailbox.give_up(1);
  EXPECT_EQ(mailbox.refusal(1), "first");
}

TEST(Mailbox, OnlyTheFirstRankHasLimits) {
  Mailbox client(1, 2, kLong);
  const Letter order = std::make_shared<const std::vector<std::uint8_t>>(std::size_t{1} << 21);
  EXPECT_TRUE(client.admits(0, static_cast<std::uint8_t>(Mailbox::Kind::letter), std::size_t{1} << 40));
  client.deliver(0, {Mailbox::Kind::letter, order});
  EXPECT_TRUE(client.take(0));
  client.deliver(0, {Mailbox::Kind::closed, letter_of("\x05")});
  EXPECT_TRUE(client.closed());
  Mailbox server(0, 2, kLong);
  server.deliver(1, {Mailbox::Kind::letter, order});
  EXPECT_THAT(server.refusal(1), ::testing::HasSubstr("a letter of 2097152 bytes; need at most 1048576"));
}

}  // namespace
}  // namespace laconic::testing
