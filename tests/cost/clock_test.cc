// SPDX-License-Identifier: Apache-2.0
// The modelled clock: links, delays, policies, and the seconds of rounds computed by hand.
#include "laconic/cost/clock.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/quantity.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Quantity, HasAUnit) {
  EXPECT_DOUBLE_EQ(seconds_in("50ms").value(), 0.05);
  EXPECT_DOUBLE_EQ(seconds_in("3us").value(), 3e-6);
  EXPECT_DOUBLE_EQ(seconds_in("1e-06s").value(), 1e-6);
  EXPECT_EQ(seconds_in("0.2"), 0.2);
  EXPECT_EQ(seconds_in("2min"), 120);
  EXPECT_EQ(bandwidth_in("9600bit"), 9600);
  EXPECT_EQ(bandwidth_in("1.5gbit"), 1.5e9);
  for (const char* text :
       {"", "ms", "-1s", "nan", "infs", "1e999s", "1e308h", "1e10", "-0", "5 ms", "5msec", "10mbit"})
    EXPECT_EQ(seconds_in(text), std::nullopt) << text;
  for (const char* text : {"10mbit", "10Mbit", "10MBit", "10Mbit/s", "10mbps", "10Mbps", "10000kbit"})
    EXPECT_EQ(bandwidth_in(text), 1e7) << text;
  for (const char* text : {"", "100", "0mbit", "-1mbit", "10ms", "10mb", "10MB", "10MB/s", "10MBps"})
    EXPECT_EQ(bandwidth_in(text), std::nullopt) << text;
  for (const char* text : {"10MB", "10MB/s", "10MBps", "10000kB"})
    EXPECT_EQ(bandwidth_of_bytes_in(text), 8e7) << text;
  for (const char* text : {"10mbit", "10Mbps", "10", "B"})
    EXPECT_EQ(bandwidth_of_bytes_in(text), std::nullopt) << text;
  EXPECT_EQ(with_joined_units("10 Mbit/s, 20 ms"), "10Mbit/s, 20ms");
  EXPECT_EQ(with_joined_units("link(1 , 2 ) lan "), "link(1 , 2 ) lan ");
}

std::vector<Link> links_of(const std::string& text) { return make_links(parse_arguments("link", text)); }

TEST(Links, AreOneForAllOrTakenInTurns) {
  const auto one = links_of("100mbit, 20ms");
  ASSERT_EQ(one.size(), 1U);
  EXPECT_DOUBLE_EQ(one[0].seconds_up(1e8), 1.02);
  EXPECT_DOUBLE_EQ(one[0].seconds_down(0), 0.02);

  const auto uneven = links_of("up=1mbit,down=10mbit, latency=5ms, latency-up=7ms");
  ASSERT_EQ(uneven.size(), 1U);
  EXPECT_DOUBLE_EQ(uneven[0].seconds_up(1e6), 1.007);
  EXPECT_DOUBLE_EQ(uneven[0].seconds_down(1e6), 0.105);

  const auto three = links_of("lan, wan, link(10mbit, 50ms)");
  ASSERT_EQ(three.size(), 3U);
  EXPECT_DOUBLE_EQ(three[0].seconds_up(1e9), 1.0001);
  EXPECT_DOUBLE_EQ(three[1].seconds_up(1e8), 1.02);
  EXPECT_DOUBLE_EQ(three[2].seconds_up(1e7), 1.05);

  EXPECT_EQ(links_of("latency=3ms")[0].up, kInfinity);  // unlimited bandwidth
}

TEST(Links, AreRefusedInOneLine) {
  const auto refusal = [](const char* text) { return error_of([&] { links_of(text); }); };
  EXPECT_THAT(refusal("dsl"),
              HasSubstr("bandwidth = dsl; need bits a second as in 10mbit; lan and wan stand alone"));
  EXPECT_THAT(refusal("10mbit, fast"), HasSubstr("latency = fast; need seconds as in 20ms"));
  EXPECT_THAT(refusal("10mbit, 5ms, 3"), HasSubstr("takes 2 arguments without a name"));
  EXPECT_THAT(refusal("lan, 10mbit"),
              HasSubstr("column 6: 10mbit; of several each is lan, wan, or a link of its own"));
  EXPECT_THAT(refusal("lan, up=10mbit"), HasSubstr("up: goes into a link of its own"));
  EXPECT_THAT(refusal("lan(3)"), HasSubstr("takes no argument"));
  EXPECT_THAT(refusal("lan; wan"), HasSubstr("column 4: expected ',', found ';'"));
  EXPECT_THAT(refusal(""), HasSubstr("expected an argument, found the end"));
  EXPECT_THAT(refusal("link"), HasSubstr("need a bandwidth and a latency"));
  EXPECT_THAT(refusal("1mbit, 1e308"), HasSubstr("latency = 1e+308; need seconds"));
}

// --- delays and policies -------------------------------------------------------------------------

constexpr std::size_t kClients = 8;
const std::vector<std::size_t> kLoads = {1, 1, 2, 3, 1, 5, 2, 0};

class Delays : public ::testing::TestWithParam<const char*> {};

TEST_P(Delays, MakeClientsLateAsOftenAsTheModelSays) {
  const auto model = make_stragglers(parse(GetParam()), kLoads);
  constexpr std::uint32_t kRounds = 20000;
  std::vector<double> heard(kClients);
  std::vector<std::uint32_t> answering;
  std::vector<double> seconds;
  for (std::uint32_t t = 0; t < kRounds; ++t) {
    const Key key = Key{.seed = 5, .round = t}.common();
    model->draw(key, answering);
    const double wait = model->delays(key, seconds);
    std::vector<std::uint32_t> in_time;
    for (std::uint32_t i = 0; i < kClients; ++i) {
      if (seconds[i] <= wait) in_time.push_back(i);
    }
    ASSERT_EQ(answering, in_time);
    for (const std::uint32_t i : answering) heard[i] += 1;
  }
  for (std::size_t i = 0; i < kClients; ++i) {
    const double p = model->late(i);
    EXPECT_NEAR(heard[i] / kRounds, 1 - p, 4.5 * std::sqrt(p * (1 - p) / kRounds) + 1e-4) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Delays,
                         ::testing::Values("shifted-exp(10ms, 100, deadline=60ms)",
                                           "shifted-exp(0.1, 2, first=5)",
                                           "shifted-exp(0.1, 2, 7, 1, deadline=0.5, first=3)",
                                           "shifted-exp(0.1, 2, 7, first=7)", "shifted-exp(0, 1, first=1)",
                                           "shifted-exp(0.1, 2, first=8)", "shifted-exp(0, 1, 9, first=2)",
                                           "shifted-exp(0.1, 2)"));

TEST(DelayModels, WaitAsTheirPolicySays) {
  const std::size_t n = 10;
  std::vector<double> seconds;
  // On average the r fastest of n clients with equal load take a + (H_n - H_{n-r}) / mu.
  const auto first = make_stragglers(parse("shifted-exp(0.5, 2, first=7)"), n);
  double mean = 0;
  constexpr std::uint32_t kRounds = 20000;
  for (std::uint32_t t = 0; t < kRounds; ++t)
    mean += first->delays(Key{.seed = 1, .round = t}.common(), seconds) / kRounds;
  double expected = 0.5;
  double variance = 0;
  for (const double k : {4, 5, 6, 7, 8, 9, 10}) {
    expected += 1 / (2 * k);
    variance += 1 / (4 * k * k);
  }
  EXPECT_NEAR(mean, expected, 4.5 * std::sqrt(variance / kRounds));
  EXPECT_NEAR(first->late(3), 0.3, 1e-6);

  const auto both = make_stragglers(parse("shifted-exp(0.5, 2, deadline=0.8, first=7)"), n);
  const auto all = make_stragglers(parse("shifted-exp(0.5, 2)"), n);
  EXPECT_TRUE(is_punctual(*all, n));
  EXPECT_TRUE(is_punctual(*make_stragglers(parse("shifted-exp(0.5, 2, first=10)"), n), n));
  EXPECT_FALSE(is_punctual(*both, n));
  for (std::uint32_t t = 0; t < 100; ++t) {
    const Key key = Key{.seed = 1, .round = t}.common();
    const double of_first = first->delays(key, seconds);
    const double most = *std::max_element(seconds.begin(), seconds.end());
    EXPECT_EQ(both->delays(key, seconds), std::min(std::max(0.8, of_first), most));
    EXPECT_EQ(all->delays(key, seconds), kInfinity);
  }
}

TEST(DelayModels, KnowHowOftenTheSlowestAnswers) {
  for (const double ratio : {10.0, 1e3, 1e5}) {  // the slower is first in 1 of 1 + ratio rounds
    const auto two = make_stragglers(parse(fmt::format("shifted-exp(0, 1, {}, first=1)", ratio)), 2);
    EXPECT_NEAR((1 - two->late(0)) * (1 + ratio), 1, 0.01);
  }
  const auto many = make_stragglers(parse("shifted-exp(1ms, 100, first=50000)"), 100000);
  EXPECT_NEAR(many->late(0), 0.5, 1e-9);
  EXPECT_THAT(error_of([] { make_stragglers(parse("shifted-exp(1ms, 100, 200, first=50000)"), 100000); }),
              HasSubstr("takes too long to compute"));
  const auto both = make_stragglers(parse("shifted-exp(0.1, 2, deadline=0.5, first=3)"), 8);
  const auto nearly = make_stragglers(parse("shifted-exp(0.1, 2, 2.0000001, deadline=0.5, first=3)"), 8);
  EXPECT_NEAR(both->late(0), nearly->late(0), 1e-4);  // compares the closed form with the integral
}

TEST(DelayModels, AreReadFromAFile) {
  const TemporaryFolder folder;
  const std::string file =
      folder.write("times.csv",
                   "\xef\xbb\xbf"
                   "0.1, 0.2, 0.3\n# seconds\n\n100ms 900ms 5ms # slow\r\n0.1,0.2,0.4\n");
  const auto model = make_stragglers(parse(fmt::format("trace(\"{}\", deadline=350ms)", file)), 3);
  std::vector<double> seconds;
  EXPECT_EQ(model->delays(Key{.round = 0}.common(), seconds), 0.3);
  EXPECT_DOUBLE_EQ(model->delays(Key{.round = 4}.common(), seconds), 0.35);
  EXPECT_THAT(seconds, ::testing::ElementsAre(0.1, 0.9, 0.005));
  EXPECT_DOUBLE_EQ(model->late(1), 1.0 / 3);
  EXPECT_DOUBLE_EQ(model->late(2), 1.0 / 3);
  EXPECT_EQ(model->late(0), 0);
  const auto other = folder.write("other.csv", "0.1, 0.2, 0.3\n");
  EXPECT_NE(model->checksum(), make_stragglers(parse(fmt::format("trace(\"{}\")", other)), 3)->checksum());

  const auto refusal = [&](const std::string& content) {
    const std::string name = folder.write("bad.csv", content);
    return error_of([&] { make_stragglers(parse(fmt::format("trace(\"{}\")", name)), 3); });
  };
  EXPECT_THAT(refusal("1 2 3\n1 2\n"), HasSubstr("bad.csv:2: not a row of 3 times, one of each client"));
  EXPECT_THAT(refusal("1 2 3 4\n"), HasSubstr("bad.csv:1: not a row of 3 times"));
  EXPECT_THAT(refusal("1 2 -3\n"), HasSubstr("bad.csv:1: not a row of 3 times"));
  EXPECT_THAT(refusal("1,,2,3\n"), HasSubstr("bad.csv:1: not a row of 3 times"));
  EXPECT_THAT(refusal("1,,3\n"), HasSubstr("bad.csv:1: not a row of 3 times"));
  EXPECT_THAT(refusal("# nothing\n"), HasSubstr("holds no times"));
}

TEST(DelayModels, AreRefusedInOneLine) {
  const auto refusal = [](const char* model) { return error_of([&] { make_stragglers(parse(model), 4); }); };
  EXPECT_THAT(refusal("shifted-exp"), HasSubstr("its a is missing"));
  EXPECT_THAT(refusal("shifted-exp(soon, 1)"), HasSubstr("a = soon; need seconds, as in 10ms"));
  EXPECT_THAT(refusal("shifted-exp(1ms)"), HasSubstr("\"mu\" is missing"));
  EXPECT_THAT(refusal("shifted-exp(1ms, 0)"), HasSubstr("mu = 0; need 1e-9 <= mu <= 1e18"));
  EXPECT_THAT(refusal("shifted-exp(1ms, 1, 2, 3, 4, 5)"), HasSubstr("5 values for 4 clients"));
  EXPECT_THAT(refusal("shifted-exp(1ms, 1, first=5)"), HasSubstr("first = 5; need first <= 4, the clients"));
  EXPECT_THAT(refusal("shifted-exp(1ms, 1, deadline=0)"), HasSubstr("deadline = 0; need seconds > 0"));
  EXPECT_THAT(refusal("bernoulli(0.1, 0.2, 0.3, 0.4, 0.5)"), HasSubstr("5 values for 4 clients"));
}

// --- turns by hand -------------------------------------------------------------------------------

TEST(Clock, AddsUpWhatTheLastOfATurnNeeds) {
  const Clock clock(3, {{.up = 10, .down = 100, .latency_up = 1, .latency_down = 2}, {.up = 1, .down = 1000}},
                    {0.5, 0.25}, nullptr, 1);
  EXPECT_EQ(clock.seconds(1, {}), 0);
  // Client 1 sends two messages: 8 + 2 bits at 1 bit a second.
  const Turn said{.clients = {{.number = 0, .calls = 4, .bits_out = 20},
                              {.number = 1, .calls = 4, .bits_out = 8},
                              {.number = 1, .calls = 0, .bits_out = 2}}};
  EXPECT_DOUBLE_EQ(clock.seconds(1, {{said}}), 1 + 10);
  Turn asked = said;
  asked.server_speaks = true;
  asked.bits_of_server = 1000;
  // Client 0: receives in 2 + 10, computes in 2, sends in 1 + 2. Client 1: 1, 1 and 10.
  EXPECT_DOUBLE_EQ(clock.seconds(1, {{asked}}), 17);
  EXPECT_DOUBLE_EQ(clock.seconds(1, {{asked, said}}), 17 + 11);

  Turn among{
      .clients = {{.number = 0, .bits_out = 20, .bits_in = 300}, {.number = 1, .calls = 1, .bits_out = 5}}};
  among.among_clients = true;
  EXPECT_DOUBLE_EQ(clock.seconds(1, {{among}}), (0.25 + 5) + (2 + 3));
}

TEST(Clock, WaitsForThoseWhoAreLate) {
  const TemporaryFolder folder;
  const std::string file = folder.write("times", "1 2 7\n1 2 3\n");
  const std::shared_ptr<const Stragglers> model =
      make_stragglers(parse(fmt::format("trace(\"{}\", deadline=4)", file)), 3);
  const Clock clock(3, {{.up = 1}}, {}, model, 1);
  const Turn two{.clients = {{.number = 0, .bits_out = 0.5}, {.number = 1, .bits_out = 0.5}}};
  EXPECT_DOUBLE_EQ(clock.seconds(0, {{two}}), 4);  // until the deadline
  const Turn three{.clients = {{.number = 0, .bits_out = 8}, {.number = 1}, {.number = 2, .bits_out = 0.5}}};
  EXPECT_DOUBLE_EQ(clock.seconds(1, {{three}}), 9);
  EXPECT_DOUBLE_EQ(clock.seconds(1, {{three, three}}), 9 + 8);  // delays apply to the first turn only
  EXPECT_DOUBLE_EQ(clock.seconds(0, {{Turn{}}}), 4);            // no client in the turn
  // The wait starts when all clients have received the message, including those that do not answer.
  const Clock slow(3, {{.down = 10}, {.down = 5}, {.down = 1, .latency_down = 3}}, {}, model, 1);
  const Turn asked{.clients = {{.number = 0}}, .bits_of_server = 20, .server_speaks = true};
  EXPECT_DOUBLE_EQ(slow.seconds(0, {{asked}}), 23 + 4);
  const Clock plain(3, {{.down = 10}}, {}, nullptr, 1);
  EXPECT_DOUBLE_EQ(plain.seconds(0, {{Turn{.clients = {}, .bits_of_server = 20, .server_speaks = true}}}), 2);
}

// --- rounds of every driver ----------------------------------------------------------------------

constexpr double kUp = 1e5;
constexpr double kDown = 4e5;
constexpr double kLatency = 0.01;
constexpr double kGradient = 0.002;
constexpr std::size_t kDim = 20;

/// The seconds of the rows of a run on 4 equal clients with one row each.
std::vector<double> seconds_of(const std::string& method, const std::string& topology = "") {
  Job job{.problem = "quadratic(d=20, s=0.8)", .method = method, .clients = 4, .step = "0.01", .rounds = 3};
  job.topology = topology;
  job.network =
      fmt::format("up={}bit, down={}bit, latency-up={}, latency-down={}", kUp, kDown, kLatency, 2 * kLatency);
  job.compute = fmt::format("{}", kGradient);
  std::vector<double> seconds;
  for (const Row& row : train(job).rows) seconds.push_back(row.network_seconds);
  return seconds;
}

/// Bits of a dense vector as sent.
double dense_bits() {
  Job job{.problem = "quadratic(d=20, s=0.8)", .method = "gd", .clients = 4, .step = "0.01", .rounds = 0};
  return train(job).last().uplink_bits;
}

/// Bits of a model or another vector that the server sends, f32.
constexpr double kSaid = 32.0 * kDim;

void expect_rounds(const std::vector<double>& seconds, double start, double round) {
  ASSERT_EQ(seconds.size(), 4U);
  for (std::size_t t = 0; t < seconds.size(); ++t)
    EXPECT_NEAR(seconds[t], start + static_cast<double>(t) * round, 1e-12) << t;
}

TEST(ClockOfMethods, TakesTheTurnsOfEachDriver) {
  const double up = kLatency + dense_bits() / kUp;
  const double down = 2 * kLatency + kSaid / kDown;
  expect_rounds(seconds_of("gd"), kGradient + up, down + kGradient + up);
  expect_rounds(seconds_of("local-sgd(steps=3)"), 0, down + 3 * kGradient + up);
  // Model and control variate, in both directions; both vectors together have the latency once.
  expect_rounds(seconds_of("scaffold(steps=3)"), 0,
                (down + kSaid / kDown) + 3 * kGradient + (up + dense_bits() / kUp));
  // Sends to two neighbours, receives from two neighbours.
  expect_rounds(seconds_of("d-sgd(steps=3)", "ring"), 0,
                3 * kGradient + kLatency + 2 * dense_bits() / kUp + 2 * kLatency + 2 * dense_bits() / kDown);
  // A second turn is for the statistic; the bits of its point count with the next model.
  const double statistic = kGradient + up;
  const auto savic = seconds_of("savic(adam, steps=2)");
  ASSERT_EQ(savic.size(), 4U);
  EXPECT_NEAR(savic[0], statistic, 1e-12);
  const double round = (down + kSaid / kDown) + 2 * kGradient + up + 2 * kLatency + statistic;
  EXPECT_NEAR(savic[2] - savic[1], round, 1e-12);
}

TEST(ClockOfMethods, DelaysWithoutADeadlineChangeNoPoint) {
  Job job{.problem = "quadratic(d=20, s=0.8)", .method = "marina(rand-k(3))", .clients = 4, .rounds = 30};
  const Outcome alone = train(job);
  job.stragglers = "shifted-exp(10ms, 100)";
  const Outcome delayed = train(job);
  EXPECT_EQ(delayed.x, alone.x);
  ASSERT_TRUE(delayed.assembly.theorem.has_value());
  job.stragglers = "shifted-exp(10ms, 100, first=3)";
  EXPECT_THAT(error_of([&] { train(job); }), HasSubstr("so all must answer"));
  job.method = "sgc(redundancy=2)";
  job.step = "0.01";
  job.stragglers = "shifted-exp(10ms, 100, deadline=10ms)";
  EXPECT_THAT(error_of([&] { train(job); }), HasSubstr("client 0 is late in every round"));
}

}  // namespace
}  // namespace laconic::testing
