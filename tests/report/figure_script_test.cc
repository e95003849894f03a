// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/figure_script.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/report/label_places.h"
#include "laconic/report/latex.h"
#include "laconic/report/pgfplots.h"
#include "tests/support.h"

namespace laconic {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Runs of so many methods, with names of this length.
std::vector<SavedRun> runs_of(std::size_t count, std::size_t length) {
  std::vector<SavedRun> runs;
  for (std::size_t m = 0; m < count; ++m) {
    const std::string number = std::to_string(m);
    runs.push_back({.folder = number,
                    .description = {{"method", std::string(length - number.size(), 'm') + number}},
                    .trace = {.columns = {"round", "uplink_bits", "grad_norm_sq"},
                              .values = {{0, 1, 2}, {0, 10, 20}, {1, 0.1, 0.01}}}});
  }
  return runs;
}

FigureScript script_for(const std::vector<SavedRun>& runs, const FigureOptions& options) {
  return script_of(figure_of(runs, options), options);
}

TEST(FigureScript, GrowsForALongLegend) {
  EXPECT_EQ(script_for(runs_of(4, 10), {}).canvas.height, Canvas{}.height);
  const double rows = 30;  // names of 70 characters have one column
  EXPECT_GE(script_for(runs_of(30, 70), {}).canvas.height, 4 * rows * Canvas{}.font);
}

TEST(FigureScript, ShortensNamesInAFixedSize) {
  FigureOptions options;
  options.is_size_fixed = true;
  const FigureScript script = script_for(runs_of(20, 70), options);
  EXPECT_EQ(script.canvas.height, Canvas{}.height);
  EXPECT_THAT(script.commands, HasSubstr(gnuplot_text("…").substr(1, 15)));
  EXPECT_THAT(error_of([&] { (void)script_for(runs_of(300, 70), options); }),
              HasSubstr("the legend of 300 curves needs more than a quarter"));
}

TEST(FigureScript, WritesPowersOfTen) {
  EXPECT_THAT(script_for(runs_of(1, 3), {}).commands, HasSubstr("\"10^{-2}\" 0.01 0"));
}

TEST(LabelPlaces, DoNotOverlap) {
  const Box area{0, 0, 800, 400};
  for (const double apart : {0.0, 1.0, 40.0}) {  // ends in one place, and side by side at one height
    std::vector<std::vector<Point>> curves;
    for (int c = 0; c < 14; ++c) curves.push_back({{0, 0}, {100 + apart * c, 300}});
    const std::vector<Box> boxes = label_places(curves, std::vector<double>(14, 150), 15, area);
    for (std::size_t a = 0; a < boxes.size(); ++a) {
      EXPECT_TRUE(area.holds({boxes[a].left, boxes[a].bottom}) && area.holds({boxes[a].right, boxes[a].top}));
      for (std::size_t b = 0; b < a; ++b)
        EXPECT_FALSE(boxes[a].overlaps(boxes[b])) << apart << ": " << a << " " << b;
    }
  }
}

TEST(LabelPlaces, AreBesideTheEnds) {
  const std::vector<Box> boxes =
      label_places({{{10, 10}, {50, 80}}, {{10, 10}, {50, 20}}}, {60, 60}, 12, {0, 0, 200, 100});
  EXPECT_NEAR((boxes[0].bottom + boxes[0].top) / 2, 80, 1);
  EXPECT_NEAR((boxes[1].bottom + boxes[1].top) / 2, 20, 1);
  EXPECT_GT(boxes[0].left, 50);
}

TEST(Scale, HasRoundTics) {
  const Scale bits = make_scale(0, 2.1e6, false, 5);
  ASSERT_EQ(bits.tics.size(), 5U);
  EXPECT_EQ(bits.tics[1].text, "500k");
  EXPECT_EQ(make_scale(0, 0.83, false, 5).tics.back().text, "0.8");
  EXPECT_EQ(make_scale(5, 5, false, 5).place(5), 0.5);
  const Scale few = make_scale(0.3, 4, true, 6);
  EXPECT_DOUBLE_EQ(few.tics.front().value, 0.3);
  EXPECT_EQ(make_scale(1e-9, 1, true, 5).tics.back().text, "1");
}

TEST(Pgfplots, HasDataMarkersAndEscapedNames) {
  std::vector<SavedRun> runs = runs_of(2, 4);
  runs[0].description[0].second = "ef21(top-k(5%))";
  const std::string tex = pgfplots(figure_of(runs, {}), {});
  EXPECT_THAT(tex, HasSubstr("ymode=log"));
  EXPECT_THAT(tex, Not(HasSubstr("xmode=log")));
  EXPECT_THAT(tex, HasSubstr("\\addlegendentry{ef21(top-k(5\\%))}"));
  EXPECT_THAT(tex, HasSubstr("\n10 0.1\\\\\n"));
  EXPECT_THAT(tex, HasSubstr("\\definecolor{laconic0}{HTML}{0072B2}"));
}

TEST(Latex, EscapesSpecialCharacters) {
  EXPECT_EQ(latex_text("a_b 5% {x} #1 & $ ~ ^ \\"),
            "a\\_b 5\\% \\{x\\} \\#1 \\& \\$ \\textasciitilde{} \\textasciicircum{} \\textbackslash{}");
  EXPECT_EQ(latex_text("f − f*"), "f $-$ f*");
}

}  // namespace
}  // namespace laconic
