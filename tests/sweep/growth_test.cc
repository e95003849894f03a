// SPDX-License-Identifier: Apache-2.0
// Winners at the end of an axis, sweeps that grow, and settings that cannot run.
#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "laconic/sweep/csv.h"
#include "laconic/sweep/edges.h"
#include "laconic/sweep/grid.h"
#include "laconic/sweep/plan.h"
#include "tests/program.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

SweepPlan plan(const std::vector<std::string>& words) { return plan_of(settings_of(words)); }

/// The edges of the setting with these choices, as "largest step -> 16".
std::vector<std::string> edges(const SweepPlan& p, const std::string& choices) {
  std::vector<std::string> texts;
  for (const SweepRun& run : p.runs) {
    if (print(run.choices) != choices) continue;
    for (const Edge& edge : edges_of(p, run.setting)) texts.push_back(print({edge}) + " -> " + edge.beyond);
  }
  return texts;
}

TEST(Edges, AreEndsOfAxesOfNumbersThatCanGoOn) {
  const SweepPlan p =
      plan({"problem=quadratic(d=20, s={0,1})", "method={gd,clag(top-k({1,3,9}), zeta={0,2})}",
            "step=theory*{1,2,8}", "seed={1,2}", "target=1e-3"});
  const auto of = [&](const std::string& rest) { return edges(p, "s=1, method=" + rest); };
  EXPECT_THAT(of("gd, step=8, seed=1"), ElementsAre("largest step -> 32"));
  EXPECT_THAT(of("gd, step=1, seed=1"), ElementsAre("smallest step -> 0.5"));
  EXPECT_THAT(of("gd, step=2, seed=1"), ElementsAre());
  const std::string clag = "clag(top-k({1,3,9}), zeta={0,2}), ";
  EXPECT_THAT(of(clag + "top-k=9, zeta=2, step=8, seed=2"),
              ElementsAre("largest top-k -> 27", "largest zeta -> 4", "largest step -> 32"));
  EXPECT_THAT(of(clag + "top-k=1, zeta=0, step=2, seed=1"), ElementsAre())
      << "no whole number from 1 on is smaller, and nothing above 0 is smaller than 0";
}

TEST(Edges, KeepTheFormOfValues) {
  const SweepPlan p = plan(
      {"problem=quadratic(d=200)", "method=ef21(top-k({1%,2%}))", "step={theory*1,theory*2}", "target=1e-3"});
  EXPECT_THAT(edges(p, "top-k=2%, step=theory*2"),
              ElementsAre("largest top-k -> 4%", "largest step -> theory*4"));
  EXPECT_THAT(edges(p, "top-k=1%, step=theory*1"),
              ElementsAre("smallest top-k -> 0.5%", "smallest step -> theory*0.5"));
  // Values that are not numbers of one form have no order.
  const SweepPlan mixed = plan(
      {"problem=quadratic(d=200)", "method=ef21(top-k({1%,4}))", "step={theory,theory-pl}", "target=1e-3"});
  EXPECT_THAT(edges(mixed, "top-k=4, step=theory"), ElementsAre());
  // One value alone has no ends.
  EXPECT_THAT(
      edges(plan({"problem=quadratic(d=200)", "method=gd", "step={theory}", "target=1e-3"}), "step=theory"),
      ElementsAre());
}

TEST(Grid, TakesAValueMore) {
  const auto with = [](const std::string& text, const std::string& axis, bool first = false) {
    return with_value("method", text, axis, "9", first);
  };
  EXPECT_EQ(with("{gd, ef21(top-k({1,3})), clag(top-k({1, 3}), zeta={0,2^0..2^4})}", "top-k"),
            "{gd, ef21(top-k({1,3,9})), clag(top-k({1, 3,9}), zeta={0,2^0..2^4})}");
  EXPECT_EQ(with("{gd, clag(top-k({1,3}), zeta={0,2^0..2^4})}", "zeta", true),
            "{gd, clag(top-k({1,3}), zeta={9,0,2^0..2^4})}");
  EXPECT_EQ(with("ef21(top-k({1,3^2}))", "top-k"), "ef21(top-k({1,3^2}))") << "it is there";
  EXPECT_EQ(with("ef21({top-k({1,3}),c-rand-k({1,3})})", "top-k"), "ef21({top-k({1,3,9}),c-rand-k({1,3})})");
  EXPECT_EQ(with("logistic(\"{a}\", lambda={1,2})", "lambda"), "logistic(\"{a}\", lambda={1,2,9})");
  EXPECT_EQ(with_value("step", "theory*{2^0..2^3}", "step", "16", false), "theory*{2^0..2^3,16}");
}

class Growth : public ::testing::Test {
 protected:
  std::string out(const std::string& name) const { return folder_.path(name); }

  Said sweep(const std::string& name, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"sweep",
                                      "problem=quadratic(d=60, s=0.8)",
                                      "clients=5",
                                      "method={gd, ef21(top-k({1,6}))}",
                                      "step=theory*{2^0..2^3}",
                                      "target=1e-4",
                                      "rounds=3000",
                                      "out=" + out(name)};
    words.insert(words.end(), more.begin(), more.end());
    return laconic(words);
  }
  nlohmann::json summary(const std::string& name) const {
    return nlohmann::json::parse(content_of(out(name) + "/summary.json"));
  }
  static double score(const nlohmann::json& summary) { return summary["best"][1]["score"].get<double>(); }

  TemporaryFolder folder_;
};

TEST_F(Growth, AWinnerAtAnEndIsMarked) {
  const Said said = sweep("fixed");
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr("best at the largest top-k, largest step tried"));
  const auto edges = summary("fixed")["best"][1]["edges"];
  ASSERT_EQ(edges.size(), 2U) << edges;
  EXPECT_EQ(edges[1], nlohmann::json({{"axis", "step"}, {"value", "8"}, {"end", "largest"}}));
  EXPECT_THAT(content_of(out("fixed/cells.csv")), HasSubstr(",largest step\n"));
}

TEST_F(Growth, GoesOnUntilTheBestLiesInside) {
  ASSERT_EQ(sweep("fixed").code, 0);
  const Said said = sweep("grown", {"grow=yes"});
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_LT(score(summary("grown")), score(summary("fixed")));
  EXPECT_EQ(summary("grown")["best"][1]["edges"].size(), 0U) << said.text;
  EXPECT_THAT(said.text, ::testing::Not(HasSubstr("largest step tried")));
  // What it found is what the wide grid has.
  ASSERT_EQ(sweep("wide", {"step=theory*{2^-2..2^10}", "tune=none"}).code, 2) << "step is given twice";
  const SweepPlan p = plan({out("grown") + "/run.toml"});
  EXPECT_THAT(p.grid.axis("step")->values, ::testing::Contains("16"));
  const Said wide =
      laconic({"sweep", "problem=quadratic(d=60, s=0.8)", "clients=5", "method={gd, ef21(top-k({1,6}))}",
               "step=theory*{2^-2..2^10}", "target=1e-4", "rounds=3000", "out=" + out("wide")});
  ASSERT_EQ(wide.code, 0) << wide.text;
  EXPECT_EQ(score(summary("wide")), score(summary("grown")));
  // The description that the folder holds now is of the grown grid: nothing is left to do.
  EXPECT_THAT(laconic({"resume", out("grown")}).text, HasSubstr("has ended already"));
}

TEST_F(Growth, HasTheSameBytesOnAnyNumberOfThreadsAndAfterAKill) {
  ASSERT_EQ(sweep("one", {"grow=yes", "threads=1"}).code, 0);
  ASSERT_EQ(sweep("three", {"grow=yes", "threads=3"}).code, 0);
  const std::string csv = content_of(out("one/sweep.csv"));
  EXPECT_EQ(csv, content_of(out("three/sweep.csv")));
  const SweepPlan p = plan({out("one") + "/run.toml"});
  const RunOutcomes all = read_sweep_csv(p, out("one/sweep.csv"));
  const std::string last = p.grid.axis("step")->values.back();
  ASSERT_GT(std::stod(last), 8) << "it grew upwards";
  // Killed when the grid had grown for the last time, but the new runs had not run.
  RunOutcomes some = all;
  for (std::size_t r = 0; r < some.size(); ++r) {
    if (p.runs[r].choices.back().value == last) some[r].reset();
  }
  folder_.write("one/sweep.csv", sweep_csv(p, some));
  std::filesystem::remove(out("one/summary.json"));
  const Said said = laconic({"resume", out("one")});
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_EQ(content_of(out("one/sweep.csv")), csv);

  // Killed between the wider description and the new table: that has the numbers of the runs before.
  std::vector<KeyValue> settings = p.settings;
  for (KeyValue& setting : settings) {
    if (setting.key == "step") setting.value.erase(setting.value.find("," + last), last.size() + 1);
  }
  const SweepPlan before = plan_of(settings);
  ASSERT_LT(before.runs.size(), p.runs.size());
  RunOutcomes of_before;
  for (const SweepRun& run : before.runs) {
    const auto same = std::find_if(p.runs.begin(), p.runs.end(),
                                   [&](const SweepRun& each) { return each.choices == run.choices; });
    of_before.push_back(all[static_cast<std::size_t>(same - p.runs.begin())]);
  }
  folder_.write("three/sweep.csv", sweep_csv(before, of_before));
  std::filesystem::remove(out("three/summary.json"));
  ASSERT_EQ(laconic({"resume", out("three")}).code, 0);
  EXPECT_EQ(content_of(out("three/sweep.csv")), csv);
}

TEST_F(Growth, StopsWhereAValueCannotRun) {
  const Said said = sweep("sweep", {"grow=yes", "tune=step,top-k", "measure=rounds"});
  ASSERT_EQ(said.code, 0) << said.text;
  const SweepPlan p = plan({out("sweep") + "/run.toml"});
  for (const std::string& value : p.grid.axis("top-k")->values) EXPECT_LE(std::stoul(value), 60U);
}

TEST_F(Growth, RecordsSettingsThatCannotRun) {
  const std::vector<std::string> words = {"sweep",
                                          "problem=quadratic(d=20, s=0.8)",
                                          "clients=3",
                                          "method={gd, ef21(top-k({1,30}))}",
                                          "step=theory*{1,2}",
                                          "rounds=20",
                                          "measure=f",
                                          "impossible=skip"};
  auto with = words;
  with.push_back("out=" + out("sweep"));
  const Said said = laconic(with);
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr("impossible: at method=ef21(top-k({1,30})), top-k=30, step=1: method: "
                                   "column 6: top-k(30): "));
  EXPECT_THAT(said.text, HasSubstr("6 runs: 2 impossible, 4 rounds"));
  EXPECT_EQ(summary("sweep")["impossible"].size(), 2U);
  EXPECT_EQ(summary("sweep")["ended"]["impossible"], 2);
  EXPECT_EQ(summary("sweep")["best"][1]["description"]["method"], "ef21(top-k(1))");
  EXPECT_THAT(content_of(out("sweep/sweep.csv")), HasSubstr(",30,impossible,"));
  std::filesystem::remove(out("sweep/summary.json"));
  EXPECT_EQ(laconic({"resume", out("sweep")}).code, 0);

  auto none = words;
  none[3] = "method=ef21(top-k({30,40}))";
  const Said refused = laconic(none);
  EXPECT_EQ(refused.code, 2) << "nothing could run: " << refused.text;
  none.back() = "impossible=perhaps";
  EXPECT_EQ(laconic(none).text, "laconic: impossible: \"perhaps\"; need stop or skip\n");
}

}  // namespace
}  // namespace laconic::testing
