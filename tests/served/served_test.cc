// SPDX-License-Identifier: Apache-2.0
// A star method with a real clock. The clients that count differ from run to run; given these clients, the
// rest of the run is determined.
#include "laconic/served/served.h"

#include <atomic>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/core/parallel.h"
#include "laconic/core/spec.h"
#include "laconic/core/threads.h"
#include "laconic/message/wire.h"
#include "laconic/methods/methods.h"
#include "laconic/participation/allocation.h"
#include "laconic/problem/make.h"
#include "laconic/report/attendance.h"
#include "laconic/served/letters.h"
#include "laconic/transport/fleet.h"
#include "laconic/transport/mailbox.h"
#include "laconic/transport/threads.h"
#include "tests/out_of_threads.h"
#include "tests/served/letters.h"
#include "tests/temporary_folder.h"

namespace laconic::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Letters, SayWhatWasPutIntoThem) {
  const Order order{.epoch = 2,
                    .start = 7,
                    .round = 9,
                    .evaluates = true,
                    .members = {.gone = {1, 4}, .rows = {7, 0, 5, 5, 0}},
                    .counted = {8, Order::kNever, 0},
                    .x = {1.5, -0.0, 1e-300},
                    .before = {2, 3, 4}};
  const Order read = Order::of(order.letter());
  EXPECT_EQ(read.epoch, 2U);
  EXPECT_EQ(read.start, 7U);
  EXPECT_EQ(read.round, 9U);
  EXPECT_TRUE(read.evaluates);
  EXPECT_EQ(read.members.gone, order.members.gone);
  EXPECT_EQ(read.members.rows, order.members.rows);
  EXPECT_EQ(read.counted, order.counted);
  EXPECT_EQ(read.x, order.x);
  EXPECT_EQ(read.before, order.before);

  Entry entry;
  entry.key.client = 5;
  entry.envelope = {
      .bytes = 3, .first_byte = 9, .finite = true, .floats = 2.5, .calls = 11, .measured = {0.5, 1}};
  entry.message.bytes = {9, 8, 7};
  const Answer answer = Answer::of(message_letter(1, 2, entry));
  EXPECT_EQ(answer.epoch, 1U);
  EXPECT_EQ(answer.round, 2U);
  EXPECT_EQ(answer.client, 5U);
  EXPECT_EQ(answer.envelope.calls, 11U);
  EXPECT_EQ(answer.envelope.floats, 2.5);
  EXPECT_EQ(answer.message.bytes, entry.message.bytes);
}

TEST(Letters, ThatAreCutOffAreRefused) {
  const Letter whole =
      Order{.members = {.gone = {1}, .rows = {0, 4}}, .counted = {2, 3}, .x = {1, 2}, .before = {}}.letter();
  for (std::size_t length = 0; length < whole->size(); ++length) {
    const auto cut = std::make_shared<const std::vector<std::uint8_t>>(
        whole->begin(), whole->begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_THROW(Order::of(cut), RunError) << length;
  }
  EXPECT_THROW(Answer::of(std::make_shared<const std::vector<std::uint8_t>>(5)), RunError);
}

constexpr double kLong = 60;  // seconds; no test waits so long

TEST(RealClock, RemembersWhoWasLate) {
  RealClock clock(3, {.deadline = 1, .first = {}}, 10);
  const std::vector<std::uint32_t> two = {0, 2};
  clock.hear(two);
  EXPECT_DOUBLE_EQ(clock.late(1), 0) << "what a round shows weighs in the next";
  clock.learn({false, false, false});
  EXPECT_DOUBLE_EQ(clock.late(0), 0);
  EXPECT_DOUBLE_EQ(clock.late(1), 0.05);
  std::vector<std::uint32_t> answering;
  clock.draw({}, answering);
  EXPECT_EQ(answering, two);
  for (int t = 0; t < 200; ++t) {
    clock.hear(std::vector<std::uint32_t>{});
    clock.learn({false, false, false});
  }
  EXPECT_DOUBLE_EQ(clock.late(1), 0.05) << "a round without answers says nothing of anybody";
  for (int t = 0; t < 200; ++t) {
    clock.hear(std::vector<std::uint32_t>{1});
    clock.learn({false, false, true});
  }
  EXPECT_DOUBLE_EQ(clock.late(0), 0.95) << "so that nobody weighs for ever more";
  EXPECT_DOUBLE_EQ(clock.late(2), 0) << "gone is not late";
}

TEST(Allocation, ThoseLeftTakeOverWhatNobodyElseHolds) {
  const Allocation own = without(no_redundancy(5), std::vector<std::uint32_t>{1, 2});
  EXPECT_THAT(own.held(0), ElementsAre(0, 1));
  EXPECT_TRUE(own.held(1).empty());
  EXPECT_THAT(own.held(3), ElementsAre(2, 3));
  EXPECT_THAT(own.held(4), ElementsAre(4));
  for (const char* rule : {"random", "balanced", "cyclic", "bernoulli"}) {
    const Allocation whole = make_allocation(rule, 3, {.clients = 12, .seed = 5, .rule = Spec(rule)});
    const std::vector<std::uint32_t> gone = {0, 3, 4, 7, 11};
    const Allocation left = without(whole, gone);
    for (const std::uint32_t i : gone) EXPECT_TRUE(left.held(i).empty());
    for (std::size_t k = 0; k < 12; ++k) {
      std::size_t living = 0;
      for (std::uint32_t i = 0; i < 12; ++i) {
        const auto held = whole.held(i);
        living += !std::binary_search(gone.begin(), gone.end(), i) &&
                  std::binary_search(held.begin(), held.end(), k);
      }
      const std::size_t copies = whole.copies(k) == 0 ? 0 : std::max<std::size_t>(living, 1);
      EXPECT_EQ(left.copies(k), copies) << rule << ", subset " << k;
    }
  }
}

TEST(Rehearsal, SaysWhatIsWrong) {
  const auto make = [](const std::string& text) {
    return make_faults(parse_arguments("rehearsal", text), 4);
  };
  const auto faults =
      make("slow(3, 2s, from=5, rounds=2), slow(0, times=10), silent(1, from=7), garbled(2, from=9)");
  ASSERT_EQ(faults.size(), 4U);
  EXPECT_EQ(faults[0].seconds, 2);
  EXPECT_FALSE(faults[0].is_in(4));
  EXPECT_TRUE(faults[0].is_in(6));
  EXPECT_FALSE(faults[0].is_in(7));
  EXPECT_EQ(faults[1].times, 10);
  EXPECT_TRUE(faults[2].silent);
  EXPECT_FALSE(faults[2].garbled);
  EXPECT_TRUE(faults[3].garbled);
  for (const char* wrong :
       {"", "slow", "slow(4, 1s)", "slow(0)", "slow(0, fast)", "slow(0, times=0.5)", "silent(0, 1s)",
        "quick(1)", "slow(0, 1s, rounds=0)", "silent(x)", "garbled(0, 1s)"})
    EXPECT_THROW(make(wrong), InputError) << wrong;
}

constexpr std::size_t kClients = 6;
constexpr std::size_t kRounds = 25;
constexpr double kStep = 0.2;
constexpr std::uint64_t kSeed = 3;

std::unique_ptr<Problem> problem(IndexSet own = {}) {
  ProblemSetting setting{.clients = kClients};
  if (own.size() > 0) setting.own = own;
  return make_problem(parse("least-squares(generated(rows=30, d=12, shift=1))"), setting);
}

StarParts parts_of(const std::string& method, const Problem& problem,
                   std::shared_ptr<const Stragglers> stragglers,
                   const std::vector<std::uint32_t>& gone = {}) {
  Assembly assembly = assemble(
      parse(method), {.problem = problem, .seed = kSeed, .stragglers = std::move(stragglers), .gone = gone});
  return std::get<StarParts>(assembly.parts);
}

/// A served run of a method on some ranks.
struct Served {
  std::vector<Attendance> attendance;
  Vector x;
  Totals totals;
  int orphans = 0;  // processes that gave up on the server
};
Served serve(
    const std::string& method, const Policy& policy, double patience, const std::vector<Fault>& rehearsal,
    std::size_t ranks, std::size_t rounds = kRounds, std::size_t threads = 1,
    const std::function<std::shared_ptr<const Problem>()>& make = [] { return problem(); },
    std::vector<std::string>* refusals = nullptr) {
  Served served;
  std::mutex mutex;
  run_ranks(ranks, [&](Transport& transport) {
    transport.correspond(patience, [&](Mailbox& mailbox) {
      const auto clock = std::make_shared<RealClock>(kClients, policy, patience);
      const MakeEpochMethod regroup = [&](const Members& members) {
        const std::shared_ptr<const Problem> everything = make();
        return EpochMethod{everything, parts_of(method, *everything, clock, members.gone)};
      };
      ThreadPool pool(threads);
      if (transport.rank() > 0) {
        try {
          serve_clients(regroup, kSeed, mailbox, threads, rehearsal);
        } catch (const RunError&) {
          const std::lock_guard lock(mutex);
          ++served.orphans;
        }
        return 0;
      }
      const auto attended = [&](const Attendance& told) { served.attendance.push_back(told); };
      const auto refused = [&](std::size_t /*rank*/, std::size_t /*round*/, const std::string& reason) {
        if (refusals != nullptr) refusals->push_back(reason);
      };
      const auto star = make_served_star(regroup, {.step = kStep, .seed = kSeed}, mailbox, *clock,
                                         {.attended = attended, .refused = refused});
      Fleet fleet(pool);
      star->start(fleet, nullptr);
      for (std::size_t t = 1; t <= rounds; ++t) star->round(fleet, t, nullptr);
      served.x.assign(star->point().begin(), star->point().end());
      served.totals = star->ledger();
      return 0;
    });
  });
  return served;
}

/// Replays the clients that answered in an earlier run.
class AsItWas final : public Stragglers {
 public:
  explicit AsItWas(const std::vector<Attendance>& attendance)
      : attendance_(attendance), clock_(kClients, {}, kLong) {}
  void draw(const Key& common, std::vector<std::uint32_t>& answering) const override {
    answering = attendance_[common.round].counted;
    if (common.round > 0) clock_.learn(std::vector<bool>(kClients, false));  // of the round before
    clock_.hear(answering);
  }
  std::size_t clients() const override { return kClients; }
  double late(std::size_t client) const override { return clock_.late(client); }
  double delays(const Key& /*common*/, std::vector<double>& seconds) const override {
    seconds.clear();
    return 0;
  }
  bool is_real() const override { return true; }

 private:
  const std::vector<Attendance>& attendance_;
  mutable RealClock clock_;
};

class ServedMethods : public ::testing::TestWithParam<const char*> {};

// Messages of late clients have no effect on the run, and clients that counted update their memories. So the
// run equals, bit for bit, the star method in which the same clients participate.
TEST_P(ServedMethods, EndWhereTheStarEndsInWhichTheSameAnswer) {
  const std::vector<Fault> rehearsal = {{.client = 0, .seconds = 0.05, .from = 3},
                                        {.client = 4, .seconds = 0.02, .from = 8, .rounds = 4},
                                        {.client = 5, .seconds = 0.004}};
  const Served served = serve(GetParam(), {.deadline = 0.008, .first = {}}, kLong, rehearsal, 4);
  ASSERT_EQ(served.attendance.size(), kRounds + 1);
  std::size_t late = 0;
  for (const Attendance& told : served.attendance) late += told.late.size();
  EXPECT_GT(late, 0U) << "nobody was late: nothing is tested";

  const auto plain = problem();
  const auto star =
      make_star(*plain, parts_of(GetParam(), *plain, std::make_shared<AsItWas>(served.attendance)),
                {.step = kStep, .seed = kSeed});
  ThreadPool pool(1);
  Fleet fleet(pool);
  star->start(fleet, nullptr);
  for (std::size_t t = 1; t <= kRounds; ++t) star->round(fleet, t, nullptr);
  EXPECT_EQ(Vector(star->point().begin(), star->point().end()), served.x);
  EXPECT_EQ(star->ledger().uplink_bits, served.totals.uplink_bits);
  EXPECT_EQ(star->ledger().downlink_bits, served.totals.downlink_bits);
}

INSTANTIATE_TEST_SUITE_P(All, ServedMethods,
                         ::testing::Values("gd", "gd(decode=ht)", "ef21(top-k(2))", "ef21(low-rank(1))",
                                           "marina(rand-k(2), p=0.3)", "diana(rand-k(3))",
                                           "gc-1bit(redundancy=3)", "gc-1bit(redundancy=2, decode=ht)",
                                           "coco-ef(redundancy=2)", "gc-diana(redundancy=2)", "lag(zeta=4)",
                                           "clag(top-k(2), zeta=4)", "3pc-v2(rand-k(2), top-k(2))",
                                           "exact-gc(tolerates=2)", "bgc(redundancy=3, decode=lsq)",
                                           "erasurehead(redundancy=2)", "majority(redundancy=2)"));

TEST(Served, TheFirstAnswersEndARound) {
  const Served served =
      serve("gd(decode=count)", {.deadline = {}, .first = 3}, kLong, {{.client = 1, .seconds = 0.1}}, 7);
  for (const Attendance& told : served.attendance) EXPECT_GE(told.counted.size(), 3U);
  EXPECT_FALSE(served.attendance.back().late.empty());
}

TEST(Served, ClientsOfOneProcessTakeTurns) {
  const Served served = serve("gd", {.deadline = {}, .first = 2}, kLong, {}, 3, 60);
  std::vector<std::size_t> counted(kClients);
  for (const Attendance& told : served.attendance) {
    for (const std::uint32_t i : told.counted) ++counted[i];
  }
  // Two processes have three clients each. On a busy machine one of them may be faster than the other.
  for (const std::size_t first : {0, 3}) {
    const auto [least, most] = std::minmax({counted[first], counted[first + 1], counted[first + 2]});
    EXPECT_GE(3 * least, most) << "client " << first << " and the next two";
    EXPECT_GT(least, 0U);
  }
}

TEST(Served, ASlowClientDoesNotHoldBackThoseBesideIt) {
  const Served served = serve("gd", {.deadline = 0.05, .first = {}}, kLong,
                              {{.client = 0, .seconds = 0.2}, {.client = 3, .seconds = 0.2}}, 3, 10, 3);
  std::size_t beside = 0;  // answers of the four clients that are not slow
  for (const Attendance& told : served.attendance) {
    for (const std::uint32_t i : told.counted) beside += i != 0 && i != 3 ? 1 : 0;
  }
  EXPECT_GT(beside, 0U);
}

TEST(Served, NorThoseWhoseTurnComesAfterIt) {
  const Served served =
      serve("gd", {.deadline = 0.02, .first = {}}, kLong, {{.client = 0, .seconds = 0.05}}, 2, 60);
  std::vector<std::size_t> counted(kClients);
  for (const Attendance& told : served.attendance) {
    for (const std::uint32_t i : told.counted) ++counted[i];
  }
  for (std::size_t i = 1; i < kClients; ++i) EXPECT_GE(counted[i], 3U) << i;
}

TEST(Served, AllAnswerWhenTheCoinShowsHeads) {
  const Served served = serve("marina(rand-k(2), p=0.5)", {.deadline = 1e-4, .first = {}}, kLong,
                              {{.client = 2, .seconds = 0.005}}, 4);
  const SharedCoin coin{0.5};
  std::size_t heads = 0;
  for (const Attendance& told : served.attendance) {
    const Key round{kSeed, static_cast<std::uint32_t>(told.round)};
    if (told.round > 0 && !coin.heads(round)) continue;
    ++heads;
    EXPECT_TRUE(told.late.empty()) << "round " << told.round;
  }
  EXPECT_GT(heads, 5U);
}

double grad_norm_sq_at(View x) {
  const auto whole = problem();
  ThreadPool pool(1);
  Fleet fleet(pool);
  Evaluation there;
  evaluate(*whole, x, fleet, there);
  return norm_sq(there.gradient);
}

/// The squared gradient norm of the whole objective at the minimum of the objective of the given clients.
double grad_norm_sq_where_others_are_not_heard(const std::vector<std::uint32_t>& clients) {
  const auto whole = problem();
  Vector x(whole->dim());
  Vector g(whole->dim());
  for (int t = 0; t < 400; ++t) {
    Vector sum(whole->dim());
    for (const std::uint32_t i : clients) {
      whole->value_gradient(i, Rows::everything(), x, g);
      axpy(1.0 / static_cast<double>(clients.size()), g, sum);
    }
    axpy(-kStep, sum, x);
  }
  return grad_norm_sq_at(x);
}

TEST(Served, GoesOnWithoutAProcessThatIsSilent) {
  EXPECT_GT(grad_norm_sq_where_others_are_not_heard({0, 1, 4, 5}), 1e-3);
  for (const char* method : {"gd", "ef21(top-k(4))", "gc-1bit(redundancy=2)", "marina(rand-k(4), p=0.3)"}) {
    const Served served =
        serve(method, {.deadline = 0.02, .first = {}}, 1, {{.client = 3, .from = 5, .silent = true}}, 4, 400);
    const Attendance& last = served.attendance.back();
    EXPECT_EQ(last.epoch, 1U) << method;
    EXPECT_THAT(last.gone, ElementsAre(2, 3)) << method << ": its process had both";
    EXPECT_EQ(served.totals.gone, 2U);
    EXPECT_EQ(served.orphans, 1) << "who is given up hears nothing more, and ends";
    EXPECT_LT(grad_norm_sq_at(served.x), std::string(method).starts_with("gc") ? 3e-4 : 1e-6)
        << method << " does not learn from the shards of those who are gone";
  }
}

/// A problem in which the gradients of the clients from `first` to `last` are finite only at the start.
class Unbounded final : public Problem {
 public:
  explicit Unbounded(std::size_t first = 4, std::size_t last = 4)
      : inner_(problem()), first_(first), last_(last) {}
  std::size_t dim() const override { return inner_->dim(); }
  std::size_t shards() const override { return inner_->shards(); }
  std::size_t rows(std::size_t shard) const override { return inner_->rows(shard); }
  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    const Measured measured = inner_->value_gradient(shard, rows, x, g);
    if (first_ <= shard && shard <= last_ && x[0] != 0) g[0] = std::numeric_limits<double>::infinity();
    return measured;
  }
  std::optional<Constants> constants(AllShards& /*all*/) const override { return {}; }

 private:
  std::unique_ptr<Problem> inner_;
  std::size_t first_;
  std::size_t last_;
};

TEST(Served, ARoundWithAGradientThatIsNotFiniteWaitsForAllAnswers) {
  std::vector<std::string> refusals;
  std::vector<Fault> slow;  // the second process
  for (const std::uint32_t client : {3U, 4U, 5U})
    slow.push_back({.client = client, .seconds = 0.3, .from = 1, .rounds = 1});
  EXPECT_THROW(serve(
                   "gd", {.deadline = {}, .first = 1}, kLong, slow, 3, 5, 1,
                   [] { return std::make_shared<Unbounded>(0, kClients - 1); }, &refusals),
               Diverged);
  EXPECT_THAT(refusals, IsEmpty()) << "of the process that is not slow";
}

TEST(Served, EndsWhereAGradientIsNotFinite) {
  // A process is given up for it, and the other one has the same shard then.
  EXPECT_THROW(serve("gd", {.deadline = 0.1, .first = {}}, 0.5, {}, 3, 5, 1,
                     [] { return std::make_shared<Unbounded>(); }),
               Diverged);
  EXPECT_THROW(serve("gd", {.deadline = 0.1, .first = {}}, kLong, {}, 2, 5, 1,
                     [] { return std::make_shared<Unbounded>(); }),
               Diverged);
}

TEST(Served, AClientThatNeverEndsItsGradientHoldsBackNoEpoch) {
  const Served served =
      serve("gd", {.deadline = 0.02, .first = {}}, 1,
            {{.client = 0, .seconds = 1e5}, {.client = 5, .from = 5, .silent = true}}, 4, 80);
  EXPECT_EQ(served.attendance.size(), 81U);
  EXPECT_EQ(served.attendance.back().epoch, 1U);
  EXPECT_THAT(served.attendance.back().gone, ElementsAre(4, 5));
  EXPECT_THAT(served.attendance.back().counted, ElementsAre(2, 3));
}

TEST(Attendance, GoesOnWithWhatACrashHasLeft) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/attendance.csv";
  const auto content = [&] {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const auto rows = [](AttendanceFile& file, std::size_t first, std::size_t last) {
    for (std::size_t t = first; t <= last; ++t)
      file.record({.round = t, .counted = {0, 2}, .late = {1}, .gone = {}, .late_bits = 7, .seconds = 0.5});
  };
  std::string whole;
  {
    AttendanceFile file(folder.path());
    rows(file, 0, 5);
    whole = content();
  }
  const auto go_on = [&](const std::string& left) {
    std::ofstream(path) << left;
    AttendanceFile file(folder.path(), 3);
    rows(file, 4, 5);
    return content();
  };
  EXPECT_THAT(whole, ::testing::EndsWith("5,0,0 2,1,,7,0.500000\n"));
  EXPECT_EQ(go_on(whole), whole) << "what is behind the checkpoint is written again";
  const std::string header = whole.substr(0, whole.find('\n') + 1);
  const std::string end = whole.substr(whole.find("\n4,") + 1);
  EXPECT_EQ(go_on(""), header + end);
  EXPECT_EQ(go_on(header), header + end);
  EXPECT_EQ(go_on(whole.substr(0, header.size() + 30)), whole.substr(0, whole.find("\n1,") + 1) + end)
      << "a line that is cut off goes";
  std::remove(path.c_str());
  AttendanceFile anew(folder.path(), 3);
  EXPECT_EQ(content(), header);
}

TEST(Served, EndsWhereNobodyIsLeft) {
  EXPECT_THROW(serve("gd", {.deadline = 0.02, .first = {}}, 0.2,
                     {{.client = 0, .silent = true}, {.client = 3, .silent = true}}, 3),
               RunError);
}

/// The answers of these clients with gd.
std::vector<Letter> honest_answers(const Problem& problem, const Order& order, Range clients) {
  std::vector<Letter> letters;
  for (const std::uint32_t i : IndexSet(clients)) {
    Vector g(problem.dim());
    problem.value_gradient(i, Rows::everything(), order.x, g);
    letters.push_back(dense_letter(order.epoch, order.round, i, g));
  }
  return letters;
}

/// Runs a server and a process of clients 0 .. 5 that sends what the test determines.
Served serve_with(const std::function<void(Mailbox&, const Order&, const std::vector<Letter>& honest)>& act) {
  Served served;
  run_ranks(2, [&](Transport& transport) {
    transport.correspond(kLong, [&](Mailbox& mailbox) {
      const auto clock = std::make_shared<RealClock>(kClients, Policy{.deadline = 0.05, .first = {}}, kLong);
      const auto whole = std::shared_ptr<const Problem>(problem());
      const MakeEpochMethod regroup = [&](const Members& members) {
        return EpochMethod{whole, parts_of("gd(decode=count)", *whole, clock, members.gone)};
      };
      ThreadPool pool(1);
      if (transport.rank() == 0) {
        const auto attended = [&](const Attendance& told) { served.attendance.push_back(told); };
        const auto star = make_served_star(regroup, {.step = kStep, .seed = kSeed}, mailbox, *clock,
                                           {.attended = attended});
        Fleet fleet(pool);
        star->start(fleet, nullptr);
        for (std::size_t t = 1; t <= 5; ++t) star->round(fleet, t, nullptr);
        served.x.assign(star->point().begin(), star->point().end());
        served.totals = star->ledger();
        return 0;
      }
      while (!mailbox.closed()) {
        const auto received = mailbox.take(kLong);
        if (!received) continue;
        const Order order = Order::of(received->letter);
        if (order.round == 0) mailbox.post(0, ready_letter(order.epoch, order.round));
        act(mailbox, order, honest_answers(*whole, order, {0, kClients}));
      }
      return 0;
    });
  });
  return served;
}

TEST(Served, WhatIsLateNeverCounts) {
  const auto without_last = [](Mailbox& mailbox, const std::vector<Letter>& letters) {
    for (std::size_t i = 0; i + 1 < letters.size(); ++i) mailbox.post(0, letters[i]);
  };
  const Served silent = serve_with(
      [&](Mailbox& mailbox, const Order&, const auto& letters) { without_last(mailbox, letters); });
  Letter of_before;
  const Served late = serve_with([&](Mailbox& mailbox, const Order& order, const auto& letters) {
    if (order.round > 0) mailbox.post(0, of_before);
    of_before = letters.back();
    without_last(mailbox, letters);
  });
  EXPECT_EQ(silent.x, late.x);
  EXPECT_EQ(silent.totals.uplink_bits, late.totals.uplink_bits);
  EXPECT_EQ(silent.totals.late_bits, 0U);
  const std::uint64_t dense = silent.totals.uplink_bits / (6 * (kClients - 1));
  EXPECT_EQ(late.totals.late_bits, 5 * dense);
  for (const Attendance& told : late.attendance) EXPECT_THAT(told.late, ElementsAre(5));
}

/// A served run in which the process of clients 2 and 3, one of three, begins to send something wrong.
struct Refused {
  Served served;
  std::vector<std::string> reasons;
};
Refused serve_and_refuse(const std::function<void(Mailbox&, const std::vector<Letter>& honest)>& wrong,
                         std::size_t rounds) {
  constexpr double kPatience = 2;  // the letters are what it is refused for
  constexpr std::uint32_t kFirstWrong = 3;
  Refused result;
  std::atomic<bool> is_refused = false;
  run_ranks(4, [&](Transport& transport) {
    transport.correspond(kPatience, [&](Mailbox& mailbox) {
      const auto clock = std::make_shared<RealClock>(kClients, Policy{.deadline = 2, .first = {}}, kPatience);
      const auto whole = std::shared_ptr<const Problem>(problem());
      const MakeEpochMethod regroup = [&](const Members& members) {
        return EpochMethod{whole, parts_of("gd", *whole, clock, members.gone)};
      };
      ThreadPool pool(1);
      if (transport.rank() == 0) {
        const ServedEvents events{
            .attended = [&](const Attendance& told) { result.served.attendance.push_back(told); },
            .refused =
                [&](std::size_t rank, std::size_t round, const std::string& reason) {
                  EXPECT_EQ(rank, 2U);
                  EXPECT_EQ(round, kFirstWrong);
                  result.reasons.push_back(reason);
                  is_refused = true;
                }};
        const auto star = make_served_star(regroup, {.step = kStep, .seed = kSeed}, mailbox, *clock, events);
        Fleet fleet(pool);
        star->start(fleet, nullptr);
        for (std::size_t t = 1; t <= rounds; ++t) star->round(fleet, t, nullptr);
        result.served.x.assign(star->point().begin(), star->point().end());
        result.served.totals = star->ledger();
        return 0;
      }
      if (transport.rank() != 2) {
        serve_clients(regroup, kSeed, mailbox, 1, {});
        return 0;
      }
      while (!mailbox.closed() && !is_refused) {
        const auto received = mailbox.take(0.001);
        if (!received) continue;
        const Order order = Order::of(received->letter);
        if (order.round == 0) mailbox.post(0, ready_letter(order.epoch, order.round));
        const auto letters = honest_answers(*whole, order, {2, 4});
        if (order.round == kFirstWrong) {
          wrong(mailbox, letters);
        } else {
          for (const Letter& letter : letters) mailbox.post(0, letter);
        }
      }
      return 0;
    });
  });
  return result;
}

TEST(Served, AWrongProcessCostsItsClientsAndNotTheRun) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  const auto post = [](const std::function<Letter(const Letter&)>& change) {
    return [change](Mailbox& mailbox, const std::vector<Letter>& honest) {
      mailbox.post(0, change(honest[0]));
      mailbox.post(0, honest[1]);
    };
  };
  const auto instead = [&](const Letter& letter) { return post([=](const Letter&) { return letter; }); };
  Entry no_gradient;
  no_gradient.key.client = 2;
  no_gradient.envelope.finite = false;
  Entry no_format = dense_entry(2, Vector(3, 0.5));
  no_format.message.bytes[0] = no_format.envelope.first_byte = 0x7f;
  const struct {
    const char* name;
    std::function<void(Mailbox&, const std::vector<Letter>&)> wrong;
    const char* reason;
  } rows[] = {
      {"an empty letter", instead(letter_of({})), "a letter of 0 bytes"},
      {"a truncated letter", post([](const Letter& honest) { return cut(honest, honest->size() - 1); }),
       "its envelope says"},
      {"another's client", instead(dense_letter(0, 3, 0, Vector(12, 0.5))),
       "client 0, which it does not have"},
      {"no format", instead(message_letter(0, 3, no_format)), "which is no format"},
      {"another dimension", instead(dense_letter(0, 3, 2, Vector(13, 0.5))), "for 12 coordinates"},
      {"a message that is not finite", instead(dense_letter(0, 3, 2, Vector(12, kInfinite))),
       "the message of client 2 is not finite"},
      {"a gradient that is not finite", instead(message_letter(0, 3, no_gradient)),
       "the gradient of client 2 is not finite"},
      {"an answer to no order", instead(dense_letter(0, 9, 2, Vector(12, 0.5))), "there was no order"},
      {"a request that there is not", instead(request_letter(9)), "it was asked for 9"},
      {"a letter that is too long", instead(letter_of(std::vector<std::uint8_t>(1U << 17))),
       "a letter of 131072 bytes; need at most 66304"},
      {"a flood",
       [](Mailbox& mailbox, const std::vector<Letter>& honest) {
         for (int k = 0; k < 1000; ++k) mailbox.post(0, honest[0]);
       },
       "client 2 in round 3 again"},
      {"the end of the run", [](Mailbox& mailbox, const auto&) { mailbox.close(0); }, "it ends the run"},
  };
  const Served all = serve("gd", {.deadline = 2, .first = {}}, kLong, {}, 4);
  for (const auto& row : rows) {
    auto [served, reasons] = serve_and_refuse(row.wrong, kRounds);
    ASSERT_EQ(reasons.size(), 1U) << row.name;
    EXPECT_THAT(reasons[0], ::testing::HasSubstr(row.reason)) << row.name;
    ASSERT_EQ(served.attendance.size(), kRounds + 1) << row.name;
    std::size_t counted = 0;
    for (const Attendance& told : served.attendance) {
      const bool is_before = told.round < 3;
      EXPECT_EQ(told.epoch, is_before ? 0U : 1U) << row.name;
      EXPECT_EQ(told.counted.size(), is_before ? 6U : 4U) << row.name;
      EXPECT_EQ(told.gone, is_before ? std::vector<std::uint32_t>{} : std::vector<std::uint32_t>({2, 3}));
      counted += told.counted.size();
    }
    EXPECT_EQ(served.totals.uplink_bits, counted * 8 * (1 + 12 * 4)) << row.name;
    EXPECT_EQ(served.totals.gone, 2U) << row.name;
    axpy(-1, all.x, served.x);
    EXPECT_LT(norm_sq(served.x), 1e-12 * norm_sq(all.x)) << row.name << ": the others have its shards now";
  }
}

TEST(Served, ClientsThatHaveNoThreadSaySoAtOnce) {
  if (!kLimitsHold) GTEST_SKIP() << "a sanitizer maps more than the limit";
  const OutOfThreads none;
  Mailbox mailbox(1, 2, kLong);
  const MakeEpochMethod never = [](const Members&) -> EpochMethod { throw RunError("called"); };
  EXPECT_THAT([&] { start_clients(never, kSeed, mailbox, 2, {}); },
              ::testing::ThrowsMessage<ThreadRefused>(::testing::HasSubstr("thread 1 of 2: ")));
}

/// The first of two ranks without a connection for letters.
class CutOff final : public Transport {
 public:
  std::size_t rank() const override { return 0; }
  std::size_t size() const override { return 2; }

 private:
  void move(std::span<const ByteView> /*to*/, std::span<const MutByteView> /*from*/) override {}
  void carry(Mailbox& /*mailbox*/) override { throw RunError("cut off"); }
};

TEST(Served, EndsWhereLettersAreNotCarried) {
  CutOff transport;
  const auto body = [](Mailbox& mailbox) {
    const auto clock = std::make_shared<RealClock>(kClients, Policy{.deadline = 1, .first = {}}, kLong);
    const auto whole = std::shared_ptr<const Problem>(problem());
    const MakeEpochMethod regroup = [&](const Members& members) {
      return EpochMethod{whole, parts_of("gd", *whole, clock, members.gone)};
    };
    const auto star = make_served_star(regroup, {.step = kStep, .seed = kSeed}, mailbox, *clock,
                                       {.attended = [](const Attendance&) {}});
    ThreadPool pool(1);
    Fleet fleet(pool);
    star->start(fleet, nullptr);
    return 0;
  };
  EXPECT_THAT([&] { transport.correspond(kLong, body); },
              ::testing::ThrowsMessage<RunError>(::testing::HasSubstr("cut off")));
}

}  // namespace
}  // namespace laconic::testing
