// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/palette.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/methods/methods.h"

namespace laconic {
namespace {

using ::testing::SizeIs;

/// The places of `get` in the styles.
template <class Get>
std::set<std::size_t> places(const std::vector<CurveStyle>& styles, Get get) {
  std::set<std::size_t> found;
  for (const CurveStyle& style : styles) found.insert(get(style));
  return found;
}

const std::vector<std::string> kCompared = {"gd",     "ef21(top-k(1%))", "marina(rand-k(1%))",
                                            "diana",  "clag(zeta=1)",    "scaffnew(p=0.1)",
                                            "locodl", "diloco"};

TEST(Palette, GivesComparedMethodsTheirPreferredColours) {
  const std::vector<CurveStyle> styles = styles_of(kCompared);
  for (std::size_t c = 0; c < kCompared.size(); ++c)
    EXPECT_EQ(styles[c].colour, styles_of({kCompared[c]})[0].colour) << kCompared[c];
  EXPECT_THAT(places(styles, [](const CurveStyle& style) { return style.colour; }), SizeIs(8));
}

TEST(Palette, DoesNotDependOnTheOrder) {
  std::vector<std::string> methods = kCompared;
  methods.insert(methods.end(), {"dasha", "lag", "a-new-method", "another"});
  const std::vector<CurveStyle> styles = styles_of(methods);
  std::vector<std::string> reversed(methods.rbegin(), methods.rend());
  std::vector<CurveStyle> of_reversed = styles_of(reversed);
  std::reverse(of_reversed.begin(), of_reversed.end());
  for (std::size_t c = 0; c < methods.size(); ++c) {
    EXPECT_EQ(styles[c].colour, of_reversed[c].colour);
    EXPECT_EQ(styles[c].marker, of_reversed[c].marker);
    EXPECT_EQ(styles[c].dash, of_reversed[c].dash);
  }
}

TEST(Palette, TellsCurvesApartWithoutColour) {
  std::vector<std::string> methods;
  for (const MethodRow& row : laconic::methods()) {
    methods.emplace_back(row.name);
    if (methods.size() == dashes().size()) break;
  }
  for (const std::vector<std::string>& of : {methods, std::vector<std::string>(14, "k-gt(steps=5)")}) {
    const std::vector<CurveStyle> styles = styles_of(of);
    EXPECT_THAT(places(styles, [](const CurveStyle& style) { return style.marker; }), SizeIs(of.size()));
    EXPECT_THAT(places(styles, [](const CurveStyle& style) { return style.dash; }), SizeIs(of.size()));
  }
}

TEST(Palette, GivesAMethodOneColour) {
  const std::vector<CurveStyle> styles = styles_of({"ef21(top-k(1%))", "gd", "ef21(top-k(5%))"});
  EXPECT_EQ(styles[0].colour, styles[2].colour);
  EXPECT_NE(styles[0].colour, styles[1].colour);
}

}  // namespace
}  // namespace laconic
