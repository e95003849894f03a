// SPDX-License-Identifier: Apache-2.0
// A server and sites on this machine, by gRPC and TLS.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/core/parallel.h"
#include "laconic/core/spec.h"
#include "laconic/methods/methods.h"
#include "laconic/participation/real_clock.h"
#include "laconic/problem/make.h"
#include "laconic/served/served.h"
#include "laconic/transport/fleet.h"
#include "laconic/transport/threads.h"
#include "tests/sites/ends.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;

TEST(Sites, CarryLettersOfAllSizesBothWays) {
  TestServer server({"a", "b"});
  Echo b("b", server.port());
  EXPECT_EQ(b.site_.rank(), 2U);
  EXPECT_EQ(b.site_.size(), 3U);
  EXPECT_EQ(b.site_.patience(), kLong);
  const std::size_t sizes[] = {0, 1, 300000, 40000000, 131072, 2};
  for (const std::size_t size : sizes) server.mailbox().post(2, letter_with(size, size));
  for (const std::size_t size : sizes) {
    const auto letter = next_letter(server.mailbox());
    ASSERT_TRUE(letter) << size;
    EXPECT_TRUE(**letter == *letter_with(size, size)) << size;
  }
  server.close();
  b.join();
  EXPECT_EQ(b.code_, 0);
  EXPECT_EQ(b.error_, "");
  EXPECT_THAT(server.notes(), ::testing::StrEq("2 connected\n"));
}

TEST(Sites, ACutConnectionGoesOnWithoutLoss) {
  TestServer server({"a"});
  Proxy proxy(server.port());
  Echo a("a", proxy.port());
  proxy.cut_every(700000, 8);
  std::vector<Letter> letters;
  for (std::size_t k = 0; k < 12; ++k) letters.push_back(letter_with(k % 3 == 0 ? 1000000 : 10 * k, k));
  for (const Letter& letter : letters) server.mailbox().post(1, letter);
  for (std::size_t k = 0; k < letters.size(); ++k) {
    const auto letter = next_letter(server.mailbox());
    ASSERT_TRUE(letter) << k;
    EXPECT_TRUE(**letter == *letters[k]) << k;
  }
  EXPECT_GT(proxy.cuts(), 2);
  EXPECT_TRUE(server.has_noted("1 reconnected"));
  EXPECT_THAT(server.notes(), HasSubstr("1 disconnected: its connection has ended"));
  EXPECT_FALSE(server.mailbox().is_lost(1));
  server.close();
  a.join();
  EXPECT_EQ(a.code_, 0);
}

TEST(Sites, ANewProcessOfTheSameNameReplacesTheOld) {
  TestServer server({"a"});
  Echo first("a", server.port());
  server.mailbox().post(1, letter_with(1, 1));
  ASSERT_TRUE(next_letter(server.mailbox()));
  Echo second("a", server.port());
  EXPECT_TRUE(server.has_noted("1 disconnected: another process of this name has joined"));
  EXPECT_TRUE(server.mailbox().is_lost(1)) << "the first is, and waits to be given up";
  server.mailbox().give_up(1);
  EXPECT_FALSE(server.mailbox().is_lost(1));
  server.mailbox().post(1, letter_with(2, 2));
  ASSERT_TRUE(next_letter(server.mailbox()));
  first.join();
  EXPECT_THAT(first.error_, HasSubstr("another process of this name has joined"));
  server.close();
  second.join();
  EXPECT_EQ(second.code_, 0);
}

TEST(Sites, ASiteThatIsGivenUpLearnsIt) {
  TestServer server({"a"});
  Echo a("a", server.port());
  ASSERT_TRUE(server.has_noted("1 connected"));
  server.mailbox().give_up(1);
  a.join();
  EXPECT_TRUE(a.site_.is_forgotten());
  EXPECT_TRUE(server.has_noted("1 disconnected"));
  Echo again("a", server.port());
  server.mailbox().post(1, letter_with(3, 3));
  EXPECT_TRUE(next_letter(server.mailbox()));
}

TEST(Sites, AServerThatBeganAnewDoesNotKnowTheSession) {
  TestServer first({"a"}, 0.5);
  TestServer second({"a"});
  Proxy proxy(first.port());
  Echo a("a", proxy.port());
  ASSERT_TRUE(first.has_noted("1 connected"));
  proxy.forward_to(second.port());
  proxy.cut();
  a.join();
  EXPECT_TRUE(a.site_.is_forgotten());
  EXPECT_EQ(second.notes(), "");
}

TEST(Sites, ASiteMayLeave) {
  TestServer server({"a"});
  Echo a("a", server.port());
  ASSERT_TRUE(server.has_noted("1 connected"));
  a.leave();
  a.join();
  EXPECT_EQ(a.code_, 7);
  EXPECT_FALSE(a.site_.is_forgotten());
  EXPECT_TRUE(server.has_noted("1 disconnected: it has left"));
}

TEST(Sites, ARefusedSiteIsToldTheReason) {
  TestServer server({"a"});
  Echo a("a", server.port());
  ASSERT_TRUE(server.has_noted("1 connected"));
  server.mailbox().refuse(1, "it sends nonsense");
  a.join();
  EXPECT_THAT(a.error_, HasSubstr("it sends nonsense"));
  EXPECT_TRUE(server.has_noted("1 disconnected: it sends nonsense"));
}

TEST(Sites, ASiteMayNotEndTheRun) {
  TestServer server({"a"});
  SiteConnection site(site_options("a", server.port()));
  EXPECT_THAT([&] { site.correspond(kLong, [](Mailbox& mailbox) { return mailbox.close(0), 0; }); },
              ::testing::ThrowsMessage<RunError>(HasSubstr("it ends the run, which only rank 0 may")));
  EXPECT_TRUE(server.has_noted("1 disconnected: it ends the run"));
}

TEST(Sites, WrongCertificatesAreRefusedWithTheReason) {
  TestServer server({"a"});
  const auto refusal = [&](const TlsFiles& tls) -> std::string {
    auto options = site_options("a", server.port());
    options.tls = tls;
    try {
      SiteConnection site(options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal(certificates().of("stranger")), HasSubstr("stranger is not on the roster"));
  EXPECT_TRUE(server.has_noted("stranger refused: stranger is not on the roster"));

  const Certificates others({"server", "a"});
  TlsFiles forged = others.of("a");
  EXPECT_THAT(refusal(forged), HasSubstr("the certificate of the server"));
  forged.ca = certificates().of("a").ca;
  EXPECT_THAT(refusal(forged), HasSubstr("refuses this site"));
  EXPECT_TRUE(server.has_noted("127.0.0.1"));
  TlsFiles none = certificates().of("a");
  none.certificate = none.key = "";
  EXPECT_THAT(refusal(none), HasSubstr("refuses this site"));

  // A site that plays the server.
  SitesServer impostor(
      {.listen = "127.0.0.1:0", .tls = certificates().of("stranger"), .roster = {"a"}, .events = {}});
  EXPECT_THAT([&] { SiteConnection site(site_options("a", impostor.port())); },
              ::testing::ThrowsMessage<InputError>(HasSubstr("the certificate of the server")));
}

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  char bytes[1024];
  while (const std::size_t count = std::fread(bytes, 1, sizeof bytes, pipe)) output.append(bytes, count);
  pclose(pipe);
  return output;
}

TEST(Sites, SpeakNoTlsBelow13) {
  TestServer server({"a"});
  const auto handshake = [&](const std::string& version) {
    const std::string folder = certificates().folder("a");
    return output_of(
        fmt::format("openssl s_client -connect {} -{} -alpn h2 -CAfile {}/ca.pem -cert {}/cert.pem -key "
                    "{}/key.pem </dev/null 2>&1",
                    address(server.port()), version, folder, folder, folder));
  };
  EXPECT_THAT(handshake("tls1_3"), HasSubstr("Cipher is TLS_AES"));
  EXPECT_THAT(handshake("tls1_2"), HasSubstr("Cipher is (NONE)"));
}

TEST(Sites, TwoServersDoNotShareAPort) {
  const auto open = [](int port) {
    return std::make_unique<SitesServer>(SitesServer::Options{
        .listen = address(port), .tls = certificates().of("server"), .roster = {}, .events = {}});
  };
  const auto first = open(0);
  EXPECT_THAT([&] { open(first->port()); }, ::testing::ThrowsMessage<InputError>(HasSubstr("cannot listen")));
}

TEST(Sites, WithoutAServerASiteEndsAfterItsPatience) {
  Proxy nothing(1);
  EXPECT_THAT([&] { SiteConnection site(site_options("a", nothing.port(), 0.3)); },
              ::testing::ThrowsMessage<RunError>(HasSubstr("for 0.3 s")));
  auto options = site_options("a", nothing.port());
  options.events.waits = [] { throw RunError("asked to end"); };
  EXPECT_THAT([&] { SiteConnection site(options); },
              ::testing::ThrowsMessage<RunError>(HasSubstr("asked to end")));
}

TEST(Sites, ASiteUnderBackPressureIsNotSilent) {
  constexpr double kPatience = 0.8;
  TestServer server({"a"}, kPatience);
  SiteConnection site(site_options("a", server.port()));
  std::thread sending([&] {
    site.correspond(kLong, [&](Mailbox& mailbox) {
      for (int k = 0; k < 8; ++k) mailbox.post(0, letter_with(10000000, 1));
      while (!mailbox.closed()) mailbox.sleep(0.01);
      return 0;
    });
  });
  bool was_lost = false;
  for (int k = 0; k < 8; ++k) {
    EXPECT_TRUE(next_letter(server.mailbox()));
    was_lost = was_lost || server.mailbox().is_lost(1);
  }
  EXPECT_FALSE(was_lost);
  server.close();
  sending.join();
}

TEST(Sites, ASilentLinkIsReplaced) {
  TestServer server({"a"}, 1);
  Proxy proxy(server.port());
  Echo a("a", proxy.port());
  ASSERT_TRUE(server.has_noted("1 connected"));
  proxy.hold_present();
  server.mailbox().post(1, letter_with(5, 5));
  EXPECT_TRUE(next_letter(server.mailbox()));
  EXPECT_TRUE(server.has_noted("1 reconnected"));
}

constexpr std::size_t kSites = 3;
constexpr std::uint64_t kRunSeed = 3;

EpochMethod method_of(const std::string& method, const std::shared_ptr<RealClock>& clock,
                      const std::vector<std::uint32_t>& gone) {
  const std::shared_ptr<const Problem> problem = make_problem(
      parse("least-squares(generated(rows=30, d=12, shift=1))"), ProblemSetting{.clients = kSites});
  Assembly assembly =
      assemble(parse(method), {.problem = *problem, .seed = kRunSeed, .stragglers = clock, .gone = gone});
  return {problem, std::get<StarParts>(assembly.parts)};
}

/// The body of a rank of a served star.
int serve_star(const std::string& method, Mailbox& mailbox, Vector& x) {
  const auto clock = std::make_shared<RealClock>(kSites, Policy{.deadline = kLong, .first = {}}, kLong);
  const MakeEpochMethod regroup = [&](const Members& members) {
    return method_of(method, clock, members.gone);
  };
  ThreadPool pool(1);
  if (mailbox.rank() > 0) {
    serve_clients(regroup, kRunSeed, mailbox, 1, {});
    return 0;
  }
  for (std::size_t rank = 1; rank < mailbox.size(); ++rank) {
    while (!mailbox.is_connected(rank)) mailbox.sleep(0.001);
  }
  const auto star = make_served_star(regroup, {.step = 0.2, .seed = kRunSeed}, mailbox, *clock,
                                     {.attended = [](const Attendance&) {}});
  Fleet fleet(pool);
  star->start(fleet, nullptr);
  for (std::size_t t = 1; t <= 20; ++t) star->round(fleet, t, nullptr);
  x.assign(star->point().begin(), star->point().end());
  return 0;
}

// The served methods do not know what carries their letters.
TEST(Sites, AServedStarEndsWhereThreadsEnd) {
  for (const char* method : {"gd", "ef21(top-k(2))", "marina(rand-k(2), p=0.3)"}) {
    Vector by_threads;
    run_ranks(kSites + 1, [&](Transport& transport) {
      transport.correspond(kLong, [&](Mailbox& mailbox) { return serve_star(method, mailbox, by_threads); });
    });
    Vector by_sites;
    TestServer server({"a", "b", "c"}, kLong,
                      [&](Mailbox& mailbox) { return serve_star(method, mailbox, by_sites); });
    std::vector<std::thread> sites;
    for (const char* name : {"c", "a", "b"}) {
      sites.emplace_back([&, name] {
        SiteConnection site(site_options(name, server.port()));
        Vector unused;
        EXPECT_EQ(
            site.correspond(kLong, [&](Mailbox& mailbox) { return serve_star(method, mailbox, unused); }), 0);
      });
    }
    for (std::thread& site : sites) site.join();
    server.close();
    ASSERT_FALSE(by_threads.empty());
    EXPECT_EQ(by_threads, by_sites) << method;
  }
}

}  // namespace
}  // namespace laconic::testing
