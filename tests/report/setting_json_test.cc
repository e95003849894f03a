// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/setting_json.h"

#include <gtest/gtest.h>

namespace laconic::testing {
namespace {

TEST(SettingJson, IsANumberWhereTheTextIsOne) {
  for (const auto& [text, json] : {std::pair{"20", "20"},
                                   {"18446744073709551615", "18446744073709551615"},
                                   {"-3", "-3"},
                                   {"0.1", "0.1"},
                                   {"1e-06", "1e-06"},
                                   {"theory*2", "\"theory*2\""},
                                   {"30s", "\"30s\""},
                                   {"inf", "\"inf\""},
                                   {"1,2", "\"1,2\""},
                                   {"", "\"\""}}) {
    const auto value = json_of_setting("step", text);
    EXPECT_EQ(value.dump(), json);
    EXPECT_EQ(text_of_setting(nlohmann::ordered_json::parse(value.dump())), text) << "and back";
  }
  EXPECT_EQ(json_of_setting("target", "1e-6").dump(), "1e-06") << "of any spelling";
  EXPECT_EQ(json_of_setting("out", "20").dump(), "\"20\"");
  EXPECT_EQ(json_of_setting("title", "1e3").dump(), "\"1e3\"");
  EXPECT_EQ(text_of_setting(nullptr), "");
}

}  // namespace
}  // namespace laconic::testing
