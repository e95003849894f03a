// SPDX-License-Identifier: Apache-2.0
// Ends of a connection that fail: for want of memory.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sites/ends.h"
#include "tests/sites/raw_peers.h"

namespace {

/// An allocation of this size fails, once.
std::atomic<std::size_t> size_that_fails = 0;

void* allocate(std::size_t size) {
  std::size_t expected = size;
  if (size > 0 && size_that_fails.compare_exchange_strong(expected, 0)) return nullptr;
  return std::malloc(size > 0 ? size : 1);
}

}  // namespace

// Not inlined: the compiler warns where it sees free() after new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* memory = allocate(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*none*/) noexcept {
  return allocate(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t& /*none*/) noexcept {
  std::free(memory);
}

namespace laconic::testing {
namespace {

constexpr std::size_t kLetter = 5000011;  // a size that nothing else has

TEST(SitesFailures, AServerWithoutMemoryForALetterLosesOnlyThatSession) {
  TestServer server({"a", "b"});
  SiteConnection a(site_options("a", server.port()));
  Echo b("b", server.port());
  const Letter letter = letter_with(kLetter, 1);
  size_that_fails = kLetter;
  a.correspond(kLong, [&](Mailbox& mailbox) {
    mailbox.post(0, letter);
    while (!mailbox.is_lost(0)) mailbox.sleep(0.001);
    return 0;
  });
  EXPECT_EQ(size_that_fails, 0U);
  EXPECT_TRUE(a.is_forgotten());
  EXPECT_TRUE(server.has_noted("1 disconnected: the server has failed on this connection: "));
  Echo again("a", server.port());
  for (const std::size_t rank : {1, 2}) {
    server.mailbox().post(rank, letter);
    const auto received = next_letter(server.mailbox());
    ASSERT_TRUE(received) << rank;
    EXPECT_TRUE(**received == *letter);
  }
}

TEST(SitesFailures, ASiteWithoutMemoryForALetterCanBeginAnew) {
  TestServer server({"a"});
  std::atomic<bool> is_lost = false;
  auto options = site_options("a", server.port());
  options.events.lost = [&](const std::string& reason) {
    EXPECT_THAT(reason, ::testing::HasSubstr("this site has failed on it: "));
    is_lost = true;
  };
  SiteConnection a(options);
  server.mailbox().post(1, letter_with(kLetter, 1));
  size_that_fails = kLetter;
  a.correspond(kLong, [&](Mailbox& mailbox) {
    while (!mailbox.is_lost(0)) mailbox.sleep(0.001);
    return 0;
  });
  EXPECT_TRUE(is_lost);
  EXPECT_TRUE(a.is_forgotten());
  Echo again("a", server.port());
  server.mailbox().post(1, letter_with(3, 3));
  EXPECT_TRUE(next_letter(server.mailbox()));
}

TEST(SitesFailures, AnotherServiceEndsASiteAtOnce) {
  const RawServer other(certificates().of("server"), {},
                        grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no such method"));
  EXPECT_THAT([&] { const SiteConnection a(site_options("a", other.port())); },
              ::testing::ThrowsMessage<InputError>(
                  ::testing::HasSubstr("there is no laconic server at " + address(other.port()))));
}

}  // namespace
}  // namespace laconic::testing
