// SPDX-License-Identifier: Apache-2.0
// Processes that arrive during a served run, are killed, and come back.
#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/core/failure.h"
#include "laconic/core/parallel.h"
#include "laconic/core/spec.h"
#include "laconic/methods/methods.h"
#include "laconic/participation/real_clock.h"
#include "laconic/problem/across_sites.h"
#include "laconic/problem/like.h"
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
double answer_within = 60;  // seconds; less in tests of processes that do not answer

std::shared_ptr<const Problem> problem_of_sites() {
  return make_problem(parse("logistic(generated(rows=30, d=12, shift=1), lambda=0.1)"), {.clients = kSites});
}

MakeEpochMethod method_of_sites(const std::string& method, const std::shared_ptr<RealClock>& clock) {
  return [method, clock](const Members& members) {
    const auto problem = problem_of_sites();
    const Assembly assembly =
        assemble(parse(method),
                 {.problem = *problem, .seed = kSeedOfSites, .stragglers = clock, .gone = members.gone});
    return EpochMethod{problem, std::get<StarParts>(assembly.parts)};
  };
}

/// A shard of a problem as its only one.
class OneShard final : public Like {
 public:
  OneShard(std::shared_ptr<const Problem> problem, std::size_t shard)
      : Like(std::move(problem)), shard_(shard) {}
  std::size_t shards() const override { return 1; }
  std::size_t rows(std::size_t /*shard*/) const override { return problem_->rows(shard_); }
  Measured value_gradient(std::size_t /*shard*/, Rows rows, View x, MutView g) const override {
    return problem_->value_gradient(shard_, rows, x, g);
  }

 private:
  std::size_t shard_;
};

/// The mean over some shards of the problem.
std::shared_ptr<const Problem> mean_over(const std::vector<std::uint32_t>& shards) {
  class SomeShards final : public Like {
   public:
    explicit SomeShards(std::vector<std::uint32_t> some) : Like(problem_of_sites()), some_(std::move(some)) {}
    std::size_t shards() const override { return some_.size(); }
    std::size_t rows(std::size_t shard) const override { return problem_->rows(some_[shard]); }
    Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
      return problem_->value_gradient(some_[shard], rows, x, g);
    }

   private:
    std::vector<std::uint32_t> some_;
  };
  return std::make_shared<SomeShards>(shards);
}

/// f of these shards at x, and its gradient.
Evaluation mean_at(View x, const std::vector<std::uint32_t>& shards) {
  ThreadPool pool(1);
  Fleet fleet(pool);
  Evaluation evaluation;
  evaluate(*mean_over(shards), x, fleet, evaluation);
  return evaluation;
}

constexpr std::uint32_t kRowsOfSite = 30;

/// The method at the server that has no data.
MakeEpochMethod method_at_server(const std::string& method, const std::shared_ptr<RealClock>& clock) {
  const std::shared_ptr<const Problem> whole =
      at_server(problem_of_sites(), std::vector<std::uint32_t>(kSites, kRowsOfSite));
  return [method, clock, whole](const Members& members) {
    std::vector<std::uint32_t> there;
    for (std::uint32_t i = 0; i < kSites; ++i) {
      if (std::find(members.gone.begin(), members.gone.end(), i) == members.gone.end()) there.push_back(i);
    }
    clock->number(there);
    std::shared_ptr<const Problem> problem = whole;
    if (there.size() < kSites)
      problem = at_server(whole, std::vector<std::uint32_t>(there.size(), kRowsOfSite));
    const Assembly assembly =
        assemble(parse(method), {.problem = *problem, .seed = kSeedOfSites, .stragglers = clock});
    return EpochMethod{problem, std::get<StarParts>(assembly.parts), true};
  };
}

/// The method at a site that has the rows of one shard.
MakeEpochMethod method_at_site(const std::string& method, std::uint32_t client) {
  return [method, client](const Members& members) {
    std::vector<std::uint32_t> rows;
    for (const std::uint32_t i : members.by_number()) rows.push_back(members.rows[i]);
    const auto clock = std::make_shared<RealClock>(rows.size(), Policy{}, kPatienceOfSites);
    const std::shared_ptr<const Problem> problem =
        at_site(std::make_shared<OneShard>(problem_of_sites(), client), rows, members.number_of(client));
    const Assembly assembly =
        assemble(parse(method), {.problem = *problem, .seed = kSeedOfSites, .stragglers = clock});
    return EpochMethod{problem, std::get<StarParts>(assembly.parts)};
  };
}

/// While it lives, servers begin to wait for less long.
struct Impatience {
  Impatience() { answer_within = 0.6; }
  ~Impatience() { answer_within = 60; }
  Impatience(const Impatience&) = delete;
  Impatience& operator=(const Impatience&) = delete;
};

std::shared_ptr<RealClock> clock_of_sites() {
  return std::make_shared<RealClock>(kSites, Policy{.deadline = {}, .first = kSites}, kPatienceOfSites,
                                     answer_within);
}

/// What of a process never arrives.
using HoldsBack = std::function<bool(AnswerHead::Kind)>;

/// A process of one client, on two threads: one computes, one carries its letters to the server's mailbox.
class SiteProcess {
 public:
  SiteProcess(std::size_t rank, Mailbox& server, MakeEpochMethod method, std::string hello,
              HoldsBack holds_back)
      : rank_(rank),
        server_(server),
        mailbox_(rank, 1 + kSites, 60),
        hello_(std::move(hello)),
        holds_back_(std::move(holds_back)) {
    server.arrive(rank);
    computing_ = std::thread([this, method = std::move(method)] {
      mailbox_.post(0, Hello{.text = hello_}.letter());
      serve_clients(method, kSeedOfSites, mailbox_, 1, {});
    });
    carrying_ = std::thread([this] {
      while (!cut_) {
        while (const auto parcel = mailbox_.next_for(0)) {
          if (arrives(*parcel)) server_.deliver(rank_, *parcel);
        }
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
  bool arrives(const Mailbox::Parcel& parcel) {
    if (!holds_back_ || parcel.kind != Mailbox::Kind::letter) return true;
    return !std::exchange(has_said_hello_, true) || !holds_back_(Answer::of(parcel.letter).kind);
  }

  std::size_t rank_;
  Mailbox& server_;
  Mailbox mailbox_;
  std::string hello_;
  HoldsBack holds_back_;
  bool has_said_hello_ = false;
  std::atomic<bool> cut_ = false;
  std::thread computing_;
  std::thread carrying_;
};

/// The server. The test calls its rounds.
class ServerOfSites {
 public:
  explicit ServerOfSites(const std::string& method, std::size_t start_with = 1, bool has_data = true)
      : mailbox(0, 1 + kSites, kPatienceOfSites, {.ranks_arrive = true}),
        method_(method),
        has_data_(has_data),
        make_(has_data ? method_of_sites(method, clock_) : method_at_server(method, clock_)),
        star_(make_served_star(
            make_, {.step = 0.2, .seed = kSeedOfSites}, mailbox, *clock_,
            {.attended = [this](const Attendance& told) { last = told; },
             .refused = [this](std::size_t rank, std::size_t /*round*/,
                               const std::string& reason) { refused.emplace_back(rank, reason); },
             .lost = [this](std::size_t rank, std::size_t /*round*/,
                            bool has_left) { (has_left ? left : lost).push_back(rank); },
             .admit =
                 [](std::size_t /*rank*/, const Letter& first) {
                   if (Hello::of(first).text != "hello") throw InputError("it says no hello");
                 },
             .began = [this](std::size_t /*round*/, std::size_t /*epoch*/,
                             const std::vector<std::uint32_t>& clients) { epochs.push_back(clients); },
             .waiting =
                 [this, start_with](std::size_t /*round*/, std::size_t clients) {
                   if (clients < start_with) waited_with = clients;
                   if (interrupts) throw Interrupted(Request::interrupt, "in a wait");
                 },
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

  std::unique_ptr<SiteProcess> site(std::size_t rank, const std::string& hello = "hello",
                                    HoldsBack holds_back = {}) {
    const auto client = static_cast<std::uint32_t>(rank - 1);
    return std::make_unique<SiteProcess>(
        rank, mailbox,
        has_data_ ? method_of_sites(method_, clock_of_sites()) : method_at_site(method_, client), hello,
        std::move(holds_back));
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
  [[nodiscard]] Evaluation evaluation() {
    Evaluation evaluation;
    star_->evaluate(fleet_, evaluation);
    return evaluation;
  }
  [[nodiscard]] double gradient_norm_sq() { return norm_sq(evaluation().gradient); }
  [[nodiscard]] const Ledger& ledger() const { return star_->ledger(); }
  [[nodiscard]] Vector x() const { return {star_->point().begin(), star_->point().end()}; }

  Mailbox mailbox;
  Attendance last;
  std::vector<std::vector<std::uint32_t>> epochs;
  std::vector<std::pair<std::size_t, std::string>> refused;
  std::vector<std::size_t> lost;
  std::vector<std::size_t> left;
  bool interrupts = false;
  std::optional<std::size_t> waited_with;

 private:
  std::shared_ptr<RealClock> clock_ = clock_of_sites();
  std::string method_;
  bool has_data_;  // or only the sites have it
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

TEST(Arrivals, AProcessThatGivesSignsOfLifeAndDoesNotAnswerIsRefused) {
  const Impatience impatience;
  using Kind = AnswerHead::Kind;
  const HoldsBack all_it_has = [](Kind) { return true; };
  const HoldsBack its_messages = [](Kind kind) { return kind == Kind::message; };
  for (const HoldsBack& holds_back : {all_it_has, its_messages}) {
    ServerOfSites server("gd", 2);
    const auto first = server.site(1);
    auto second = server.site(2, "hello", holds_back);
    const auto third = server.site(3);
    while (server.refused.empty()) server.round();
    server.round_until({0, 2});
    ASSERT_THAT(server.refused, SizeIs(1));
    EXPECT_EQ(server.refused[0].first, 2U);
    EXPECT_THAT(server.refused[0].second, HasSubstr("it is not silent, and has not answered for 0.6 s"));
    second.reset();
    second = server.site(2);
    server.round_until({0, 1, 2});
    EXPECT_THAT(server.lost, IsEmpty());
  }
}

TEST(Arrivals, ARequestToEndIsHeardWhileTheServerWaitsForAnswers) {
  ServerOfSites server("gd");
  const auto holding = server.site(1, "hello", [](AnswerHead::Kind) { return true; });
  server.interrupts = true;
  EXPECT_THROW(server.round(), Interrupted);
}

TEST(Arrivals, AProcessThatLeavesIsNotLost) {
  ServerOfSites server("gd");
  const auto first = server.site(1);
  const auto second = server.site(2);
  server.round_until({0, 1});
  server.mailbox.deliver(2, {Mailbox::Kind::left, {}});
  server.round_until({0});
  EXPECT_THAT(server.left, ElementsAre(2));
  EXPECT_THAT(server.lost, IsEmpty());
}

/// The same run with all data in one process.
std::unique_ptr<Method> run_alone(const std::string& method, const Problem& problem, Fleet& fleet,
                                  std::size_t rounds) {
  const auto clock = std::make_shared<RealClock>(problem.shards(), Policy{}, kPatienceOfSites);
  std::vector<std::uint32_t> all(problem.shards());
  std::iota(all.begin(), all.end(), 0);
  clock->hear(all);
  const Assembly assembly =
      assemble(parse(method), {.problem = problem, .seed = kSeedOfSites, .stragglers = clock});
  auto star = make_star(problem, std::get<StarParts>(assembly.parts), {.step = 0.2, .seed = kSeedOfSites});
  star->start(fleet, nullptr);
  for (std::size_t t = 1; t <= rounds; ++t) star->round(fleet, t, nullptr);
  return star;
}

Vector point_of(const Method& method) { return {method.point().begin(), method.point().end()}; }

TEST(AcrossSites, AServerWithoutDataMovesAndEvaluatesAsOneWithIt) {
  for (const char* method : {"gd", "ef21(top-k(2))", "diana(rand-k(3))", "marina(perm-k, p=0.3)"}) {
    ServerOfSites server(method, kSites, false);
    const auto first = server.site(1);
    const auto second = server.site(2);
    const auto third = server.site(3);
    for (int t = 0; t <= 20; ++t) server.round();
    const auto problem = problem_of_sites();
    ThreadPool pool(1);
    Fleet fleet(pool);
    const auto star = run_alone(method, *problem, fleet, 20);
    EXPECT_EQ(server.x(), point_of(*star)) << method;
    const auto bits = server.ledger().uplink_bits;
    EXPECT_EQ(bits, star->ledger().uplink_bits) << method;
    Evaluation expected;
    star->evaluate(fleet, expected);
    const Evaluation evaluation = server.evaluation();
    EXPECT_EQ(evaluation.f, expected.f) << method;
    EXPECT_EQ(evaluation.gradient, expected.gradient) << method;
    EXPECT_EQ(server.ledger().uplink_bits, bits) << "evaluations are outside the ledger";
  }
}

TEST(AcrossSites, TheFirstEpochOfSomeSitesIsTheRunOfTheseAlone) {
  for (const char* method : {"gd", "diana(perm-k)", "marina(perm-k, p=0.3)"}) {
    ServerOfSites server(method, 2, false);
    const auto first = server.site(1);
    const auto second = server.site(2);
    for (int t = 0; t <= 20; ++t) server.round();
    ThreadPool pool(1);
    Fleet fleet(pool);
    const auto problem = mean_over({0, 1});
    EXPECT_EQ(server.x(), point_of(*run_alone(method, *problem, fleet, 20))) << method;
  }
}

TEST(AcrossSites, FIsTheMeanOverTheSitesThatAreThere) {
  for (const char* method : {"gd", "ef21(top-k(4))", "diana(perm-k)"}) {
    ServerOfSites server(method, 2, false);
    const auto first = server.site(1);
    const auto third = server.site(3);
    for (int t = 0; t <= 400; ++t) server.round();
    const Evaluation expected = mean_at(server.x(), {0, 2});
    const Evaluation evaluation = server.evaluation();
    EXPECT_EQ(evaluation.f, expected.f) << method;
    EXPECT_EQ(evaluation.gradient, expected.gradient) << method;
    EXPECT_LT(norm_sq(evaluation.gradient), 1e-4) << method << ": no heir has the data of the second site";
    const auto second = server.site(2);
    server.round_until({0, 1, 2});
    EXPECT_GT(server.gradient_norm_sq(), 1e-3) << method << ": f is another mean now";
    for (int t = 0; t <= 400; ++t) server.round();
    EXPECT_LT(server.gradient_norm_sq(), 1e-4) << method;
    EXPECT_THAT(server.refused, IsEmpty());
  }
}

TEST(AcrossSites, ASiteThatIsKilledDuringAnEvaluationCostsItsPartOfIt) {
  ServerOfSites server("gd", 1, false);
  const auto first = server.site(1);
  auto second = server.site(2);
  server.round_until({0, 1});
  second.reset();
  const Vector x = server.x();
  const Evaluation evaluation = server.evaluation();
  const Evaluation expected = mean_at(x, {0});
  EXPECT_EQ(evaluation.f, expected.f);
  server.round_until({0});
}

TEST(AcrossSites, ASiteThatDoesNotAnswerAnEvaluationCostsItsPartOfIt) {
  const Impatience impatience;
  ServerOfSites server("gd", 1, false);
  const auto first = server.site(1);
  const auto second =
      server.site(2, "hello", [](AnswerHead::Kind kind) { return kind == AnswerHead::Kind::measurement; });
  server.round_until({0, 1});
  for (int t = 0; t < 50; ++t) server.round();  // so that it classifies some rows
  const Vector x = server.x();
  const Evaluation evaluation = server.evaluation();
  const Evaluation expected = mean_at(x, {0});
  EXPECT_EQ(evaluation.f, expected.f);
  EXPECT_GT(expected.correct, 0);
  EXPECT_EQ(evaluation.correct, 2 * expected.correct)
      << "of the rows of both: the share is that of the first";
  server.round_until({0});
  ASSERT_THAT(server.refused, SizeIs(1));
  EXPECT_THAT(server.refused[0].second, HasSubstr("has not answered"));
}

}  // namespace
}  // namespace laconic::testing
