// SPDX-License-Identifier: Apache-2.0
// Grids, expectations, plans, and whole sweeps: `laconic sweep` compared with its single runs.
#include "laconic/sweep/sweep.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "laconic/experiment/embedded.h"
#include "laconic/sweep/csv.h"
#include "laconic/sweep/expectation.h"
#include "laconic/sweep/grid.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"
#include "laconic/sweep/resume.h"
#include "tests/program.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using namespace laconic;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// --- grids ---------------------------------------------------------------------------------------

/// The values of `key` at the points of a grid, in order.
std::vector<std::string> spelt(const std::string& value, const std::string& key = "method") {
  std::vector<std::string> values;
  for (const GridPoint& point : grid_of({{key, value, ""}}).points) values.push_back(point.settings[0].value);
  return values;
}

std::vector<std::string> axes(const std::string& value, const std::string& key = "method") {
  std::vector<std::string> names;
  for (const Axis& axis : grid_of({{key, value, ""}}).axes) names.push_back(axis.name);
  return names;
}

TEST(Grid, SpellsOutListsRangesAndPowers) {
  EXPECT_THAT(spelt("gd"), ElementsAre("gd"));
  EXPECT_THAT(spelt("ef21(top-k({1, 3,5}))"),
              ElementsAre("ef21(top-k(1))", "ef21(top-k(3))", "ef21(top-k(5))"));
  EXPECT_THAT(spelt("{0,2^0..2^3}"), ElementsAre("0", "1", "2", "4", "8"));
  EXPECT_THAT(spelt("{2^-2..2^1}"), ElementsAre("0.25", "0.5", "1", "2"));
  EXPECT_THAT(spelt("{10^-3,10^2}"), ElementsAre("0.001", "100"));
  EXPECT_THAT(spelt("{1..4}"), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(spelt("{10..1..4}"), ElementsAre("10", "6", "2"));
  EXPECT_THAT(spelt("{-1..1}"), ElementsAre("-1", "0", "1"));
  EXPECT_THAT(spelt("theory*{2^0..2^2}"), ElementsAre("theory*1", "theory*2", "theory*4"));
  EXPECT_THAT(spelt("{\n 1..2,\r\n\t2^2\n}"), ElementsAre("1", "2", "4")) << "lines of a file";
  EXPECT_THAT(spelt("{9223372036854775806..9223372036854775807}"),
              ElementsAre("9223372036854775806", "9223372036854775807"));
  EXPECT_THAT(spelt("{-9223372036854775808..9223372036854775807..9223372036854775807}"),
              ElementsAre("-9223372036854775808", "-1", "9223372036854775806"));
  EXPECT_EQ(spelt("{" + std::string(300000, '1') + "}").size(), 1U);
  EXPECT_THAT(spelt("{../data/a9a,..//b}"), ElementsAre("../data/a9a", "..//b")) << "paths are no ranges";
  EXPECT_THAT(spelt("logistic(\"{a,b}\", lambda={0,1})"),
              ElementsAre("logistic(\"{a,b}\", lambda=0)", "logistic(\"{a,b}\", lambda=1)"));
}

TEST(Grid, TheLastAxisChangesFastest) {
  EXPECT_THAT(spelt("clag(top-k({1,3}), zeta={0,4})"),
              ElementsAre("clag(top-k(1), zeta=0)", "clag(top-k(1), zeta=4)", "clag(top-k(3), zeta=0)",
                          "clag(top-k(3), zeta=4)"));
  const Grid grid = grid_of({{"method", "{gd,ef21(top-k({1,2}))}", ""}, {"step", "{1,2}", ""}});
  std::vector<std::string> points;
  for (const GridPoint& point : grid.points)
    points.push_back(point.settings[0].value + " " + point.settings[1].value);
  EXPECT_THAT(points, ElementsAre("gd 1", "gd 2", "ef21(top-k(1)) 1", "ef21(top-k(1)) 2", "ef21(top-k(2)) 1",
                                  "ef21(top-k(2)) 2"));
}

TEST(Grid, NamesAxesByWhatTheyStandFor) {
  EXPECT_THAT(axes("clag(top-k({1,3}), zeta={0,4})"), ElementsAre("top-k", "zeta"));
  EXPECT_THAT(axes("theory*{1,2}", "step"), ElementsAre("step"));
  EXPECT_THAT(axes("quadratic(d=100, s={0,1})", "problem"), ElementsAre("s"));
  EXPECT_THAT(axes("logistic({a9a,w8a}, lambda=0.1)", "problem"), ElementsAre("logistic"));
  EXPECT_THAT(axes("torus({2,3},{4,5})", "topology"), ElementsAre("torus", "torus#2"));
  EXPECT_THAT(axes("{ef21(top-k({1,3})),clag(top-k({1,3}),zeta={1,2})}"),
              ElementsAre("method", "top-k", "zeta"));
  EXPECT_THAT(axes("3pc-v3(lag(zeta={1,2}), top-k({1,2}))"), ElementsAre("zeta", "top-k"));
}

TEST(Grid, TellsAxesOfDifferentKeysApart) {
  std::vector<std::string> names;
  for (const Axis& axis : grid_of({{"problem", "quadratic(seed={1,2})", ""},
                                   {"seed", "{1,2}", ""},
                                   {"method", "marina(p={0.1,1})", ""}})
                              .axes)
    names.push_back(axis.name + " of " + axis.key);
  EXPECT_THAT(names, ElementsAre("problem.seed of problem", "seed of seed", "p of method"));
}

TEST(Grid, RefusesWhatItCannotSpellOut) {
  const auto error = [](const std::string& value) {
    return error_of([&] { grid_of({{"method", value, ""}}); });
  };
  EXPECT_EQ(error("top-k({1,2)"), "method: \"{1,2)\": the brace is not closed");
  EXPECT_EQ(error("top-k({1,,2})"), "method: {1,,2}: a value is missing");
  EXPECT_EQ(error("top-k({})"), "method: {}: a value is missing");
  EXPECT_EQ(error("{1,2,1}"), "method: {1,2,1}: 1 stands there twice");
  EXPECT_EQ(error("{1,2^0}"), "method: {1,2^0}: 1 stands there twice");
  EXPECT_EQ(error("{2^0..3^4}"), "method: 2^0..3^4 in braces; need one base, as in 2^0..2^10");
  EXPECT_EQ(error("{1..9..0}"), "method: 1..9..0 in braces; need a step > 0");
  EXPECT_EQ(error("{10^400}"), "method: 10^400 is not a finite number");
  EXPECT_THAT(error("{1..100000000000}"), HasSubstr("at most 1000000 points"));
  EXPECT_THAT(error("{1..99999999999999999999}"), HasSubstr("below 2^63"));
  EXPECT_THAT(error("a({1..1000},{1..1000},{1,2})"), HasSubstr("at most 1000000 points"));
}

// --- expectations --------------------------------------------------------------------------------

TEST(Expectation, ComparesProductsOfScores) {
  const auto score = [](const Factor& factor) {
    const std::string& method = factor.method;
    if (factor.measure == "rounds") return 7.0;
    if (!factor.where.empty()) return 3.0;
    if (method == "gd") return 100.0;
    if (method == "ef21") return 20.0;
    if (method == "clag(top-k(1), zeta=0)") return 10.0;
    return std::numeric_limits<double>::infinity();
  };
  const auto holds = [&](const std::string& text) {
    const auto all = parse_expectations(text);
    return std::all_of(all.begin(), all.end(),
                       [&](const Expectation& one) { return judge(one, score).holds; });
  };
  EXPECT_TRUE(holds("gd / ef21 >= 5"));
  EXPECT_FALSE(holds("gd / ef21 > 5"));
  EXPECT_TRUE(holds("ef21 * 5 <= gd"));
  EXPECT_TRUE(holds("gd / ef21 / 5 <= 1.0; ef21 < gd ;"));
  EXPECT_FALSE(holds("gd / ef21 >= 5; ef21 > gd"));
  EXPECT_TRUE(holds("gd >= 1e+2; gd <= 1E+2; gd > 1e-3"));
  EXPECT_TRUE(holds("ef21 / \"clag(top-k(1), zeta=0)\" >= 2\n"));
  EXPECT_TRUE(
      holds("ef21[top-k=1] >= 3; ef21[top-k=1]<=3;rounds(gd) <= 7; 7 <= rounds ( \"gd\" [a=b, c=d ] )"));
  for (const char* with_unreached : {"lag > 1", "lag < 1", "gd / lag <= 1", "gd <= lag", "lag / lag >= 0.1"})
    EXPECT_FALSE(holds(with_unreached)) << with_unreached;

  EXPECT_TRUE(holds("4.5 <= gd / ef21 <= 5.5; 1 < ef21 / \"clag(top-k(1), zeta=0)\" < gd"));
  EXPECT_FALSE(holds("5.5 <= gd / ef21 <= 6"));
  EXPECT_FALSE(holds("4 <= gd / ef21 <= 4.5"));
  EXPECT_FALSE(holds("1 < lag < gd"));

  EXPECT_EQ(parse_expectations(" gd / ef21 >= 5 ;x<2").at(0).text, "gd / ef21 >= 5");
  const Expectation claimed =
      parse_expectations("gd > 1;\n EF21 is\nahead, K = 1: 4 <= gd / ef21 <= 6;").at(1);
  EXPECT_EQ(claimed.claim, "EF21 is ahead, K = 1");
  EXPECT_EQ(claimed.text, "4 <= gd / ef21 <= 6");
  EXPECT_EQ(in_numbers(claimed, judge(claimed, score)), "4 <= 5 <= 6");
  const Expectation near = parse_expectations("gd / gd >= 1.00001").at(0);
  EXPECT_EQ(in_numbers(near, judge(near, score)), "1 >= 1.00001");
  EXPECT_EQ(parse_expectations("inf > 1").at(0).products[0][0].method, "inf");
  const Factor factor =
      parse_expectations("1 < 2 / f(k-gt[steps=5, problem.seed=2^3]) * gd").at(0).products.at(1).at(1);
  EXPECT_EQ(factor.text, "f(k-gt[steps=5, problem.seed=2^3])");
  EXPECT_EQ(factor.method, "k-gt");
  EXPECT_EQ(factor.measure, "f");
  ASSERT_EQ(factor.where.size(), 2);
  EXPECT_EQ(factor.where[1].axis, "problem.seed");
  EXPECT_EQ(factor.where[1].value, "2^3");
  const auto error = [](const std::string& text) { return error_of([&] { parse_expectations(text); }); };
  EXPECT_EQ(error("gd[steps] > 1"),
            "expect: column 4 of \"gd[steps] > 1\": need an axis and its value, as in steps=5");
  EXPECT_EQ(error("gd[=5] > 1"),
            "expect: column 4 of \"gd[=5] > 1\": need an axis and its value, as in steps=5");
  EXPECT_EQ(error("gd[a=5 > 1"), "expect: column 4 of \"gd[a=5 > 1\": need the ] after the values of axes");
  EXPECT_EQ(error("f(gd > 1"), "expect: column 6 of \"f(gd > 1\": need the ) after what is measured");
  EXPECT_EQ(error("gd >= "), "expect: column 7 of \"gd >= \": need a method or a number");
  EXPECT_EQ(error("gd ef21"), "expect: column 4 of \"gd ef21\": need one of <= >= < >");
  EXPECT_EQ(error("gd > 1 ef21 > 1"), "expect: column 8 of \"gd > 1 ef21 > 1\": need a ; between statements");
  EXPECT_EQ(error("\"\" < gd"), "expect: column 2 of \"\"\" < gd\": need a method in the quotes");
  EXPECT_EQ(error("gd > 1;\n  f(gd > 1;\nef21 > 1"),
            "expect: column 6 of \"f(gd > 1\": need the ) after what is measured");
  EXPECT_EQ(error("1 < gd < 2 < 3"), "expect: column 12 of \"1 < gd < 2 < 3\": need a ; between statements");
  EXPECT_EQ(error("wrong: gd ! 1"), "expect: column 11 of \"wrong: gd ! 1\": need one of <= >= < >");
  EXPECT_EQ(error("\"gd > 1"), "expect: column 2 of \"\"gd > 1\": need the end of a quoted text");
}

// --- plans ---------------------------------------------------------------------------------------

SweepPlan plan(const std::vector<std::string>& words) { return plan_of(settings_of(words)); }

const std::vector<std::string> kGrid = {"problem=quadratic(d=20)", "method={gd,ef21(top-k({1,2}))}",
                                        "step=theory*{1,2}", "seed={1,2,3}", "target=1e-3"};

TEST(SweepPlan, GroupsSeedsIntoSettingsAndStepsIntoCells) {
  const SweepPlan p = plan(kGrid);
  EXPECT_EQ(p.runs.size(), 18U);
  EXPECT_EQ(p.of_setting.size(), 6U);
  EXPECT_EQ(p.of_cell.size(), 3U);
  for (const auto& runs : p.of_setting) EXPECT_EQ(runs.size(), 3U);
  for (const auto& runs : p.of_cell) EXPECT_EQ(runs.size(), 6U);
  EXPECT_EQ(p.runs[0].method, "gd");
  EXPECT_EQ(p.runs[17].method, "ef21(top-k({1,2}))");
  EXPECT_STREQ(p.measure->name, "bits");

  auto untuned = kGrid;
  untuned.emplace_back("tune=none");
  EXPECT_EQ(plan(untuned).of_cell.size(), 6U);
  untuned.back() = "tune=step, top-k";
  EXPECT_EQ(plan(untuned).of_cell.size(), 2U);
}

TEST(SweepPlan, SaysWhatIsWrong) {
  const auto error = [](std::vector<std::string> words, const std::string& more) {
    words.push_back(more);
    return error_of([&] { plan(words); });
  };
  EXPECT_EQ(error(kGrid, "tune=stap"),
            "tune: there is no axis \"stap\" (did you mean \"step\"?); this sweep has method, "
            "top-k, step, seed");
  EXPECT_EQ(error(kGrid, "tune=seed"), "tune: seed is an axis of seed: seeds are averaged, not tuned");

  EXPECT_EQ(error({"problem=quadratic(d=20, s={0,1})", "method=gd", "target=1e-3"}, "tune=s"),
            "tune: s is an axis of problem: runs that differ in it do not compete");
  EXPECT_EQ(error({"problem=quadratic(d=20)", "method=gd", "stragglers=bernoulli({0.1,0.5})", "target=1e-3"},
                  "tune=bernoulli"),
            "tune: bernoulli is an axis of stragglers: runs that differ in it do not compete");
  EXPECT_EQ(
      error(kGrid, "map=step,top-k"),
      "map: step is tuned: runs that could not win have ended early and have no score; sweep with tune=none "
      "for a map over it");
  EXPECT_THAT(error(kGrid, "mesure=bits"), HasSubstr("unknown key \"mesure\" (did you mean \"measure\"?)"));
  EXPECT_EQ(error(kGrid, "expect=\xff > 1"), "expect: not a text in UTF-8");
  EXPECT_EQ(error(kGrid, "map=top-k"), "map: \"top-k\"; need two axes, as in zeta,top-k");
  EXPECT_THAT(error(kGrid, "measure=bit"), HasSubstr("measure: unknown \"bit\" (did you mean \"bits\"?)"));
  EXPECT_EQ(error(kGrid, "measure=seconds"),
            "measure: seconds are those of a modelled clock; give every run a network=, a compute=, or "
            "stragglers with delays");
  EXPECT_EQ(error(kGrid, "out=runs/{a,b}"), "out: runs/{a,b} is of the whole sweep and can be no axis");
  EXPECT_THAT(error(kGrid, "checkpoint-every=5"), HasSubstr("checkpoint-every: a sweep needs none"));
  EXPECT_EQ(error(kGrid, "rounds={10,x}"),
            "at method=gd, step=1, seed=1, rounds=x: rounds: \"x\"; need a whole number >= 0, below 2^64");
  EXPECT_EQ(error({"problem=quadratic(d=20)", "method=gd"}, "measure=rounds"),
            "measure: rounds are counted to a target; give target=, target-gap=, target-accuracy= or "
            "target-consensus=");
}

TEST(SweepPlan, TunesEveryPartOfTheStep) {
  const SweepPlan p =
      plan({"problem=quadratic(d=20)", "method=gd", "step={0.1,theory*{1,2}}", "target=1e-3"});
  EXPECT_EQ(p.runs.size(), 3U);
  EXPECT_EQ(p.of_cell.size(), 1U);
}

TEST(SweepPlan, ScoresAreMeansOfSeedsThatAllGotThere) {
  const SweepPlan p = plan(kGrid);
  RunOutcomes outcomes(p.runs.size());
  for (std::size_t r = 0; r < p.runs.size(); ++r) {
    outcomes[r] = RunOutcome{RunEnd::target, {}};
    outcomes[r]->last.uplink_bits = static_cast<double>(100 + r);
  }
  outcomes[4]->end = RunEnd::rounds;  // in the second setting
  outcomes[6]->end = RunEnd::beaten;  // in the third
  outcomes[17] = std::nullopt;        // in the last
  const std::vector<double> scores = scores_of(p, outcomes);
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(scores, ElementsAre(101, infinity, infinity, 110, 113, infinity));
  const std::vector<Best> best = best_of(p, scores);
  ASSERT_EQ(best.size(), 2U);
  EXPECT_EQ(best[0].score, 101);
  EXPECT_EQ(best[1].setting, 3U);
  const auto score_of = [&](std::size_t workload, const Factor& factor) {
    const auto setting = best_setting(p, scores, workload, factor);
    return setting ? std::optional(scores[*setting]) : std::nullopt;
  };
  EXPECT_EQ(score_of(best[0].workload, {.method = "ef21(top-k(2))"}), 113);
  EXPECT_EQ(score_of(best[0].workload, {.method = "ef21( top-k(2) )"}), 113);
  EXPECT_EQ(score_of(best[0].workload, {.method = "ef21"}), 110);
  EXPECT_EQ(score_of(best[0].workload, {.method = "lag"}), std::nullopt);
  EXPECT_EQ(score_of(p.workloads.size(), {.method = "ef21"}), std::nullopt);
}

TEST(SweepPlan, StatementsMayNameTheirWorkloads) {
  const SweepPlan p = plan({"problem=quadratic(d=20, s={0,1,2})", "method={gd,ef21(top-k({1,2}))}",
                            "split-seed={1,2}", "step=0.1", "measure=f"});
  RunOutcomes outcomes(p.runs.size());
  for (std::size_t r = 0; r < p.runs.size(); ++r) {
    outcomes[r] = RunOutcome{RunEnd::rounds, {}};
    const Config& run = p.runs[r].config;
    outcomes[r]->last.f = run.problem.options.at(1).second.number + 10 * static_cast<double>(run.split_seed) +
                          (run.method.name == "gd"                 ? 100
                           : run.method == parse("ef21(top-k(1))") ? 0
                                                                   : 5);
    outcomes[r]->last.consensus = 1000 + outcomes[r]->last.f;
  }
  const auto judged = [&](const std::string& text) {
    return judge_all(p, parse_expectations(text), outcomes);
  };
  // The mean over the seeds adds 15.
  const auto here = judged("gd > ef21");
  ASSERT_EQ(here.size(), 3);
  EXPECT_EQ(here[1].verdict.values.at(0), 116);
  EXPECT_EQ(here[1].verdict.values.at(1), 16);
  const auto of_ends = judged("gd[s=2] > gd[s=0]");
  ASSERT_EQ(of_ends.size(), 1);
  EXPECT_EQ(of_ends[0].verdict.values.at(0), 117);
  EXPECT_EQ(of_ends[0].verdict.values.at(1), 115);
  EXPECT_THAT(print(p.workloads[of_ends[0].workload]), HasSubstr("s=2"));
  const auto with_neighbour = judged("ef21 > gd[s=0]");
  ASSERT_EQ(with_neighbour.size(), 1);
  EXPECT_EQ(with_neighbour[0].verdict.values.at(0), 15);
  const auto of_choice = judged("ef21[top-k=2] > ef21[top-k=1]");
  ASSERT_EQ(of_choice.size(), 3);
  EXPECT_EQ(of_choice[2].verdict.values.at(0), 22);
  EXPECT_EQ(of_choice[2].verdict.values.at(1), 17);
  // The measure is taken of the best setting by f.
  EXPECT_EQ(judged("consensus(ef21[s=1]) > 0").at(0).verdict.values.at(0), 1016);
  const auto error = [&](const std::string& text) { return error_of([&] { judged(text); }); };
  EXPECT_EQ(error("gd[s=7] > 1"), "expect: \"gd[s=7] > 1\": the axis s has 0, 1, 2, not 7");
  EXPECT_EQ(error("gd[t=7] > 1"), "expect: \"gd[t=7] > 1\": no axis of this sweep is t");
  EXPECT_EQ(error("gd[top-k=1] > 1"),
            "expect: \"gd[top-k=1] > 1\": no run of this sweep is of the method gd[top-k=1]");
  EXPECT_EQ(error("gd[split-seed=1] > 1"),
            "expect: \"gd[split-seed=1] > 1\": scores are means over split-seed");
  EXPECT_EQ(error("rounds(gd) > 1"),
            "measure: rounds are counted to a target; give target=, target-gap=, target-accuracy= or "
            "target-consensus=");
}

TEST(SweepPlan, StatementsKnowNothingOfRunsThatEndedEarly) {
  const auto judged = [](const std::string& tune, const std::vector<RunEnd>& ends, const std::string& text) {
    const SweepPlan p =
        plan({"problem=quadratic(d=20)", "method=gd", "step={0.1,0.2}", "target=1e-3", "tune=" + tune});
    RunOutcomes outcomes;
    for (const RunEnd each : ends) {
      outcomes.push_back(RunOutcome{each, {}});
      outcomes.back()->last.uplink_bits = 100 * static_cast<double>(outcomes.size());
      outcomes.back()->last.f = 3;
    }
    return judge_all(p, parse_expectations(text), outcomes).at(0).verdict;
  };
  EXPECT_TRUE(judged("step", {RunEnd::target, RunEnd::beaten}, "f(gd) <= 3").holds);
  EXPECT_TRUE(judged("none", {RunEnd::target, RunEnd::rounds}, "f(gd[step=0.2]) > 0").values.at(0) > 1e300)
      << "it has no score";
  EXPECT_TRUE(judged("none", {RunEnd::target, RunEnd::target}, "gd[step=0.2] >= 200").holds);
  // No run reached the target, so there is no best run, in either order.
  EXPECT_FALSE(judged("step", {RunEnd::rounds, RunEnd::rounds}, "f(gd) <= 3").holds);
  EXPECT_FALSE(judged("step", {RunEnd::rounds, RunEnd::rounds}, "f(gd) >= 3").holds);
  EXPECT_THAT(error_of([&] {
                judged("step", {RunEnd::target, RunEnd::beaten}, "gd[step=0.2] > 1");
              }),
              HasSubstr("step is tuned: runs that could not win have ended early"));
}

// --- whole sweeps --------------------------------------------------------------------------------

class Sweep : public ::testing::Test {
 protected:
  std::string out(const std::string& name) const { return folder_.path(name); }

  /// A sweep into the folder of that name. Words in `more` replace words with the same key.
  Said sweep(const std::string& name, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"sweep",
                                      problem_,
                                      "clients=4",
                                      "method={gd, clag(top-k({1,3}), zeta={0,4}), marina(rand-k(2))}",
                                      "step=theory*{2^0..2^6}",
                                      "seed={1,2}",
                                      "target=1e-5",
                                      "rounds=400",
                                      "out=" + out(name)};
    for (const std::string& word : more) {
      if (const auto end = word.find('='); end != std::string::npos)
        std::erase_if(words,
                      [&](const std::string& other) { return other.starts_with(word.substr(0, end + 1)); });
      words.push_back(word);
    }
    return laconic(words);
  }

  TemporaryFolder folder_;
  std::string problem_ =
      "problem=logistic(\"" + folder_.write("a, b", two_classes(60, 9)) + "\", lambda=0.1)";
};

/// The best settings from summary.json, in order, without their folders.
nlohmann::json best_of_summary(const std::string& folder) {
  auto summary = nlohmann::json::parse(content_of(folder + "/summary.json"));
  for (auto& best : summary["best"]) best["description"].erase("out");
  return summary["best"];
}

TEST_F(Sweep, IsTheRunsItIsMadeOf) {
  const Said said = sweep("sweep", {"tune=none"});
  ASSERT_EQ(said.code, 0) << said.text;
  const SweepPlan p = plan({out("sweep") + "/run.toml"});
  const RunOutcomes outcomes = read_sweep_csv(p, out("sweep/sweep.csv"));
  ASSERT_EQ(outcomes.size(), 84U);
  for (const std::size_t r : {0, 13, 20, 33, 48, 62, 83}) {
    ASSERT_TRUE(outcomes[r]);
    const Config& d = p.runs[r].config;
    const std::string folder = out("run" + std::to_string(r));
    laconic({"run", problem_, "clients=4", "method=" + print(d.method), "step=" + print(d.step),
             "seed=" + std::to_string(d.seed), "target=1e-5", "rounds=400", "out=" + folder});
    const auto summary = nlohmann::json::parse(content_of(folder + "/summary.json"));
    EXPECT_EQ(name_of(outcomes[r]->end), summary["stopped"]["why"]) << r;
    for_each_column(outcomes[r]->last, [&](const char* name, const auto& value) {
      if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::optional<double>>) {
        EXPECT_EQ(value, summary["last"].contains(name) ? std::optional<double>(summary["last"][name])
                                                        : std::nullopt);
      } else {
        EXPECT_EQ(value, summary["last"][name]) << r << " " << name;
      }
    });
  }
}

TEST_F(Sweep, RecordsTheCurvesOfItsBestRuns) {
  ASSERT_EQ(
      sweep("sweep", {"figure=uplink_bits,grad_norm_sq,xy", "curves=cells", "title=Bits: a \"test\""}).code,
      0);
  const SweepPlan p = plan({out("sweep") + "/run.toml"});
  const RunOutcomes outcomes = read_sweep_csv(p, out("sweep/sweep.csv"));
  const std::vector<double> scores = scores_of(p, outcomes);
  ASSERT_EQ(p.of_cell.size(), 6U);
  std::map<std::string, int> seen;
  for (const auto& cell : p.of_cell) {
    const std::string name = p.runs[cell[0]].config.method.name;
    const std::string folder = out("sweep/curves/") + fmt::format("{}-{}", name, ++seen[name]);
    const std::size_t best = *std::min_element(cell.begin(), cell.end(), [&](std::size_t a, std::size_t b) {
      return scores[p.runs[a].setting] < scores[p.runs[b].setting];
    });
    const Row& last = outcomes[best]->last;
    const Table trace = read_table(folder + "/trace.csv");
    EXPECT_EQ(trace.column("round")->back(), last.round) << folder;
    EXPECT_EQ(trace.column("grad_norm_sq")->back(), last.grad_norm_sq) << folder;
    EXPECT_EQ(trace.column("uplink_bits")->back(), last.uplink_bits) << folder;
    EXPECT_EQ(laconic({"run", folder + "/run.toml", "out=" + out("again"), "--force"}).code, 0);
    EXPECT_EQ(content_of(folder + "/trace.csv"), content_of(out("again/trace.csv")));
  }
  EXPECT_TRUE(std::filesystem::exists(out("sweep/curves/clag-4-seed-2/trace.csv")));
  EXPECT_EQ(nlohmann::json::parse(content_of(out("sweep/summary.json")))["title"], "Bits: a \"test\"");
  // Another sweep in this folder deletes all of these.
  ASSERT_EQ(sweep("sweep", {"--force"}).code, 0);
  EXPECT_FALSE(std::filesystem::exists(out("sweep/curves")));
  EXPECT_FALSE(std::filesystem::exists(out("sweep/curves.svg")));

  // Of each method the best, unless all cells are wanted.
  ASSERT_EQ(sweep("best", {"figure=uplink_bits,grad_norm_sq"}).code, 0);
  EXPECT_TRUE(std::filesystem::exists(out("best/curves/clag-1-seed-2/trace.csv")));
  EXPECT_FALSE(std::filesystem::exists(out("best/curves/clag-2")));
  const Table trace = read_table(out("best/curves/clag-1/trace.csv"));
  EXPECT_EQ(trace.column("uplink_bits")->back(),
            read_sweep_csv(p, out("best/sweep.csv"))[p.of_setting[best_of(p, scores)[1].setting][0]]
                ->last.uplink_bits);

  EXPECT_THAT(sweep("other", {"figure=bits,f"}).text, HasSubstr("figure: unknown column \"bits\""));
  EXPECT_THAT(sweep("other", {"figure=f"}).text, HasSubstr("need two columns of the trace"));
  EXPECT_THAT(sweep("other", {"figure=round,f,z"}).text, HasSubstr("logarithmic axes are x, y or xy"));
}

TEST_F(Sweep, HasASmallerOneInTheTableQuick) {
  const std::string file =
      folder_.write("sweep.toml",
                    "clients = 4\nmethod = \"gd\"\nstep = \"{0.1,0.2,0.4}\"\nrounds = 50\n"
                    "[quick]\nstep = \"{0.1,0.4}\"\nrounds = 20\n");
  EXPECT_EQ(plan({file, problem_}).runs.size(), 3U);
  const SweepPlan quick = plan_of(settings_of({file, problem_, "rounds=30"}, true));
  ASSERT_EQ(quick.runs.size(), 2U);
  EXPECT_EQ(print(quick.runs[1].config.step), "0.4");
  EXPECT_EQ(quick.runs[0].config.solve.rounds, 30U) << "words win";
  EXPECT_THAT(laconic({"sweep", file, problem_, "--quick"}).text, HasSubstr("2 runs: 2 rounds"));
  const std::string without = folder_.write("without.toml", "clients = 4\n");
  EXPECT_EQ(error_of([&] { settings_of({without}, true); }),
            without + ": --quick needs a table [quick], and there is none");
  EXPECT_THAT(error_of([&] { settings_of({problem_}, true); }), HasSubstr("no TOML file is given"));
  const std::string twice = folder_.write("twice.toml", "clients = 4\n[quick.quick]\nrounds = 3\n");
  EXPECT_EQ(error_of([&] { settings_of({twice}, true); }), twice + ":2: quick: need a text or a number");
  const std::string other = folder_.write("other.toml", "clients = 4\n[slow]\nrounds = 3\n");
  EXPECT_EQ(error_of([&] { settings_of({other}); }), other + ":2: slow: need a text or a number");
}

// --- the experiments of the papers -----------------------------------------------------------------

/// Every config in configs/ is valid, in full and quick. Checks what needs neither data nor a run.
TEST(Configs, AreSweepsThatSayWhatTheyShow) {
  ASSERT_GE(configs().size(), 19U);
  for (const EmbeddedFile& file : configs()) {
    const std::string name(file.name);
    std::size_t runs[2] = {};
    for (const bool quick : {false, true}) {
      const SweepPlan p = plan_of(last_of_each(parse_toml(file.content, name, quick)));
      runs[quick ? 1 : 0] = p.runs.size();
      EXPECT_NE(p.title, "") << name;
      const auto expectations = parse_expectations(p.expect);
      EXPECT_FALSE(expectations.empty()) << name;
      for (const Expectation& one : expectations) EXPECT_NE(one.claim, "") << name << ": " << one.text;
      // Its methods, axes and measures exist.
      EXPECT_EQ(error_of([&] { judge_all(p, expectations, RunOutcomes(p.runs.size())); }), "no error")
          << name;
    }
    EXPECT_LE(runs[1], runs[0]) << name;
  }
}

class Reproduce : public Sweep {};

TEST_F(Reproduce, SkipsWhatHasNoData) {
  EXPECT_THAT(laconic({"reproduce", "marina", "--out", "/proc/here"}, "LACONIC_DATA=").text,
              HasSubstr("laconic: out: cannot make the folder /proc/here"));
  const Said said = laconic({"reproduce", "marina", "--out", out("all")}, "LACONIC_DATA=");
  EXPECT_EQ(said.code, 1) << "nothing ran: " << said.text;
  EXPECT_THAT(said.text, HasSubstr("laconic: reproduce: no sweep could run"));
  EXPECT_THAT(said.text, HasSubstr("skipped: needs phishing, mushrooms, a9a, w8a, run make data"));
  const auto verdicts = nlohmann::json::parse(content_of(out("all/verdicts.json")));
  ASSERT_EQ(verdicts["experiments"].size(), 1U);
  EXPECT_EQ(verdicts["experiments"][0]["name"], "marina");
  EXPECT_EQ(verdicts["experiments"][0]["status"], "skipped");
  EXPECT_THAT(laconic({"reproduce", "marine"}).text,
              HasSubstr("(did you mean \"marina\"?); known: marina, "));
  EXPECT_EQ(laconic({"reproduce"}).code, 2);
  EXPECT_THAT(laconic({"reproduce", "marina", "rounds=3"}).text, HasSubstr("\"rounds=3\"; need one name"));
}

TEST_F(Reproduce, TakesTheNameOfAConfig) {
  const Said said = laconic({"reproduce", "k-gt-rounds", "--quick", "--out", out("all")});
  EXPECT_EQ(said.code, 0) << said.text;
  const auto verdicts = nlohmann::json::parse(content_of(out("all/verdicts.json")));
  ASSERT_EQ(verdicts["experiments"].size(), 1U);
  EXPECT_EQ(verdicts["experiments"][0]["name"], "k-gt-rounds");
  EXPECT_EQ(verdicts["experiments"][0]["status"], "holds");
  EXPECT_FALSE(std::filesystem::exists(out("all/k-gt-noise")));
}

/// If one sweep fails, the others still run.
TEST_F(Reproduce, GoesOnWhereOneFails) {
  folder_.write("phishing", "+1 1:1 2:x\n");
  const std::string here = "LACONIC_DATA='" + folder_.path("") + "'";
  const Said said = laconic({"reproduce", "marina", "--quick", "--out", out("all")}, here);
  EXPECT_EQ(said.code, 2) << said.text;
  EXPECT_THAT(said.text, HasSubstr("marina-vr: failed: "));
  EXPECT_THAT(said.text, HasSubstr("0 of 0 statements hold, 2 of 2 sweeps failed"));
  const auto verdicts = nlohmann::json::parse(content_of(out("all/verdicts.json")));
  EXPECT_EQ(verdicts["experiments"][0]["status"], "fails");
  EXPECT_FALSE(std::filesystem::exists(out("all/marina/run.toml"))) << "it never began";
  // Nor does a failure to make the page stop them.
  std::filesystem::create_directories(out("all/old"));
  folder_.write("all/old/sweep.csv", "x\n");
  EXPECT_EQ(laconic({"reproduce", "autoencoder", "--quick", "--out", out("all")}, "LACONIC_DATA=").code, 1);
  EXPECT_THAT(laconic({"reproduce", "marina", "threads=abc"}).text, HasSubstr("laconic: threads: "));
  EXPECT_THAT(laconic({"reproduce", "marina", "--out", "a", "out=b"}).text, HasSubstr("both --out and out="));
}

/// The data set has the name of the real one but only a few rows.
TEST_F(Reproduce, FailsWhereAStatementDoes) {
  folder_.write("ijcnn1", "+1 1:1 22:1\n-1 2:1\n" + two_classes(60, 22));
  const std::string here = "LACONIC_DATA='" + folder_.path("") + "'";
  const Said said = laconic({"reproduce", "clag-heatmap", "--quick", "--out", out("all")}, here);
  EXPECT_EQ(said.code, 1) << said.text;
  EXPECT_THAT(said.text, HasSubstr("Gradient descent needs the published 16896 bits"));
  const auto verdicts = nlohmann::json::parse(content_of(out("all/verdicts.json")));
  EXPECT_EQ(verdicts["experiments"][0]["status"], "fails");
  ASSERT_EQ(verdicts["experiments"][0]["statements"].size(), 5U);
  EXPECT_EQ(verdicts["experiments"][0]["statements"][0]["holds"], false);
  EXPECT_TRUE(std::filesystem::exists(out("all/clag-ijcnn1/sweep.csv")));
  // A second call judges the existing results again and runs nothing.
  const std::string csv = content_of(out("all/clag-ijcnn1/sweep.csv"));
  const Said again = laconic({"reproduce", "clag-heatmap", "--quick", "--out", out("all")}, here);
  EXPECT_EQ(again.code, 1) << again.text;
  EXPECT_EQ(content_of(out("all/clag-ijcnn1/sweep.csv")), csv);
  EXPECT_THAT(again.text, HasSubstr("0 sweeps of 1 experiment to do"));
  EXPECT_THAT(again.text, HasSubstr("statements hold, as before"));
  const Said threads =
      laconic({"reproduce", "clag-heatmap", "--quick", "--out", out("all"), "threads=1"}, here);
  EXPECT_EQ(threads.code, 1) << "the number of threads makes no other sweep of it: " << threads.text;
  // The verdicts on other papers are kept.
  EXPECT_EQ(laconic({"reproduce", "marina", "--quick", "--out", out("all")}, here).code, 1);
  EXPECT_EQ(nlohmann::json::parse(content_of(out("all/verdicts.json")))["experiments"].size(), 2U);
  // A different sweep does not replace this one without --force.
  const Said full = laconic({"reproduce", "clag-heatmap", "--out", out("all")}, here);
  EXPECT_EQ(full.code, 2);
  EXPECT_THAT(full.text, HasSubstr("already holds a run"));
}

TEST_F(Sweep, HasATableForEachModelOfStragglers) {
  const Said said = laconic({"sweep", problem_, "clients=4", "method={gd,sgc(redundancy=2)}", "step={0.1,1}",
                             "stragglers=bernoulli({0.1,0.5})", "rounds=20", "measure=f",
                             "expect=gd[bernoulli=0.1] / gd[bernoulli=0.5] <= 1"});
  EXPECT_EQ(said.code, 0) << said.text;
  for (const char* p : {"0.1", "0.5"})
    EXPECT_THAT(said.text, ::testing::HasSubstr(fmt::format(" stragglers=bernoulli({})\nbest of each", p)));
}

TEST_F(Sweep, SaysMeanAndDeviationOfEveryCell) {
  const Said said =
      laconic({"sweep", problem_, "clients=4", "method=marina(rand-k({2,4}))", "step=theory*{1,2,4}",
               "seed={1..3}", "rounds=30", "measure=f", "out=" + out("sweep")});
  ASSERT_EQ(said.code, 0) << said.text;
  const SweepPlan p = plan({out("sweep") + "/run.toml"});
  const RunOutcomes outcomes = read_sweep_csv(p, out("sweep/sweep.csv"));
  ASSERT_EQ(outcomes.size(), 18U);
  std::pair<double, double> least = {1e9, 0};
  for (const std::string K : {"2", "4"}) {
    double best = 1e9, best_deviation = 0;
    std::string best_step;
    for (const std::string factor : {"", "*2", "*4"}) {
      std::vector<double> f;
      for (std::size_t r = 0; r < outcomes.size(); ++r) {
        const Config& d = p.runs[r].config;
        if (print(d.method) == "marina(rand-k(" + K + "))" && print(d.step) == "theory" + factor)
          f.push_back(outcomes[r]->last.f);
      }
      ASSERT_EQ(f.size(), 3U);
      const double mean = (f[0] + f[1] + f[2]) / 3;
      if (mean >= best) continue;
      best = mean;
      best_step = "theory" + factor;
      best_deviation = 0;
      for (const double each : f) best_deviation += (each - mean) * (each - mean);
      best_deviation = std::sqrt(best_deviation / 2);
    }
    const std::string line = fmt::format("{},{},3,", best_step, K);
    const std::string csv = content_of(out("sweep/cells.csv"));
    const std::size_t at = csv.find(line);
    ASSERT_NE(at, std::string::npos) << csv;
    const std::string rest = csv.substr(at + line.size());
    EXPECT_NEAR(std::stod(rest), best, 1e-12);
    EXPECT_NEAR(std::stod(rest.substr(rest.find(',') + 1)), best_deviation, 1e-12);
    EXPECT_THAT(csv, ::testing::StartsWith(
                         "problem,clients,split,method,step_rule,rand-k,runs,score,deviation,edge\n"));
    least = std::min(least, std::pair(best, best_deviation));
  }
  EXPECT_THAT(said.text, ::testing::HasSubstr(fmt::format("{:.4g} +- {:.2g}", least.first, least.second)));
}

TEST_F(Sweep, EndsEarlyOnlyThoseThatCannotWin) {
  ASSERT_EQ(sweep("whole", {"tune=none"}).code, 0);
  ASSERT_EQ(sweep("early").code, 0);
  EXPECT_EQ(best_of_summary(out("whole")), best_of_summary(out("early")));
  const SweepPlan p = plan({out("early") + "/run.toml"});
  const RunOutcomes whole = read_sweep_csv(p, out("whole/sweep.csv"));
  const RunOutcomes early = read_sweep_csv(p, out("early/sweep.csv"));
  std::size_t beaten = 0;
  for (std::size_t r = 0; r < early.size(); ++r) {
    if (early[r]->end == RunEnd::beaten) {
      ++beaten;
    } else {
      EXPECT_EQ(early[r]->end, whole[r]->end);
      EXPECT_EQ(early[r]->last.f, whole[r]->last.f);
    }
  }
  EXPECT_GT(beaten, 20U);
  EXPECT_LT(beaten, 70U);
}

TEST_F(Sweep, HasTheSameBytesOnAnyNumberOfThreads) {
  ASSERT_EQ(sweep("one", {"threads=1"}).code, 0);
  for (const char* threads : {"2", "3", "8"}) {
    ASSERT_EQ(sweep(threads, {std::string("threads=") + threads}).code, 0);
    for (const char* file :
         {"sweep.csv", "cells.csv", "map.svg", "best/gd.toml", "best/clag.toml", "best/marina.toml"})
      EXPECT_EQ(content_of(out("one/") + file), content_of(out(threads) + "/" + file))
          << threads << " " << file;
  }
}

TEST_F(Sweep, HasTheSameBytesWhereRunsShareNoPasses) {
  // With 64 rows or more of each client passes are shared, but not in runs with max-seconds.
  const std::string problem =
      "problem=logistic(\"" + folder_.write("many", two_classes(300, 9)) + "\", lambda=0.1, reg=nonconvex)";
  const std::vector<std::string> methods[] = {
      {"method={gd, clag(top-k({1,3}), zeta={0,4}), marina(rand-k(2)), diana(natural), pp-marina(rand-k(3), "
       "sample=2), vr-diana(rand-k(3), batch=4), ef21-sgdm(top-k(3), eta=0.1), local-sgd(steps=2)}"},
      {"method={gd, ef21(top-k({1,3}))}", "downlink={direction, ef21(top-k(2)), ef21-p(top-k(2))}"}};
  for (std::vector<std::string> words : methods) {
    words.insert(words.end(), {problem, "step={2^-4..2^8}", "seed=1", "rounds=40", "target=1e-4",
                               "impossible=skip", "threads=2"});
    ASSERT_EQ(sweep("shared", words).code, 0);
    words.emplace_back("max-seconds=1e6");
    ASSERT_EQ(sweep("alone", words).code, 0);
    EXPECT_EQ(content_of(out("shared/sweep.csv")), content_of(out("alone/sweep.csv")));
    std::filesystem::remove_all(out("shared"));
    std::filesystem::remove_all(out("alone"));
  }
}

TEST_F(Sweep, GoesOnWhereItStood) {
  ASSERT_EQ(sweep("whole").code, 0);
  const std::string csv = content_of(out("whole/sweep.csv"));
  const SweepPlan p = plan({out("whole") + "/run.toml"});
  // The state after a kill: some cells done, no summary.
  RunOutcomes some = read_sweep_csv(p, out("whole/sweep.csv"));
  for (std::size_t c = 0; c < p.of_cell.size(); c += 2) {
    for (const std::size_t r : p.of_cell[c]) some[r].reset();
  }
  // A marker that shows that this cell is not run again.
  some[p.of_cell[1][0]]->last.participants = 77;
  std::filesystem::create_directories(out("killed"));
  std::filesystem::copy(out("whole/run.toml"), out("killed/run.toml"));
  folder_.write("killed/sweep.csv", sweep_csv(p, some));
  const Said refused = sweep("killed");
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.text, HasSubstr("go on with it: laconic resume"));
  const Said said = laconic({"resume", out("killed"), "threads=3"});
  ASSERT_EQ(said.code, 0) << said.text;
  RunOutcomes all = read_sweep_csv(p, out("killed/sweep.csv"));
  EXPECT_EQ(all[p.of_cell[1][0]]->last.participants, 77U);
  all[p.of_cell[1][0]]->last.participants =
      read_sweep_csv(p, out("whole/sweep.csv"))[p.of_cell[1][0]]->last.participants;
  EXPECT_EQ(sweep_csv(p, all), csv);
  EXPECT_EQ(best_of_summary(out("whole")), best_of_summary(out("killed")));
  EXPECT_THAT(laconic({"resume", out("killed")}).text, HasSubstr("has ended already (finished)"));
  EXPECT_EQ(laconic({"resume", out("killed"), "rounds=3"}).code, 0) << "a finished one is left alone";

  std::filesystem::remove(out("killed/summary.json"));
  EXPECT_THAT(laconic({"resume", out("killed"), "rounds=3"}).text, HasSubstr("only threads= may change"));
  folder_.write("killed/sweep.csv", csv.substr(0, csv.find("diverged")) + "\n");
  EXPECT_THAT(laconic({"resume", out("killed")}).text, HasSubstr("is not a line of this sweep"));
}

TEST_F(Sweep, IsResumedAsItsFolderDescribesIt) {
  const SweepPlan p =
      plan({"problem=quadratic(d=20)", "method=gd", "step={0.1,0.2}", "tune=none", "rounds=9", "threads=2"});
  RunFolder folder(out("sweep"));
  folder.take(false, description_of(p));
  folder.keep();
  const SweepToResume not_begun = sweep_to_resume(folder, {});
  EXPECT_FALSE(not_begun.goes_on);
  ASSERT_EQ(not_begun.outcomes.size(), 2U);
  EXPECT_FALSE(not_begun.outcomes[0] || not_begun.outcomes[1]);
  EXPECT_EQ(description_of(not_begun.plan), description_of(p));
  EXPECT_EQ(not_begun.plan.out, folder.path());

  RunOutcomes some(2);
  some[1] = RunOutcome{RunEnd::rounds, {}};
  some[1]->last.round = 9;
  folder_.write("sweep/sweep.csv", sweep_csv(p, some));
  const SweepToResume begun = sweep_to_resume(folder, {"threads=3"});
  EXPECT_TRUE(begun.goes_on);
  EXPECT_EQ(begun.plan.threads, 3U);
  EXPECT_FALSE(begun.outcomes[0]);
  ASSERT_TRUE(begun.outcomes[1]);
  EXPECT_EQ(begun.outcomes[1]->last.round, 9U);
  EXPECT_EQ(error_of([&] { (void)sweep_to_resume(folder, {"checkpoint-every=1"}); }),
            "resume: \"checkpoint-every=1\"; the sweep is described in " + folder.description() +
                ", and only threads= may change");
}

TEST_F(Sweep, DoesCellsAgainOfWhichLinesWereLost) {
  ASSERT_EQ(sweep("sweep").code, 0);
  const std::string csv = content_of(out("sweep/sweep.csv"));
  const SweepPlan p = plan({out("sweep") + "/run.toml"});
  for (const std::size_t lost : {std::size_t{0}, std::size_t{5}, p.runs.size() - 1}) {
    RunOutcomes some = read_sweep_csv(p, out("sweep/sweep.csv"));
    some[lost].reset();
    folder_.write("sweep/sweep.csv", sweep_csv(p, some));
    std::filesystem::remove(out("sweep/summary.json"));
    EXPECT_EQ(laconic({"resume", out("sweep")}).code, 0);
    EXPECT_EQ(content_of(out("sweep/sweep.csv")), csv) << lost;
  }
}

TEST_F(Sweep, TakesItsMapsWithIt) {
  folder_.write("sweep/map-3.svg", "not ours");
  ASSERT_EQ(sweep("sweep", {"seed=1"}).code, 0);
  ASSERT_TRUE(std::filesystem::exists(out("sweep/map.svg")));
  EXPECT_EQ(
      laconic({"run", problem_, "clients=4", "method=gd", "rounds=2", "out=" + out("sweep"), "--force"}).code,
      0);
  EXPECT_FALSE(std::filesystem::exists(out("sweep/map.svg")));
  EXPECT_TRUE(std::filesystem::exists(out("sweep/map-3.svg")));
}

TEST_F(Sweep, LooksAtThePointWhereARunEndsEarly) {
  for (const std::string every : {"0", "1000"}) {
    const std::vector<std::string> words = {problem_,   "clients=2",   "method=gd",
                                            "step=0.5", "rounds=5000", "eval-every=" + every};
    const auto with = [&](const std::string& verb, const std::vector<std::string>& more) {
      std::vector<std::string> all = {verb};
      all.insert(all.end(), words.begin(), words.end());
      all.insert(all.end(), more.begin(), more.end());
      return laconic(all);
    };
    ASSERT_EQ(with("sweep", {"measure=f", "out=" + out("sweep"), "--force"}).code, 0);
    ASSERT_EQ(with("run", {"out=" + out("run"), "--force"}).code, 0);
    const double f = nlohmann::json::parse(content_of(out("run/summary.json")))["last"]["f"];
    EXPECT_NEAR(best_of_summary(out("sweep"))[0]["score"], f, 1e-12) << every;
  }
}

TEST_F(Sweep, RecordsThatRunsDiverge) {
  const Said said = laconic({"sweep", "problem=quadratic(d=20, s=0.8)", "clients=3", "method=gd",
                             "step={0.1,1e3,1e300}", "target=1e-3", "rounds=5000", "out=" + out("sweep")});
  EXPECT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr("diverged"));
  const RunOutcomes outcomes = read_sweep_csv(plan({out("sweep") + "/run.toml"}), out("sweep/sweep.csv"));
  EXPECT_EQ(outcomes[0]->end, RunEnd::target);
  EXPECT_EQ(outcomes[2]->end, RunEnd::diverged);
}

TEST_F(Sweep, DoesNotTakeSilenceForTheEnd) {
  // In most rounds no message is sent and the point does not move.
  const Said said = laconic({"sweep", "problem=quadratic(d=20)", "clients=1", "method=dcgd(bernoulli(0.005))",
                             "target=1e-2", "rounds=200000", "out=" + out("sweep")});
  EXPECT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr("1 run: 1 target"));
}

TEST_F(Sweep, EndsRunsThatHaveStoppedMoving) {
  const Said said = laconic({"sweep", problem_, "clients=4", "method=gd", "wire=f64", "target=1e-300",
                             "rounds=100000", "out=" + out("sweep")});
  EXPECT_THAT(said.text, HasSubstr("1 run: 1 still"));
}

TEST_F(Sweep, DrawsAMapForEachSceneThatIsNotOnIt) {
  const std::vector<std::string> words = {"sweep",         "problem=quadratic(d=20, s={0,1})",
                                          "clients={2,4}", "method=ef21(top-k({1,2}))",
                                          "target=1e-2",   "rounds=5000"};
  const auto figures = [&](const std::string& name, const std::string& map) {
    auto with = words;
    with.insert(with.end(), {"map=" + map, "out=" + out(name)});
    const Said said = laconic(with);
    EXPECT_EQ(said.code, 0) << said.text;
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(out(name)))
      count += entry.path().extension() == ".svg" ? 1 : 0;
    return count;
  };
  EXPECT_EQ(figures("a", "clients,top-k"), 2U) << "s = 0 and s = 1";
  EXPECT_EQ(figures("b", "clients,s"), 1U);
  const SweepPlan p = plan({out("b") + "/run.toml"});
  const std::vector<double> scores = scores_of(p, read_sweep_csv(p, out("b/sweep.csv")));
  const std::vector<HeatMap> maps = maps_of(p, scores, "clients", "s");
  ASSERT_EQ(maps.size(), 1U);
  for (std::size_t s = 0; s < 2; ++s) {
    for (std::size_t c = 0; c < 2; ++c)  // top-k changes fastest, then clients
      EXPECT_EQ(maps[0].values[s][c], std::min(scores[4 * s + 2 * c], scores[4 * s + 2 * c + 1]));
  }
  const std::vector<HeatMap> panels = maps_of(p, scores, "clients", "top-k");
  for (const HeatMap& panel : panels) {
    EXPECT_EQ(panel.least, *std::min_element(scores.begin(), scores.end())) << "the panels share a scale";
    EXPECT_EQ(panel.most, *std::max_element(scores.begin(), scores.end()));
  }
}

TEST(SweepPlan, LetsOnlyRunsOfOneTargetCompete) {
  const SweepPlan p = plan({"problem=quadratic(d=20)", "method=gd", "target={1e-1,1e-3}"});
  std::vector<std::string> workloads;
  for (const Workload& workload : p.workloads) workloads.push_back(print(workload));
  EXPECT_THAT(workloads, ElementsAre("problem=quadratic(d=20) clients=20 split=contiguous target=0.1",
                                     "problem=quadratic(d=20) clients=20 split=contiguous target=0.001"));
}

TEST(SweepPlan, CountsToATargetOfTheConsensus) {
  const SweepPlan p = plan({"problem=quadratic(d=20)", "method=gt", "topology=ring", "step={0.1,0.2}",
                            "target-consensus={1e-1,1e-3}"});
  EXPECT_EQ(std::string(p.measure->name), "bits");
  std::vector<std::string> workloads;
  for (const Workload& workload : p.workloads) workloads.push_back(print(workload));
  EXPECT_THAT(workloads,
              ElementsAre("problem=quadratic(d=20) clients=20 split=contiguous target-consensus=0.1",
                          "problem=quadratic(d=20) clients=20 split=contiguous target-consensus=0.001"));
}

TEST(SweepPlan, TakesAMethodAmongMethodsForOne) {
  std::vector<std::string> names;
  for (const SweepRun& run :
       plan({"problem=quadratic(d=20)", "method={gd,{ef21(top-k({1,2})),lag(zeta=1)}}"}).runs)
    names.push_back(run.method);
  EXPECT_THAT(names, ElementsAre("gd", "ef21(top-k({1,2}))", "ef21(top-k({1,2}))", "lag(zeta=1)"));
}

TEST_F(Sweep, JudgesByTheEndWhereThereIsNoTarget) {
  const Said said =
      laconic({"sweep", "problem=quadratic(d=20, s=0.8)", "clients=3", "method={gd,ef21(top-k(1))}",
               "step=theory*{1,2}", "rounds=50", "expect=gd < ef21", "out=" + out("sweep")});
  EXPECT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr("grad-norm-sq"));
  EXPECT_THAT(said.text, HasSubstr("yes  gd < ef21"));
  EXPECT_THAT(said.text, HasSubstr("4 runs: 4 rounds"));
}

TEST_F(Sweep, MeasuresTheTestErrorOnlyWhereThereIsATestSet) {
  const Said said =
      laconic({"sweep", "problem=quadratic(d=20)", "method=gd", "rounds=5", "expect=test-error(gd) <= 1"});
  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.text, "laconic: measure: test-error needs a problem with a test set\n");
}

TEST_F(Sweep, FailsWhereAnExpectationDoes) {
  const std::vector<std::string> words = {"sweep",       "problem=quadratic(d=20, s={0,1})",
                                          "clients=3",   "method={gd,ef21(top-k(1))}",
                                          "target=1e-2", "rounds=5000"};
  auto with = words;
  with.insert(with.end(), {"expect=gd / ef21 >= 1000", "out=" + out("sweep")});
  const Said said = laconic(with);
  EXPECT_EQ(said.code, 1) << said.text;
  EXPECT_THAT(said.text, HasSubstr("NO   gd / ef21 >= 1000"));
  EXPECT_THAT(said.text, HasSubstr("problem=quadratic(d=20, s=1) clients=3 split=contiguous"));
  EXPECT_EQ(laconic({"resume", out("sweep")}).code, 1);

  with = words;
  with.insert(with.end(), {"expect=gd / lag >= 1", "out=" + out("refused")});
  const Said refused = laconic(with);
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.text, "laconic: expect: \"gd / lag >= 1\": no run of this sweep is of the method lag\n");
  EXPECT_FALSE(std::filesystem::exists(out("refused")));
}

TEST_F(Sweep, RefusesBeforeRoundZeroAndSaysWhere) {
  const Said said = laconic({"sweep", "problem=quadratic(d=20)", "clients=3", "method=ef21(top-k({1,30}))",
                             "rounds=5", "out=" + out("sweep")});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.text, HasSubstr("laconic: at top-k=30: method: column 6: top-k(30): "));
  EXPECT_FALSE(std::filesystem::exists(out("sweep")));
  EXPECT_EQ(laconic({"run", "problem=quadratic(d=20)", "method=ef21(top-k({1,3}))"}).text,
            "laconic: method: \"ef21(top-k({1,3}))\": braces are an axis of laconic sweep\n");
  EXPECT_EQ(laconic({"run", "problem=quadratic(d=20)", "method=gd", "measure=bits"}).text,
            "laconic: measure: is a key of laconic sweep\n");
}

TEST_F(Sweep, LeavesTheBestAsRunsAndMapsAsFigures) {
  const Said said = sweep("sweep", {"seed=1"});
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr("/map.svg\n"));
  const auto best = best_of_summary(out("sweep"));
  ASSERT_EQ(best.size(), 3U);
  for (const auto& one : best) {
    const Said again =
        laconic({"run", out("sweep/") + one["file"].get<std::string>(), "out=" + out("again"), "--force"});
    EXPECT_EQ(again.code, 0) << again.text;
    EXPECT_EQ(nlohmann::json::parse(content_of(out("again/summary.json")))["last"]["uplink_bits"],
              one["score"]);
  }
  EXPECT_EQ(laconic({"plot", out("sweep"), "x=top-k", "y=zeta", "out=" + out("map.png")}).code, 0);
  EXPECT_THAT(content_of(out("map.png")).substr(1, 3), "PNG");
  EXPECT_THAT(laconic({"plot", out("sweep"), "x=top-k", "y=beta", "out=" + out("map.png")}).text,
              HasSubstr("map: there is no axis \"beta\" (did you mean \"zeta\"?)"));
}

TEST_F(Sweep, DrawsMapsOfSharesAndOfScoresBelowZero) {
  const Said said =
      laconic({"sweep", "problem=quadratic(d=20)", "clients=3", "method=clag(top-k({5%,20%}), zeta={0,1})",
               "rounds=500", "measure=f", "out=" + out("sweep")});
  EXPECT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(content_of(out("sweep/map.svg")), HasSubstr("20%"));
}

/// Asks for a checkpoint at every call, and counts the calls.
class Counting final : public Observer {
 public:
  Request asked() override {
    ++calls_;
    return Request::checkpoint;
  }
  [[nodiscard]] std::size_t calls() const { return calls_; }

 private:
  std::size_t calls_ = 0;
};

TEST_F(Sweep, TakesRequestsOnceForAllRuns) {
  // asked() takes a request: a run that asked in every round would lose it.
  SweepPlan p = plan({"problem=quadratic(d=20)", "method=gd", "step=0.1", "rounds=160", "tune=none"});
  Counting observer;
  run_sweep(p, nullptr, RunOutcomes(p.runs.size()), false, observer);
  EXPECT_GE(observer.calls(), 10U);  // once after every LockstepRun::kStride rounds
  EXPECT_LE(observer.calls(), 12U);
}

TEST(SweepData, FindsTheCornersOfTheMapOfClag) {
  LACONIC_NEEDS_DATA("ijcnn1");
  const Said said =
      laconic({"sweep", "problem=logistic(ijcnn1, lambda=0.1, reg=nonconvex)", "clients=20",
               "method={gd, ef21(top-k(1)), lag(zeta=128), clag(top-k(1), zeta=32)}",
               "step=theory*{2^0..2^11}", "wire=f64", "target=1e-4", "rounds=1500", "measure=paper-bits",
               "expect=gd >= 16896; gd <= 16896; ef21 >= 3008; ef21 <= 3008; lag >= 4891; lag <= 4893; ef21 "
               "/ clag > 1"});
  EXPECT_EQ(said.code, 0) << said.text;
}

}  // namespace
}  // namespace laconic::testing
