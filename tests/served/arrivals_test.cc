// SPDX-License-Identifier: Apache-2.0
// Processes that arrive during a served run, are killed, and come back.
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/core/parallel.h"
#include "laconic/core/spec.h"
#include "laconic/methods/methods.h"
#include "laconic/participation/real_clock.h"
#include "laconic/problem/make.h"
#include "laconic/served/letters.h"
#include "laconic/served/served.h"
#include "laconic/transport/fleet.h"
#include "laconic/transport/mailbox.h"

namespace laconic::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kSites = 3;  // each has a client
constexpr std::uint64_t kSeedOfSites = 5;
constexpr double kPatienceOfSites = 0.3;

std::shared_ptr<const Problem> problem_of_sites() {
  return make_problem(parse("least-squares(generated(rows=30, d=12, shift=1))"), {.clients = kSites});
}

MakeEpochMethod method_of_sites(const std::string& method, const std::shared_ptr<RealClock>& clock) {
  return [method, clock](const std::vector<std::uint32_t>& gone) {
    const auto problem = problem_of_sites();
    const Assembly assembly = assemble(
        parse(method), {.problem = *problem, .seed = kSeedOfSites, .stragglers = clock, .gone = gone});
    return EpochMethod{problem, std::get<StarParts>(assembly.parts)};
  };
}

std::shared_ptr<RealClock> clock_of_sites() {
  return std::make_shared<RealClock>(kSites, Policy{.deadline = {}, .first = kSites}, kPatienceOfSites);
}

/// A process of one client, on two threads: one computes, one carries its letters to the server's mailbox.
class SiteProcess {
 public:
  SiteProcess(std::size_t rank, Mailbox& server, std::string method, std::string hello)
      : rank_(rank), server_(server), mailbox_(rank, 1 + kSites, 60), hello_(std::move(hello)) {
    server.arrive(rank);
    computing_ = std::thread([this, method = std::move(method)] {
      mailbox_.post(0, Hello{.text = hello_}.letter());
      serve_clients(method_of_sites(method, clock_of_sites()), kSeedOfSites, mailbox_, 1, {});
    });
    carrying_ = std::thread([this] {
      while (!cut_) {
        while (const auto parcel = mailbox_.next_for(0)) server_.deliver(rank_, *parcel);
        while (const auto parcel = server_.next_for(rank_)) mailbox_.deliver(0, *parcel);
        server_.hear_from(rank_);
        mailbox_.wait_for_post(1e-4);
      }
    });
  }
  SiteProcess(const SiteProcess&) = delete;
  SiteProcess& operator=(const SiteProcess&) = delete;
  /// Killed: nothing is heard of it any more.
  ~SiteProcess() {
    cut_ = true;
    carrying_.join();
    mailbox_.deliver(0, {Mailbox::Kind::closed, std::make_shared<const std::vector<std::uint8_t>>(1)});
    computing_.join();
  }

 private:
  std::size_t rank_;
  Mailbox& server_;
  Mailbox mailbox_;
  std::string hello_;
  std::atomic<bool> cut_ = false;
  std::thread computing_;
  std::thread carrying_;
};

/// The server. The test calls its rounds.
class ServerOfSites {
 public:
  explicit ServerOfSites(const std::string& method, std::size_t start_with = 1)
      : mailbox(0, 1 + kSites, kPatienceOfSites, {.ranks_arrive = true}),
        make_(method_of_sites(method, clock_)),
        star_(make_served_star(
            make_, {.step = 0.2, .seed = kSeedOfSites}, mailbox, *clock_,
            {.attended = [this](const Attendance& told) { last = told; },
             .refused = [this](std::size_t rank, std::size_t /*round*/,
                               const std::string& reason) { refused.emplace_back(rank, reason); },
             .lost = [this](std::size_t rank, std::size_t /*round*/) { lost.push_back(rank); },
             .admit =
                 [](std::size_t /*rank*/, const Letter& first) {
                   if (Hello::of(first).text != "hello") throw InputError("it says no hello");
                 },
             .began = [this](std::size_t /*round*/, std::size_t /*epoch*/,
                             const std::vector<std::uint32_t>& clients) { epochs.push_back(clients); },
             .waiting = [this](std::size_t /*round*/, std::size_t clients) { waited_with = clients; },
             .start_with = start_with})) {
    looking_ = std::thread([this] {
      while (!over_) {
        mailbox.look_around();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
  }
  ServerOfSites(const ServerOfSites&) = delete;
  ServerOfSites& operator=(const ServerOfSites&) = delete;
  ~ServerOfSites() {
    over_ = true;
    looking_.join();
  }

  std::unique_ptr<SiteProcess> site(std::size_t rank, const std::string& hello = "hello") {
    return std::make_unique<SiteProcess>(rank, mailbox, "gd", hello);
  }
  void round() {
    if (next_ == 0) {
      star_->start(fleet_, nullptr);
    } else {
      star_->round(fleet_, next_, nullptr);
    }
    ++next_;
  }
  /// Rounds until the clients of the last one are these.
  void round_until(const std::vector<std::uint32_t>& counted) {
    do round();
    while (last.counted != counted);
  }
  [[nodiscard]] double gradient_norm_sq() {
    Evaluation evaluation;
    star_->evaluate(fleet_, evaluation);
    return norm_sq(evaluation.gradient);
  }
  [[nodiscard]] Vector x() const { return {star_->point().begin(), star_->point().end()}; }

  Mailbox mailbox;
  Attendance last;
  std::vector<std::vector<std::uint32_t>> epochs;
  std::vector<std::pair<std::size_t, std::string>> refused;
  std::vector<std::size_t> lost;
  std::optional<std::size_t> waited_with;

 private:
  std::shared_ptr<RealClock> clock_ = clock_of_sites();
  MakeEpochMethod make_;
  ThreadPool pool_{1};
  Fleet fleet_{pool_};
  std::size_t next_ = 0;
  std::unique_ptr<Method> star_;
  std::atomic<bool> over_ = false;
  std::thread looking_;
};

TEST(Arrivals, ARunOfThoseThatAreThereFromTheStartIsThatOfRanks) {
  ServerOfSites server("gd", kSites);
  const auto first = server.site(1);
  const auto second = server.site(2);
  const auto third = server.site(3);
  for (int t = 0; t <= 20; ++t) server.round();
  EXPECT_THAT(server.epochs, ElementsAre(ElementsAre(0, 1, 2)));

  const auto problem = problem_of_sites();
  const auto clock = clock_of_sites();
  const std::vector<std::uint32_t> all = {0, 1, 2};
  clock->hear(all);
  const Assembly assembly =
      assemble(parse("gd"), {.problem = *problem, .seed = kSeedOfSites, .stragglers = clock});
  const auto star =
      make_star(*problem, std::get<StarParts>(assembly.parts), {.step = 0.2, .seed = kSeedOfSites});
  ThreadPool pool(1);
  Fleet fleet(pool);
  star->start(fleet, nullptr);
  for (std::size_t t = 1; t <= 20; ++t) star->round(fleet, t, nullptr);
  EXPECT_EQ(server.x(), Vector(star->point().begin(), star->point().end()));
}

TEST(Arrivals, TheRunWaitsForClientsEnough) {
  ServerOfSites server("gd", 2);
  const auto first = server.site(1);
  std::unique_ptr<SiteProcess> second;
  std::thread later([&] {
    while (server.mailbox.is_lost(1)) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    second = server.site(3);
  });
  server.round();
  later.join();
  EXPECT_THAT(server.last.counted, ElementsAre(0, 2));
  EXPECT_THAT(server.last.gone, ElementsAre(1));
  EXPECT_EQ(server.waited_with, 1U);
  EXPECT_THAT(server.epochs, ElementsAre(ElementsAre(0, 2)));
}

TEST(Arrivals, AProcessThatIsLateTakesPartFromTheNextEpochOn) {
  ServerOfSites server("gd");
  const auto first = server.site(1);
  server.round();
  const double at_first = server.gradient_norm_sq();
  EXPECT_THAT(server.last.counted, ElementsAre(0));
  const auto second = server.site(2);
  const auto third = server.site(3);
  server.round_until({0, 1, 2});
  EXPECT_THAT(server.last.gone, IsEmpty());
  EXPECT_EQ(server.last.late_bits, 0U) << "answers that have counted are not late, too";
  for (int t = 0; t < 600; ++t) server.round();
  EXPECT_LT(server.gradient_norm_sq(), 1e-3 * at_first);
  EXPECT_THAT(server.refused, IsEmpty());
}

TEST(Arrivals, AProcessThatIsKilledComesBackUnderItsNumber) {
  ServerOfSites server("gd");
  const auto first = server.site(1);
  auto second = server.site(2);
  const auto third = server.site(3);
  server.round_until({0, 1, 2});
  const double at_first = server.gradient_norm_sq();
  second.reset();
  server.round_until({0, 2});  // after the patience
  EXPECT_THAT(server.lost, ElementsAre(2));
  second = server.site(2);
  server.round_until({0, 1, 2});
  second.reset();
  second = server.site(2);  // before the patience is over: the new process shows that the old one is lost
  const std::size_t epochs = server.epochs.size();
  while (server.epochs.size() < epochs + 2) server.round();
  server.round_until({0, 1, 2});
  EXPECT_THAT(server.lost, ElementsAre(2, 2));
  for (int t = 0; t < 600; ++t) server.round();
  EXPECT_LT(server.gradient_norm_sq(), 1e-3 * at_first);
}

TEST(Arrivals, AProcessThatIsNotAdmittedCostsTheRunNothing) {
  ServerOfSites server("gd");
  const auto first = server.site(1);
  server.round();
  {
    const auto stranger = server.site(2, "good day");
    while (server.refused.empty()) server.round();
    EXPECT_THAT(server.last.counted, ElementsAre(0));
    EXPECT_THAT(server.epochs, SizeIs(1));
  }
  EXPECT_EQ(server.refused[0].first, 2U);
  EXPECT_THAT(server.refused[0].second, HasSubstr("it says no hello"));
  const auto second = server.site(2);
  server.round_until({0, 1});
}

}  // namespace
}  // namespace laconic::testing
