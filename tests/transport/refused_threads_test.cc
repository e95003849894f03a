// SPDX-License-Identifier: Apache-2.0
// Ranks, and the threads that compute for them, when the system refuses a thread: an error, and no rank waits
// for ever.
#include <atomic>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/transport/threads.h"
#include "laconic/transport/transport.h"
#include "tests/out_of_threads.h"

namespace laconic::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr double kLong = 60;  // seconds, longer than any test waits

class RefusedThreads : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kLimitsHold) GTEST_SKIP() << "a sanitizer maps more than the limit";
  }
};

TEST_F(RefusedThreads, NoRankBeginsUnlessAllDo) {
  const MemoryLimit limit(std::size_t{1} << 26);
  std::atomic<int> begun = 0;
  EXPECT_THAT([&] { run_ranks(100, [&](Transport&) { ++begun; }); },
              ThrowsMessage<RunError>(HasSubstr(" of 100: ")));
  EXPECT_EQ(begun, 0);
}

/// One of two ranks. The other rank confirms that it has received the end.
class OneOfTwo final : public Transport {
 public:
  explicit OneOfTwo(std::size_t rank) : rank_(rank) {}
  std::size_t rank() const override { return rank_; }
  std::size_t size() const override { return 2; }
  std::vector<Mailbox::Kind> said;

 private:
  void move(std::span<const ByteView> /*to*/, std::span<const MutByteView> /*from*/) override {}
  void carry(Mailbox& mailbox) override {
    const std::size_t other = 1 - rank_;
    while (!mailbox.is_over()) {
      const auto parcel = mailbox.next_for(other);
      if (!parcel) continue;
      said.push_back(parcel->kind);
      if (parcel->kind == Mailbox::Kind::closed) mailbox.deliver(other, *parcel);
    }
  }

  std::size_t rank_;
};

TEST_F(RefusedThreads, ARankThatCannotComputeTellsTheOthers) {
  const OutOfThreads none;
  bool called = false;
  const auto body = [&](Mailbox&) {
    called = true;
    return 0;
  };
  OneOfTwo server(0);
  EXPECT_THAT([&] { server.correspond(kLong, body); },
              ThrowsMessage<RunError>(HasSubstr("the thread that computes on rank 0: ")));
  EXPECT_THAT(server.said, ElementsAre(Mailbox::Kind::closed)) << "the run is over for all";
  EXPECT_FALSE(server.is_broken());
  OneOfTwo client(1);
  EXPECT_THAT([&] { client.correspond(kLong, body); },
              ThrowsMessage<RunError>(HasSubstr("the thread that computes on rank 1: ")));
  EXPECT_THAT(client.said, ElementsAre(Mailbox::Kind::left)) << "the server goes on without it";
  EXPECT_TRUE(client.is_broken());
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace laconic::testing
