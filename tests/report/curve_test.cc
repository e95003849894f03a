// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/curve.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/report/comparison.h"
#include "laconic/report/figure.h"
#include "tests/support.h"

namespace laconic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SavedRun run_of(const std::string& method, const std::string& seed, std::vector<double> bits,
                std::vector<double> norms) {
  SavedRun run{.folder = method + seed,
               .description = {{"method", method}, {"step", "1"}, {"seed", seed}, {"rounds", seed}},
               .trace = {}};
  std::vector<double> rounds;
  for (std::size_t r = 0; r < bits.size(); ++r) rounds.push_back(static_cast<double>(r));
  run.trace = {.columns = {"round", "uplink_bits", "grad_norm_sq"},
               .values = {std::move(rounds), std::move(bits), std::move(norms)}};
  return run;
}

TEST(Curves, AreMediansOverSeeds) {
  const std::vector<Curve> curves = curves_of(
      {run_of("gd", "1", {0, 10, 20, 30}, {9, 7, 5, 3}), run_of("ef21", "1", {0, 1}, {9, 8}),
       run_of("gd", "2", {0, 12, 24}, {9, 6, 1}), run_of("gd", "3", {0, 14, 28, 42, 56}, {9, 8, 7, 6, 5})},
      "uplink_bits", "grad_norm_sq");
  ASSERT_THAT(curves, SizeIs(2));
  EXPECT_EQ(curves[0].name, "gd, 3 seeds");
  EXPECT_THAT(curves[0].x, ElementsAre(0, 12, 24, 30));  // the run of seed 2 keeps its last row
  EXPECT_THAT(curves[0].y, ElementsAre(9, 7, 5, 3));
  EXPECT_THAT(curves[0].low, ElementsAre(9, 6, 1, 1));
  EXPECT_THAT(curves[0].high, ElementsAre(9, 8, 7, 6));
  EXPECT_EQ(curves[1].name, "ef21");
  EXPECT_THAT(curves[1].low, IsEmpty());
}

TEST(Curves, OfEqualSeedsStaySeparate) {
  const SavedRun run = run_of("gd", "1", {0, 1}, {2, 1});
  SavedRun longer = run;
  longer.description.back().second = "7";
  EXPECT_THAT(curves_of({run, longer}, "round", "grad_norm_sq"), SizeIs(2));
}

TEST(Curves, OfAGapNeedTheMinimum) {
  SavedRun run = run_of("gd", "1", {0, 1}, {2, 1});
  run.trace.columns[2] = "f";
  EXPECT_THAT(error_of([&] { (void)curves_of({run}, "round", "gap"); }), HasSubstr("does not know f*"));
  run.f_star = 0.5;
  EXPECT_THAT(curves_of({run}, "round", "gap")[0].y, ElementsAre(1.5, 0.5));
}

TEST(Curves, OfSecondsNeedAClock) {
  SavedRun run = run_of("gd", "1", {0, 0}, {2, 1});
  run.trace.columns[1] = "network_seconds";
  EXPECT_THAT(error_of([&] { (void)curves_of({run}, "network_seconds", "grad_norm_sq"); }),
              HasSubstr("the run has no modelled clock; network=, compute= or stragglers"));
}

TEST(Figure, IsLogarithmicWhereCurvesSpanDecades) {
  const SavedRun cheap = run_of("ef21", "1", {0, 10}, {2, 1});
  const SavedRun dear = run_of("gd", "1", {0, 300}, {2, 1});
  EXPECT_TRUE(figure_of({cheap, dear}, {}).x.logarithmic);
  EXPECT_TRUE(figure_of({cheap, dear}, {}).y.logarithmic);
  EXPECT_FALSE(figure_of({cheap}, {}).x.logarithmic);
  EXPECT_FALSE(figure_of({cheap, dear}, {.log = "none"}).x.logarithmic);
  EXPECT_FALSE(figure_of({cheap, dear}, {.log = "none"}).y.logarithmic);
  EXPECT_TRUE(figure_of({cheap}, {.log = "x"}).x.logarithmic);
}

TEST(Figure, KeepsARangeAroundWhatDiverges) {
  const SavedRun good = run_of("ef21", "1", {0, 10}, {2, 1});
  const SavedRun bad = run_of("gd", "1", {0, 10, 20, 30}, {2, 1e10, 1e200, INFINITY});
  const Figure figure = figure_of({good, bad}, {});
  EXPECT_LT(figure.y.most, 1e5);
  EXPECT_GT(figure.y.most, 1e3);
}

TEST(Figure, RenamesCurves) {
  const std::vector<SavedRun> runs = {run_of("ef21(top-k(1))", "1", {0, 10}, {2, 1}),
                                      run_of("gd", "1", {0, 10}, {2, 1})};
  const Figure figure = figure_of(runs, {.labels = {{"ef21(top-k(1))", "EF21"}}});
  EXPECT_EQ(figure.curves[0].name, "EF21");
  EXPECT_EQ(figure.curves[1].name, "gd");
  EXPECT_THAT(error_of([&] {
                (void)figure_of(runs, {.labels = {{"fd", "GD"}}});
              }),
              HasSubstr("no curve is named \"fd\" (did you mean \"gd\"?)"));
}

TEST(Comparison, HasMeanAndDeviationOfSeeds) {
  std::vector<SavedRun> runs;
  for (int seed = 1; seed <= 3; ++seed)
    runs.push_back(run_of("ef21(top-k(1%))", std::to_string(seed), {0, 1000.0 * seed}, {1, 1e-3 * seed}));
  const std::string text = comparison(runs);
  EXPECT_THAT(text, HasSubstr("2.000e-03 +- 1.000e-03"));
  EXPECT_THAT(text, HasSubstr("2.00 kbit +- 1.00 kbit"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(comparison(runs, TableFormat::latex),
              HasSubstr("ef21(top-k(1\\%)) & 1 & 3 & 1 $\\pm$ 0 & $2.000\\cdot10^{-3}$ $\\pm$ "
                        "$1.000\\cdot10^{-3}$ & 2.00 kbit $\\pm$ 1.00 kbit"));
}

TEST(Comparison, HasEqualRowsOnce) {
  const SavedRun run = run_of("gd", "1", {0, 1}, {2, 1});
  const std::string text = comparison({run, run});
  EXPECT_EQ(text.find("\ngd"), text.rfind("\ngd"));
}

}  // namespace
}  // namespace laconic
