// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/heat_map.h"

#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

using ::testing::HasSubstr;

std::string element(std::string text) {
  for (const auto& [character, entity] : {std::pair{"&", "&amp;"}, {"<", "&lt;"}}) {
    for (std::size_t at = 0; (at = text.find(character, at)) != std::string::npos; at += 2)
      text.replace(at, 1, entity);
  }
  return "<text>" + text + "</text>";
}

TEST(HeatMap, HasEveryNameAsItIs) {
  const TemporaryFolder folder;
  const std::string path = folder.path("map.svg");
  const HeatMap map{
      .title = "it's \"100%\" <of> &amp; all",
      .x_name = "''",
      .y_name = "{a}_b^c @d",
      .x_values = {"top-k(5%)", "%g %% %s", "'", "\\n \"x\"", "`date`"},
      .y_values = {"1", "#2"},
      .values = {{1, 2, 3, 4, 5}, {0.1, 20000, 1e20, std::numeric_limits<double>::infinity(), 7}}};
  draw(map, path);
  const std::string svg = testing::content_of(path);
  EXPECT_THAT(svg, HasSubstr(element(map.title)));
  EXPECT_THAT(svg, HasSubstr(element(map.x_name)));
  EXPECT_THAT(svg, HasSubstr(element(map.y_name)));
  for (const auto* values : {&map.x_values, &map.y_values}) {
    for (const std::string& value : *values) EXPECT_THAT(svg, HasSubstr(element(value)));
  }
  for (const char* number : {"1", "20k", "1e+20"}) EXPECT_THAT(svg, HasSubstr(element(number)));
}

TEST(HeatMap, NamesItsScale) {
  const TemporaryFolder folder;
  const std::string path = folder.path("map.svg");
  const HeatMap map{.value_name = "bits to the target",
                    .x_name = "a",
                    .y_name = "b",
                    .x_values = {"1", "2"},
                    .y_values = {"1"},
                    .values = {{20, 30}},
                    .least = 10,
                    .most = 50000};
  draw(map, path);
  for (const char* text : {"bits to the target", "10", "20", "30", "50k"})
    EXPECT_THAT(testing::content_of(path), HasSubstr(element(text)));
}

TEST(HeatMap, WithoutAValueIsRefused) {
  const TemporaryFolder folder;
  const HeatMap map{
      .x_name = "a", .y_name = "b", .x_values = {"1"}, .y_values = {"1"}, .values = {{std::nan("")}}};
  EXPECT_EQ(error_of([&] { draw(map, folder.path("map.svg")); }),
            "a map of b over a: there is no value to draw");
  EXPECT_FALSE(std::filesystem::exists(folder.path("map.svg")));
}

}  // namespace
}  // namespace laconic
