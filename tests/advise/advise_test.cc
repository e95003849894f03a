// SPDX-License-Identifier: Apache-2.0
// Advice on methods for a link: conclusions from recorded numbers, and the verb `advise`. Timed values are
// only checked for plausibility.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

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
  const Pays pays = pays_against(sparse, gd);
  EXPECT_EQ(pays.from, 0);
  EXPECT_DOUBLE_EQ(pays.to, (40 - 0.5) / (3 + 1 + 8 + 0.25 - 3));
  const auto total_at = [](const RoundCost& spent, double times) {
    return spent.fixed() + spent.bits / times;
  };
  EXPECT_DOUBLE_EQ(total_at(sparse, pays.to), total_at(gd, pays.to));
  EXPECT_LT(total_at(sparse, 0.9 * pays.to), total_at(gd, 0.9 * pays.to));

  // Fewer rounds with longer messages pay on a fast link.
  const Pays other_way = pays_against(gd, sparse);
  EXPECT_EQ(other_way.from, pays.to);
  EXPECT_EQ(other_way.to, kEver);
  EXPECT_TRUE(pays_against({.bits = 1}, {.compute = 1, .bits = 2}).always());
  EXPECT_TRUE(pays_against({.compute = 1, .bits = 2}, {.bits = 1}).never());
  EXPECT_TRUE(pays_against(gd, gd).never());
}

PilotResult pilot(const std::string& method, const RoundCost& spent, double bits, std::size_t rounds = 20) {
  PilotResult p{.method = Spec(method), .step = {}, .arrived = true};
  p.last.round = rounds;
  p.last.uplink_bits = bits;
  p.rounds = spent;
  return p;
}

TEST(Advice, SaysInWordsWhoArrivesFirstAndWhereItPays) {
  Advice advice{.pilots = {pilot("gd", {.compute = 1, .latency = 2, .bits = 40}, 1e6),
                           pilot("ef21", {.compute = 3, .latency = 8, .bits = 0.75}, 1e4),
                           pilot("marina", {.compute = 3, .latency = 3, .bits = 4}, 1e5)},
                .refused = {{Spec("k-gt"), "it needs a topology"}},
                .base = Spec("gd")};
  PilotResult slow = pilot("dcgd", {.latency = 100, .bits = 1}, 1e4);
  slow.arrived = false;
  slow.end = RunEnd::time_over;
  advice.pilots.push_back(slow);
  PilotResult none;
  none.method = Spec("lag");
  none.end = RunEnd::time_over;
  none.start = {.latency = 1, .bits = 1};
  advice.pilots.push_back(none);
  advice.sort();
  EXPECT_EQ(advice.pilots[0].method.name, "marina");
  EXPECT_EQ(advice.pilots[1].method.name, "ef21");
  EXPECT_EQ(advice.pilots[3].method.name, "dcgd");
  // marina: 36 / 3 times these bandwidths; ef21: 39.25 / 8.
  EXPECT_THAT(
      words_of(advice, {Link{1e7, 1e7, 0.05, 0.05}}),
      ElementsAre("on this link marina arrives first; gd takes 4.3 times as long",
                  "of the methods here that send less than gd in a round, marina arrives before it below 120 "
                  "Mbit/s, with the same latency; above that gd arrives before both"));
  const auto where = [&](const std::vector<Link>& links) { return words_of(advice, links).at(1); };
  EXPECT_THAT(where({Link{1e6, 1e7}}), HasSubstr(" below 12 Mbit/s up and 120 Mbit/s down,"));
  EXPECT_THAT(where({Link{1e6}, Link{1e7}}), HasSubstr(" below 12 times these bandwidths,"));
  EXPECT_THAT(where({Link{1e9, 1e9}}), EndsWith(" marina arrives before it on any link of practical width"));
  const std::string table = table_of(advice);
  EXPECT_THAT(table, ContainsRegex(
                         "marina +theory +5\\.00 kbit +500 ms +150 ms +0 s +350 ms +0 s +bandwidth 40% +20 +"
                         "10\\.0 s +4\\.3x\n"));
  EXPECT_THAT(table,
              HasSubstr("not arrived: dcgd, step theory: |grad f|^2 = 0, f = 0 after 101 s; its share of the "
                        "time was over\n"));
  EXPECT_THAT(table, HasSubstr("not arrived: lag: no round in the time\n"));
  EXPECT_THAT(table, ContainsRegex("lag +(- +){8}0 +- +-\n")) << "round 0 is no prediction";
  EXPECT_THAT(table, HasSubstr("left out: k-gt: it needs a topology\n"));

  advice.pilots.erase(advice.pilots.begin());
  advice.pilots[0].rounds.latency = 100;
  advice.sort();
  EXPECT_THAT(words_of(advice, {Link{1e7, 1e7}})[0], "on this link nothing arrives before gd");
  advice.base = Spec("lag");
  EXPECT_THAT(words_of(advice, {Link{1e7, 1e7}}),
              ElementsAre("on this link gd arrives first; lag has not arrived"));
  advice.base = Spec("gd");
  advice.pilots[1].arrived = false;
  EXPECT_THAT(words_of(advice, {Link{1e7, 1e7}}), ElementsAre("on this link nothing arrives before gd"))
      << "those who say less have not arrived on any link";
}

TEST(Advice, SaysOfWhichLinksItSpeaks) {
  const PilotResult gd = pilot("gd", {.compute = 1, .latency = 2, .bits = 40}, 1e6);
  const std::vector<Link> links = {Link{1e7, 1e7}};
  const auto words = [&](const std::vector<PilotResult>& others) {
    Advice advice{.pilots = others, .refused = {}, .base = Spec("gd")};
    advice.pilots.push_back(gd);
    advice.sort();
    return words_of(advice, links);
  };
  const std::string few = "of the methods here that send less than gd in a round, ";
  // Fewer bits a round but many rounds: more bits in total, and less of every other cost.
  const PilotResult quick = pilot("quick", {.compute = 0.1, .latency = 0.1, .bits = 41}, 1e6, 200);
  EXPECT_THAT(words({quick}),
              ElementsAre("on this link quick arrives first; gd takes 1.04 times as long",
                          few + "quick arrives before it above 3.6 Mbit/s, with the same latency"));
  const PilotResult sparse = pilot("sparse", {.latency = 4, .bits = 1}, 1e4);
  EXPECT_THAT(words({quick, sparse}).at(1),
              few +
                  "sparse arrives before it below 390 Mbit/s, and quick arrives "
                  "before it above 3.6 Mbit/s, with the same latency");
  // A method that sends as many bits a round as the base is not mentioned.
  const PilotResult local = pilot("local", {.bits = 4}, 1e6);
  EXPECT_THAT(
      words({local, sparse}),
      ElementsAre("on this link local arrives first; gd takes 10.8 times as long",
                  few + "sparse arrives before it below 390 Mbit/s, with the same latency; above that gd "
                        "arrives before it"));
  const PilotResult late = pilot("late", {.latency = 90, .bits = 41}, 1e4);
  EXPECT_THAT(words({late}).at(1),
              few + "none arrives before it with this latency, however slow the link is");
  const PilotResult better = pilot("better", {.bits = 1}, 1e4);
  EXPECT_THAT(words({better}).at(1), few + "better arrives before it on a link of any width");
}

TEST(Advice, MediansAreOfTheTimesThatCount) {
  std::size_t calls = 0;
  EXPECT_GE(median_seconds(0, [&] { ++calls; }), 0);
  EXPECT_EQ(calls, 4U) << "one that does not count, and three";
  calls = 0;
  median_seconds(100, [&] { ++calls; });
  EXPECT_EQ(calls, 102U);
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
  EXPECT_THAT(said.text, ContainsRegex("\ngd +theory[0-9.*]* +16\\.0 kbit +5[34]\\.[0-9] ms +1\\.00 ms +"));
  EXPECT_THAT(said.text, HasSubstr("\non this link "));

  const nlohmann::json all = advice();
  EXPECT_TRUE(all["compute"].is_null()) << "it was given";
  EXPECT_EQ(all["target"]["value"], 0.1);
  EXPECT_EQ(all["base"], "gd");
  ASSERT_EQ(all["methods"].size(), 3U);
  for (const auto& method : all["methods"]) {
    ASSERT_EQ(method["arrived"], true) << method;
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
  EXPECT_FALSE(gd.contains("pays"));
  // The bandwidth at which both take the same time, from the numbers in the file.
  const auto fixed = [](const nlohmann::json& m) {
    return m["seconds"]["total"].get<double>() - m["seconds"]["bits"].get<double>();
  };
  for (const auto& method : all["methods"]) {
    if (method["method"] == "gd") continue;
    const double saved = gd["seconds"]["bits"].get<double>() - method["seconds"]["bits"].get<double>();
    const double lost = fixed(method) - fixed(gd);
    const double from = saved < 0 && lost < 0 ? saved / lost : 0;
    EXPECT_NEAR(method["pays"]["from"], from, 1e-6 * from);
    if (saved > 0 && lost > 0) {
      EXPECT_NEAR(method["pays"]["to"], saved / lost, 1e-6 * saved / lost);
    } else if (saved < 0 && lost > 0) {
      EXPECT_EQ(method["pays"]["to"], 0);
    } else {
      EXPECT_TRUE(method["pays"]["to"].is_null()) << method;
    }
  }

  // Only the costs of messages depend on the machine; the values below do not.
  ASSERT_EQ(advise(words, "again.json").code, 0);
  const auto again = advice("again.json");
  for (const auto& method : again["methods"]) {
    const auto& before = of_method(all, method["method"]);
    for (const char* key : {"step", "rounds", "uplink_bits", "downlink_bits", "grad_norm_sq"})
      EXPECT_EQ(method[key], before[key]) << key;
  }
}

TEST_F(Advise, MeasuresGradientsAndNamesATarget) {
  const Said said = advise({"problem=quadratic(d=50)", "clients=3", "network=lan", "seconds=4"});
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr("0.01 of that at the start\nmeasured here, on one thread: "));
  const nlohmann::json all = advice();
  EXPECT_GT(all["compute"], 0);
  EXPECT_EQ(all["a_whole_message"]["bits"], 8 + 32 * 50);
  EXPECT_GE(all["methods"].size(), 8U) << "the usual ones";
  EXPECT_LE(of_method(all, "gd")["grad_norm_sq"], all["target"]["value"]);
}

TEST_F(Advise, ListsWhomItRefusesAndTakesTopologies) {
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
      {{problem, "network=lan", "rounds=3"}, "rounds: pilots end by their target, or when seconds= are over"},
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
  EXPECT_THAT(said.text, HasSubstr("laconic: no method came to |grad f|^2 <= "));
  EXPECT_THAT(said.text, HasSubstr(" in 1.00 us; give more of them, as in seconds="));
  EXPECT_EQ(advice()["methods"][0]["arrived"], false);
  EXPECT_TRUE(advice()["methods"][0]["seconds_of_a_round"].is_null());
  EXPECT_THAT(said.text, HasSubstr("\nnot arrived: gd: no round in the time\n"));
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
