// SPDX-License-Identifier: Apache-2.0
#include "laconic/plot/plot.h"

#include <filesystem>
#include <set>

#include <gmock/gmock.h>

#include "laconic/sweep/sweep.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string refusal(const std::vector<std::string>& words) {
  return error_of([&] { (void)plot_request_of(words); });
}

TEST(PlotRequest, TakesFoldersAndKeys) {
  const PlotRequest request =
      plot_request_of({"runs/a=1", "x=round", "xrange=:5", "yrange=1e-3:2", "labels=ef21(top-k(k=1))=E; gd=G",
                       "names=ends", "log=", "runs/b", "out=a.png"});
  EXPECT_THAT(request.folders, ElementsAre("runs/a=1", "runs/b"));
  EXPECT_EQ(request.x, "round");
  EXPECT_EQ(request.y, std::nullopt);
  EXPECT_EQ(request.out, "a.png");
  const FigureOptions& figure = request.figure;
  EXPECT_EQ(figure.x, "round");
  EXPECT_EQ(figure.y, FigureOptions{}.y);
  EXPECT_EQ(figure.log, "");
  EXPECT_TRUE(figure.names_at_ends);
  EXPECT_EQ(figure.x_range.least, std::nullopt);
  EXPECT_EQ(figure.x_range.most, 5);
  EXPECT_EQ(figure.y_range.least, 1e-3);
  EXPECT_THAT(figure.labels, ElementsAre(std::pair<std::string, std::string>("ef21(top-k(k=1))", "E"),
                                         std::pair<std::string, std::string>("gd", "G")));
}

TEST(PlotRequest, LetsOtherKeysChangeTheStyleOfPapers) {
  const PlotRequest paper = plot_request_of({"a", "font=9", "style=paper"});
  EXPECT_TRUE(paper.is_paper);
  EXPECT_EQ(paper.figure.canvas.font, 9);
  EXPECT_EQ(paper.figure.canvas.width, 238);
  const PlotRequest sized = plot_request_of({"a", "size=5.08x7.62cm"});
  EXPECT_NEAR(sized.figure.canvas.width, 144, 1e-9) << "in points";
}

TEST(PlotRequest, RefusesWhatItCannotDraw) {
  EXPECT_EQ(refusal({}), "plot needs the folder of at least one run, as in: laconic plot runs/*");
  EXPECT_THAT(refusal({"a", "xrang=1:2"}), HasSubstr("unknown key \"xrang\" (did you mean \"xrange\"?)"));
  EXPECT_EQ(refusal({"a", "font=big"}), "font: \"big\" is no number");
  EXPECT_THAT(refusal({"a", "size=20x20"}), HasSubstr("need at least 100x75"));
}

TEST(PlotKeys, AreThoseThatRequestsTake) {
  std::set<std::string> names;
  for (const KeyRow& row : plot_keys()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    std::string example = row.example;
    std::erase(example, '"');  // the shell removes them
    EXPECT_NO_THROW((void)plot_request_of({"runs", row.name + ("=" + example)})) << row.name;
  }
  EXPECT_EQ(names.size(), 14U);
}

class PlotTest : public ::testing::Test {
 protected:
  std::string out(const std::string& name) const { return folder_.path(name); }
  void run(const std::string& name, const std::string& method, const std::string& other = "rounds=5") const {
    Observer silent;
    RunFolder files(out(name));
    const Config config = describe(std::vector<std::string>{
        "problem=quadratic(d=10)", "clients=2", "method=" + method, "rounds=5", other, "out=" + out(name)});
    files.take(false, toml_of(resolved(config)));
    laconic::run(config, *alone(), 1, silent, {.out = &files});
  }

  TemporaryFolder folder_;
};

TEST_F(PlotTest, DrawsCurvesAndComparesTheRuns) {
  run("runs/gd", "gd");
  run("runs/ef21", "ef21(top-k(1))");
  const std::string figure = out("figure.tex");  // without gnuplot
  const PlotRequest request = plot_request_of({out("runs"), "out=" + figure});
  const Plotted plotted = plot(request, false);
  EXPECT_THAT(plotted.paths, ElementsAre(figure));
  EXPECT_THAT(content_of(figure), HasSubstr("\\begin{tikzpicture}"));
  EXPECT_THAT(plotted.table, HasSubstr("bits saved vs gd"));
  EXPECT_THAT(plotted.remark, IsEmpty());
  EXPECT_THAT(plot(request, true).table, HasSubstr("\\begin{tabular}"));
}

TEST_F(PlotTest, DrawsNothingWhereOnlyTheTableIsAskedFor) {
  run("gd", "gd");
  const Plotted plotted = plot(plot_request_of({out("gd")}), true);
  EXPECT_THAT(plotted.paths, IsEmpty());
  EXPECT_THAT(plotted.table, HasSubstr("\\begin{tabular}"));
}

TEST_F(PlotTest, RemarksThatTheGapIsKnown) {
  run("gd", "gd", "target-gap=1e-9");
  EXPECT_EQ(plot(plot_request_of({out("gd"), "y=f"}), true).remark, "f* is known: y=gap draws f - f*");
  EXPECT_THAT(plot(plot_request_of({out("gd"), "y=gap"}), true).remark, IsEmpty());
}

TEST_F(PlotTest, DrawsTheMapOfASweepWithoutCurves) {
  const auto sweep = [&](const std::string& name, const std::string& method) {
    SweepPlan plan = plan_of(settings_of(
        {"problem=quadratic(d=10)", "clients=2", "method=" + method, "rounds=200", "target=1e-2"}));
    Observer silent;
    RunFolder files(out(name));
    files.take(false, description_of(plan));
    run_sweep(plan, &files, RunOutcomes(plan.runs.size()), false, silent);
  };
  const auto plotted = [&](std::vector<std::string> words) {
    words.push_back("out=" + out("map.svg"));
    return plot(plot_request_of(words), false);
  };
  sweep("two", "clag(top-k({1,3}), zeta={0,1})");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{out("two")}, {out("two"), "x=top-k", "y=zeta"}}) {
    const Plotted map = plotted(words);
    EXPECT_THAT(map.paths, ElementsAre(out("map.svg")));
    EXPECT_THAT(map.table, IsEmpty());
    EXPECT_THAT(content_of(out("map.svg")), HasSubstr("zeta"));
    std::filesystem::remove(out("map.svg"));
  }
  EXPECT_EQ(error_of([&] {
              plotted({out("two"), "x=zeta"});
            }),
            "plot: the map of a sweep needs both x= and y=, or neither");
  sweep("one", "ef21(top-k({1,3}))");
  EXPECT_THAT(error_of([&] { plotted({out("one")}); }), HasSubstr("its map needs two of its axes"));
  EXPECT_FALSE(std::filesystem::exists(out("map.svg")));
}

}  // namespace
}  // namespace laconic::testing
