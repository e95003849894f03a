// SPDX-License-Identifier: Apache-2.0
// Advice on methods for a link: conclusions from recorded numbers, and the verb `advise`. Timed values are
// only checked for plausibility.
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "laconic/advise/advice.h"
#include "laconic/advise/costs.h"
#include "laconic/report/units.h"
#include "tests/program.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using namespace laconic;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr double kEver = std::numeric_limits<double>::infinity();

// --- from recorded numbers ------------------------------------------------------------------------

TEST(Advice, EqualTimesAreWhereTheClosedFormSays) {
  const RoundCost gd{.compute = 1, .latency = 2, .bits = 40};
  const RoundCost sparse{.compute = 3, .encode = 1, .latency = 8, .bits = 0.5, .decode = 0.25};
  const FasterAt faster = faster_at(sparse, gd);
  EXPECT_EQ(faster.from, 0);
  EXPECT_DOUBLE_EQ(faster.to, (40 - 0.5) / (3 + 1 + 8 + 0.25 - 3));
  const auto total_at = [](const RoundCost& spent, double times) {
    return spent.fixed() + spent.bits / times;
  };
  EXPECT_DOUBLE_EQ(total_at(sparse, faster.to), total_at(gd, faster.to));
  EXPECT_LT(total_at(sparse, 0.9 * faster.to), total_at(gd, 0.9 * faster.to));

  // Fewer rounds with longer messages are faster on a fast link.
  const FasterAt other_way = faster_at(gd, sparse);
  EXPECT_EQ(other_way.from, faster.to);
  EXPECT_EQ(other_way.to, kEver);
  EXPECT_TRUE(faster_at({.bits = 1}, {.compute = 1, .bits = 2}).always());
  EXPECT_TRUE(faster_at({.compute = 1, .bits = 2}, {.bits = 1}).never());
  EXPECT_TRUE(faster_at(gd, gd).never());
}

PilotResult pilot(const std::string& method, const RoundCost& spent, double bits, std::size_t rounds = 20) {
  PilotResult p{.method = Spec(method)};
  p.last.round = rounds;
  p.last.uplink_bits = bits;
  p.rounds = spent;
  return p;
}

/// A pilot that came to these squared gradient norms in rounds 0, 1, ..., one a second.
PilotResult short_pilot(const std::string& method, const std::vector<double>& norms) {
  PilotResult p{.method = Spec(method), .end = RunEnd::budget_over};
  for (const double norm : norms) {
    p.last.round = p.path.size();
    p.last.grad_norm_sq = norm;
    p.path.push_back({static_cast<double>(p.path.size()), p.last});
  }
  return p;
}

Target gradient_target() {
  return {"target", 0.1, "|grad f|^2 <= 0.1", "|grad f|^2", [](const Row& row) { return row.grad_norm_sq; }};
}

TEST(Advice, RecommendsTheFirstAtTheTargetAndSaysOnWhichLinks) {
  PilotResult none{.method = Spec("lag"), .end = RunEnd::budget_over};
  none.start = {.latency = 1, .bits = 1};
  Advice advice{.base = Spec("gd"),
                .target = gradient_target(),
                .pilots = {pilot("gd", {.compute = 1, .latency = 2, .bits = 40}, 1e6),
                           pilot("ef21", {.compute = 3, .latency = 8, .bits = 0.75}, 1e4),
                           pilot("marina", {.compute = 3, .latency = 3, .bits = 4}, 1e5),
                           short_pilot("dcgd", {1, 0.5, 0.3}), none},
                .refused = {{Spec("k-gt"), "it needs a topology"}}};
  advice.rank();
  EXPECT_EQ(advice.pilots[0].method.name, "marina");
  EXPECT_EQ(advice.pilots[1].method.name, "ef21");
  EXPECT_EQ(advice.pilots[3].method.name, "dcgd");
  // marina: 36 / 3 times these bandwidths; ef21: 39.25 / 8.
  EXPECT_THAT(
      words_of(advice, {Link{1e7, 1e7, 0.05, 0.05}}),
      ElementsAre("of the methods here that send less than gd in a round, marina is faster than gd below "
                  "120 Mbit/s, with the same latency; above that gd is faster than both",
                  "recommended: marina with step=theory: it reaches the target in 10.0 s on this link; gd "
                  "takes 43.0 s, 4.3 times as long"));
  const auto where = [&](const std::vector<Link>& links) { return words_of(advice, links).at(0); };
  EXPECT_THAT(where({Link{1e6, 1e7}}), HasSubstr(" below 12 Mbit/s up and 120 Mbit/s down,"));
  EXPECT_THAT(where({Link{1e6}, Link{1e7}}), HasSubstr(" below 12 times these bandwidths,"));
  EXPECT_THAT(where({Link{1e9, 1e9}}), EndsWith(" marina is faster than gd at any practical bandwidth"));
  const std::string table = table_of(advice);
  EXPECT_THAT(table, ContainsRegex(
                         "marina +theory +5\\.00 kbit +500 ms +150 ms +0 s +350 ms +0 s +bandwidth 40% +20 +"
                         "10\\.0 s +4\\.3x\n"));
  EXPECT_THAT(table,
              HasSubstr("target not reached: dcgd, step theory: |grad f|^2 = 0.3 after 2.00 s; its share of "
                        "the gradients was used up\n"));
  EXPECT_THAT(table, HasSubstr("target not reached: lag: no round in its share\n"));
  EXPECT_THAT(table, ContainsRegex("lag +(- +){8}0 +- +-\n")) << "round 0 is no prediction";
  EXPECT_THAT(table, HasSubstr("left out: k-gt: it needs a topology\n"));

  const auto recommendation = [&] { return words_of(advice, {Link{1e7, 1e7}}).back(); };
  advice.pilots.erase(advice.pilots.begin());
  advice.pilots[0].rounds.latency = 100;
  advice.rank();
  EXPECT_EQ(recommendation(),
            "recommended: gd with step=theory: no method here is faster on this link; it takes 43.0 s");
  advice.base = Spec("lag");
  EXPECT_EQ(
      recommendation(),
      "recommended: gd with step=theory: it reaches the target in 43.0 s on this link; lag did not reach it");
  advice.base = Spec("gd");
  advice.pilots.resize(1);
  EXPECT_EQ(words_of(advice, {Link{1e7, 1e7}}).size(), 1U) << "no other method is known on any link";
}

TEST(Advice, RanksByTheSameSecondsWhereNoMethodReachesTheTarget) {
  // In the second second, sparse is ahead; gd is nearer in the end, after more seconds.
  PilotResult wild = short_pilot("wild", {1, 1e300});
  wild.end = RunEnd::diverged;
  Advice advice{
      .base = Spec("gd"),
      .target = gradient_target(),
      .pilots = {short_pilot("gd", {1, 0.9, 0.8, 0.2, 0.15}), wild, short_pilot("sparse", {1, 0.6, 0.5})}};
  advice.rank();
  EXPECT_EQ(advice.common_seconds, 2);
  EXPECT_EQ(advice.best()->method.name, "sparse");
  EXPECT_EQ(advice.pilots[2].method.name, "wild");
  EXPECT_THAT(
      words_of(advice, {Link{1e7, 1e7}}),
      ElementsAre(
          "no method reached the target; the table ranks them by |grad f|^2 after 2.00 s on this link",
          "recommended: sparse with step=theory: |grad f|^2 = 0.5 after 2.00 s on this link; gd has "
          "|grad f|^2 = 0.8"));
  const auto json = json_of(advice);
  EXPECT_EQ(json["recommended"]["method"], "sparse");
  EXPECT_EQ(json["methods"][0]["after"]["target"], 0.5);
  EXPECT_EQ(json["methods"][1]["after"]["round"], 2);
  EXPECT_FALSE(json["methods"][2].contains("after"));

  advice.pilots = {wild};
  advice.rank();
  EXPECT_EQ(advice.best(), nullptr);
  EXPECT_THAT(words_of(advice, {Link{1e7, 1e7}}), ElementsAre());
  EXPECT_TRUE(json_of(advice)["recommended"].is_null());
}

TEST(Advice, SaysAtWhichBandwidthsFewerBitsAreFaster) {
  const PilotResult gd = pilot("gd", {.compute = 1, .latency = 2, .bits = 40}, 1e6);
  const auto sentence = [&](const std::vector<PilotResult>& others) {
    Advice advice{.base = Spec("gd"), .target = gradient_target(), .pilots = others};
    advice.pilots.push_back(gd);
    advice.rank();
    return words_of(advice, {Link{1e7, 1e7}}).at(0);
  };
  const std::string few = "of the methods here that send less than gd in a round, ";
  // Fewer bits a round but many rounds: more bits in total, and less of every other cost.
  const PilotResult quick = pilot("quick", {.compute = 0.1, .latency = 0.1, .bits = 41}, 1e6, 200);
  EXPECT_EQ(sentence({quick}), few + "quick is faster than gd above 3.6 Mbit/s, with the same latency");
  const PilotResult sparse = pilot("sparse", {.latency = 4, .bits = 1}, 1e4);
  EXPECT_EQ(sentence({quick, sparse}),
            few +
                "sparse is faster than gd below 390 Mbit/s, and quick is faster than gd "
                "above 3.6 Mbit/s, with the same latency");
  // A method that sends as many bits a round as the base is not mentioned.
  const PilotResult local = pilot("local", {.bits = 4}, 1e6);
  EXPECT_EQ(sentence({local, sparse}),
            few +
                "sparse is faster than gd below 390 Mbit/s, with the same latency; above "
                "that gd is faster than it");
  const PilotResult late = pilot("late", {.latency = 90, .bits = 41}, 1e4);
  EXPECT_EQ(sentence({late}), few + "none is faster than gd with this latency, at any bandwidth");
  const PilotResult better = pilot("better", {.bits = 1}, 1e4);
  EXPECT_EQ(sentence({better}), few + "better is faster than gd at any practical bandwidth");
}

TEST(Advice, TimesAreRoundedToOneTwoOrFive) {
  EXPECT_EQ(to_one_two_five(0), 0);
  EXPECT_DOUBLE_EQ(to_one_two_five(1.16e-6), 1e-6);
  EXPECT_DOUBLE_EQ(to_one_two_five(1.5e-6), 2e-6);
  EXPECT_DOUBLE_EQ(to_one_two_five(3.1), 2);
  EXPECT_DOUBLE_EQ(to_one_two_five(3.2), 5);
  EXPECT_DOUBLE_EQ(to_one_two_five(0.0072), 0.01);
}

TEST(Advice, TimesAreThoseOfTheProcessor) {
  std::size_t calls = 0;
  const auto sleep = [&] {
    ++calls;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < std::chrono::microseconds(200)) {
    }
  };
  EXPECT_LT(least_seconds(0, sleep), 1e-3) << "a wait counted";
  EXPECT_GE(calls, 4U) << "one that does not count, and three";
  volatile double sum = 0;
  const double once = least_seconds(0.02, [&] {
    for (int k = 0; k < 100; ++k) sum = sum + 1;
  });
  EXPECT_GT(once, 1e-9);
  EXPECT_LT(once, 1e-4) << "short work is repeated";
}

TEST(Advice, BitsHaveThreeDigitsOrTwo) {
  EXPECT_EQ(bits_text(0), "0 bit");
  EXPECT_EQ(bits_text(12345), "12.3 kbit");
  EXPECT_EQ(bits_text(99.96e6), "100 Mbit");
  EXPECT_EQ(bits_text(228e6, 2), "230 Mbit");
  EXPECT_EQ(bits_text(4.594e6, 2), "4.6 Mbit");
  EXPECT_EQ(bits_text(9.97e6, 2), "10 Mbit");
  EXPECT_EQ(bits_text(997e6, 2), "1.0 Gbit");
}

TEST(Advice, SecondsHaveThreeDigits) {
  EXPECT_EQ(seconds_text(0), "0 s");
  EXPECT_EQ(seconds_text(2.5e-9), "2.50 ns");
  EXPECT_EQ(seconds_text(0.0123), "12.3 ms");
  EXPECT_EQ(seconds_text(0.9996), "1.00 s");
  EXPECT_EQ(seconds_text(4560), "4560 s");
}

// --- the verb -------------------------------------------------------------------------------------

class Advise : public ::testing::Test {
 protected:
  Said advise(std::vector<std::string> words, const std::string& file = "advice.json") const {
    words.insert(words.begin(), "advise");
    words.push_back("out=" + folder_.path(file));
    return laconic(words);
  }
  nlohmann::json advice(const std::string& file = "advice.json") const {
    return nlohmann::json::parse(content_of(folder_.path(file)));
  }

  TemporaryFolder folder_;
};

const nlohmann::json& of_method(const nlohmann::json& advice, const std::string& method) {
  for (const auto& each : advice["methods"]) {
    if (each["method"] == method) return each;
  }
  throw std::out_of_range(method);
}

TEST_F(Advise, PredictsWhatALedgerAndALinkSay) {
  const std::vector<std::string> task = {"problem=quadratic(d=500, s=0.8)", "clients=4", "compute=1ms",
                                         "network=1mbit,10ms", "target=0.1"};
  std::vector<std::string> words = task;
  words.emplace_back("method={gd, marina(perm-k), diana(rand-k(50))}");
  const Said said = advise(words);
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, StartsWith("quadratic(d=500, s=0.8), d = 500, 4 clients; to |grad f|^2 <= 0.1\n"));
  EXPECT_THAT(said.text,
              ContainsRegex("\nmeasured here, on one thread: [0-9.]+ [nu]s and [0-9.]+ [nu]s to encode"));
  EXPECT_THAT(said.text, ContainsRegex("\nmethod +step +up a round +a round +compute +encode +link +decode"));
  EXPECT_THAT(said.text, ContainsRegex("\ngd +[0-9.]+ +16\\.0 kbit +5[34]\\.[0-9] ms +1\\.00 ms +"));
  EXPECT_THAT(said.text, HasSubstr("\nrecommended: "));

  const nlohmann::json all = advice();
  EXPECT_TRUE(all["compute"].is_null()) << "it was given";
  EXPECT_EQ(all["target"]["value"], 0.1);
  EXPECT_EQ(all["base"], "gd");
  ASSERT_EQ(all["methods"].size(), 3U);
  for (const auto& method : all["methods"]) {
    ASSERT_EQ(method["reached"], true) << method;
    EXPECT_LE(method["grad_norm_sq"], 0.1);
    // A run with this step to this target sends the same bits in the same number of rounds.
    std::vector<std::string> run = task;
    run.insert(run.begin(), "run");
    run.push_back("method=" + method["method"].get<std::string>());
    run.push_back("step=" + method["step"].get<std::string>());
    run.push_back("out=" + folder_.path(method["method"]));
    ASSERT_EQ(laconic(run).code, 0);
    const auto summary = nlohmann::json::parse(
        content_of(folder_.path(method["method"].get<std::string>() + "/summary.json")));
    EXPECT_EQ(summary["stopped"]["why"], "target");
    EXPECT_EQ(summary["last"]["round"], method["rounds"]);
    EXPECT_EQ(summary["last"]["uplink_bits"], method["uplink_bits"]);
    EXPECT_EQ(summary["last"]["downlink_bits"], method["downlink_bits"]);
    const auto& spent = method["seconds"];
    EXPECT_NEAR(spent["compute"].get<double>() + spent["latency"].get<double>() + spent["bits"].get<double>(),
                summary["last"]["network_seconds"], 1e-9);
    EXPECT_GT(spent["encode"], 0);
    EXPECT_GT(spent["decode"], 0);
    EXPECT_NEAR(spent["total"],
                spent["compute"].get<double>() + spent["encode"].get<double>() +
                    spent["latency"].get<double>() + spent["bits"].get<double>() +
                    spent["decode"].get<double>(),
                1e-9);
  }

  // Computed by hand: up, a header of one byte and 500 values; down, 500 values; in round 0 nothing is sent
  // down.
  const auto& gd = of_method(all, "gd");
  EXPECT_NEAR(gd["seconds_of_start"]["bits"], 16008e-6, 1e-12);
  EXPECT_NEAR(gd["seconds_of_start"]["latency"], 0.01, 1e-12);
  EXPECT_NEAR(gd["seconds_of_a_round"]["bits"], 32008e-6, 1e-12);
  EXPECT_NEAR(gd["seconds_of_a_round"]["latency"], 0.02, 1e-12);
  EXPECT_NEAR(gd["seconds_of_a_round"]["compute"], 1e-3, 1e-12);
  EXPECT_FALSE(gd.contains("faster_at"));
  // The bandwidth at which both take the same time, from the numbers in the file.
  const auto fixed = [](const nlohmann::json& m) {
    return m["seconds"]["total"].get<double>() - m["seconds"]["bits"].get<double>();
  };
  for (const auto& method : all["methods"]) {
    if (method["method"] == "gd") continue;
    const double saved = gd["seconds"]["bits"].get<double>() - method["seconds"]["bits"].get<double>();
    const double lost = fixed(method) - fixed(gd);
    const double from = saved < 0 && lost < 0 ? saved / lost : 0;
    EXPECT_NEAR(method["faster_at"]["from"], from, 1e-6 * from);
    if (saved > 0 && lost > 0) {
      EXPECT_NEAR(method["faster_at"]["to"], saved / lost, 1e-6 * saved / lost);
    } else if (saved < 0 && lost > 0) {
      EXPECT_EQ(method["faster_at"]["to"], 0);
    } else {
      EXPECT_TRUE(method["faster_at"]["to"].is_null()) << method;
    }
  }

  EXPECT_EQ(all["recommended"]["method"], all["methods"][0]["method"]);
}

TEST_F(Advise, DecidesByCountedWork) {
  // Neither the time limit, as long as it does not act, nor the number of threads, nor another program beside
  // this one changes a number that is not measured.
  const std::vector<std::string> task = {"problem=quadratic(d=200, s=0.8)",
                                         "clients=4",
                                         "compute=10us",
                                         "network=200kbit,10ms",
                                         "threads=2",
                                         "gradients=3e5"};
  ASSERT_EQ(advise(task).code, 0);
  std::vector<std::string> other = task;
  other.emplace_back("seconds=3000");
  other.emplace_back("threads=1");
  std::erase(other, "threads=2");
  std::atomic<bool> over = false;
  std::thread busy([&] {
    while (!over) {
    }
  });
  const Said said = advise(other, "again.json");
  over = true;
  busy.join();
  ASSERT_EQ(said.code, 0) << said.text;
  const nlohmann::json once = advice();
  const nlohmann::json again = advice("again.json");
  EXPECT_EQ(once["gradients"], again["gradients"]);
  EXPECT_EQ(once["recommended"], again["recommended"]);
  ASSERT_EQ(once["methods"].size(), again["methods"].size());
  for (std::size_t m = 0; m < once["methods"].size(); ++m) {
    for (const char* key :
         {"method", "step", "reached", "rounds", "uplink_bits", "downlink_bits", "grad_norm_sq"})
      EXPECT_EQ(once["methods"][m][key], again["methods"][m][key]) << m << ", " << key;
  }
}

TEST_F(Advise, RanksWhereTheBudgetIsShort) {
  const std::vector<std::string> task = {"problem=quadratic(d=200, s=0.8)", "clients=4",
                                         "network=200kbit,10ms", "target=1e-12", "gradients=5e4"};
  const Said said = advise(task);
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text,
              HasSubstr("\nthe budget of 5e+04 gradients ended the short runs; gradients=2e+05 allows more"));
  EXPECT_THAT(said.text,
              HasSubstr("\nno method reached the target; the table ranks them by |grad f|^2 after "));
  EXPECT_THAT(said.text, ContainsRegex("\nrecommended: .+: \\|grad f\\|\\^2 = .+ on this link"));
  const auto all = advice();
  EXPECT_NEAR(all["gradients"]["taken"].get<double>() / 5e4, 1, 0.2);
  EXPECT_EQ(all["recommended"]["method"], all["methods"][0]["method"]);
  double before = 0;
  for (const auto& method : all["methods"]) {
    EXPECT_GE(method["after"]["target"], before);
    before = method["after"]["target"];
    EXPECT_LE(method["after"]["round"], method["rounds"]);
  }
  EXPECT_GT(before, 1e-12);
}

TEST_F(Advise, TakesFewerRowsWhereTheBudgetIsShort) {
  std::string text;
  for (int i = 0; i < 400; ++i)
    text += fmt::format("{} 1:{} 2:1\n", i % 2 == 0 ? "+1" : "-1", 0.01 * (i % 97));
  const std::string file = folder_.write("data.txt", text);
  const std::string problem = fmt::format("problem=logistic(\"{}\", lambda=0.1", file);
  const std::vector<std::string> rest = {"clients=2", "network=1mbit", "method=gd", "compute=1ms"};
  const auto of = [&](const std::string& description, const std::string& gradients) {
    std::vector<std::string> words = rest;
    words.push_back(description);
    words.push_back("gradients=" + gradients);
    const Said said = advise(words);
    EXPECT_EQ(said.code, 0) << said.text;
    return std::pair(said.text, advice());
  };
  const auto [few, of_few] = of(problem + ")", "5e4");
  EXPECT_THAT(
      few,
      HasSubstr(
          "\nthe short runs use 100 of the 400 rows, for 5e+04 gradients; gradients= or rows= sets more\n"));
  EXPECT_EQ(of_few["rows"]["used"], 100);
  // The predicted seconds are those of all rows: 200 of each client.
  EXPECT_NEAR(of_few["methods"][0]["seconds_of_a_round"]["compute"], 0.2, 1e-9);
  EXPECT_EQ(of(problem + ")", "5e5").second["rows"]["used"], 400);
  EXPECT_EQ(of(problem + ", rows=300)", "4e4").second["rows"]["used"], 300) << "the user's choice";
}

TEST_F(Advise, MeasuresGradientsAndNamesATarget) {
  const Said said = advise({"problem=quadratic(d=50)", "clients=3", "network=lan", "seconds=4"});
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(
      said.text,
      HasSubstr(" of that at the start\nassumed: 82.5 ns for the gradient of a row; measured here: "));
  const nlohmann::json all = advice();
  EXPECT_DOUBLE_EQ(all["compute"]["assumed"], 550 * 1.5e-10);
  EXPECT_GT(all["compute"]["measured"], 0);
  EXPECT_EQ(all["a_whole_message"]["bits"], 8 + 32 * 50);
  EXPECT_GE(all["methods"].size(), 8U) << "the usual ones";
  EXPECT_LE(of_method(all, "gd")["grad_norm_sq"], all["target"]["value"]);
}

TEST_F(Advise, MakesADefaultTargetHarderThatIsReachedInFewRounds) {
  const std::vector<std::string> task = {"problem=quadratic(d=200)", "clients=2", "network=lan", "method=gd"};
  const Said said = advise(task);
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text,
              ContainsRegex("; to \\|grad f\\|\\^2 <= [^,]+, (0\\.0001|1e-06) of that at the start\n"));
  // A target of the user stays: a hundredth of the squared gradient norm, or more.
  const double harder = advice()["target"]["value"];
  std::vector<std::string> given = task;
  given.push_back(fmt::format("target={}", 100 * harder));
  ASSERT_EQ(advise(given).code, 0);
  EXPECT_DOUBLE_EQ(advice()["target"]["value"], 100 * harder);
  EXPECT_LT(advice()["methods"][0]["rounds"], 10);
}

TEST_F(Advise, ListsRefusedMethodsAndTakesTopologies) {
  const std::string problem = "problem=quadratic(d=20)";
  Said said = advise(
      {problem, "clients=4", "network=lan", "method={gd, k-gt(steps=2), marina(top-k(2))}", "seconds=2"});
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr("\nleft out: k-gt(steps=2): method: "));
  EXPECT_THAT(said.text, HasSubstr("\nleft out: marina(top-k(2)): method: "));
  EXPECT_EQ(advice()["refused"].size(), 2U);
  said = advise({problem, "clients=4", "network=wan,lan", "topology=ring", "seconds=2"});
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_EQ(advice()["base"], "d-sgd");
  EXPECT_THAT(said.text, ContainsRegex("\ngt +[0-9.]+ +"));
}

TEST_F(Advise, SaysWhatIsMissing) {
  const std::string problem = "problem=quadratic(d=20)";
  const std::string folder = folder_.path("folder.json");
  std::filesystem::create_directory(folder);
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{problem}, "no network is given: say how clients are connected, as in network=100mbit,20ms"},
      {{"network=lan"}, "no problem is given, as in"},
      {{problem, "network=fast"}, "network: "},
      {{problem, "network=lan", "second=3"}, "unknown key \"second\" (did you mean \"seconds\"?)"},
      {{problem, "network=lan", "seconds=0"}, "seconds: \"0\"; need a time > 0, as in 30 or 2min"},
      {{problem, "network=lan", "clients={2,3}"},
       "clients: \"{2,3}\"; only method= and step= may have braces"},
      {{problem, "network=lan", "method=marinna(rand-k(1))"},
       "unknown method \"marinna\" (did you mean \"marina\"?)"},
      {{problem, "network=lan", "step=fast"}, "step = fast; need a number > 0"},
      {{problem, "network=lan", "max-bits=3"}, "max-bits: pilots end by their target"},
      {{problem, "network=lan", "gradients=0"}, "gradients: \"0\"; need a number >= 1, as in 1e8"},
      {{problem, "network=lan", "gradients=few"}, "gradients: \"few\"; need a number >= 1, as in 1e8"},
      {{problem, "network=lan", "rounds=3"},
       "rounds: pilots end by their target, or when gradients= are used up"},
      {{problem, "network=lan", "eval-every=0"}, "eval-every: pilots look at every round"},
      {{problem, "network=lan", "topology=ring", "target-consensus=1"},
       "target-consensus: pilots end by the gradient, f or the test accuracy of one model"},
      {{problem, "network=lan", "target=1e6"},
       "target = 1000000 is met at the start already, where |grad f|^2 = "},
      {{problem, "stragglers=deadline(1s)"}, "stragglers: deadline"},
      {{problem, "network=lan", "out=folder"}, "out: \"folder\"; need a file that ends in .json"},
      {{problem, "network=lan", "out=/proc/nowhere/a.json"}, "out: cannot make the folder /proc/nowhere: "},
      {{problem, "network=lan", "out=/proc/a.json"}, "out: /proc/a.json: cannot write: "},
      {{problem, "network=lan", "out=" + folder}, "out: " + folder + ": cannot write: that is a folder"},
  };
  for (const auto& [words, message] : wrong) {
    std::vector<std::string> all = {"advise"};
    all.insert(all.end(), words.begin(), words.end());
    const Said said = laconic(all);
    EXPECT_EQ(said.code, 2) << said.text;
    EXPECT_THAT(said.text, StartsWith("laconic: "));
    EXPECT_THAT(said.text, HasSubstr(message));
    EXPECT_EQ(std::count(said.text.begin(), said.text.end(), '\n'), 1) << said.text;
  }
  const Said said = advise({problem, "network=lan", "clients=2", "seconds=1us"});
  EXPECT_EQ(said.code, 1) << said.text;
  EXPECT_THAT(said.text,
              HasSubstr("laconic: no method is recommended: no short run had a round before the limit"));
  EXPECT_THAT(said.text,
              HasSubstr("\nthe time limit of 1.00 us ended the short runs, so the results may differ on "
                        "another machine; seconds=1 allows more"));
  EXPECT_EQ(advice()["methods"][0]["reached"], false);
  EXPECT_TRUE(advice()["methods"][0]["seconds_of_a_round"].is_null());
  EXPECT_THAT(said.text, HasSubstr("\ntarget not reached: gd: no round in its share\n"));
}

TEST_F(Advise, OfAFileTheEndOfItsRunsDoesNotCount) {
  const std::string file = folder_.path("run.toml");
  std::ofstream(file)
      << "problem = 'quadratic(d=20)'\nclients = 2\nmethod = 'gd'\nrounds = 1\neval-every = 0\n";
  const Said said = advise({file, "network=lan"});
  EXPECT_EQ(said.code, 0) << said.text;
  EXPECT_GT(of_method(advice(), "gd")["rounds"], 1);
}

}  // namespace
}  // namespace laconic::testing
