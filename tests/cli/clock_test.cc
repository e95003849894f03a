// SPDX-License-Identifier: Apache-2.0
// The modelled clock in the output of the program.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/program.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;

TEST(ClockOfTheProgram, IsInTheTraceTheSummaryAndTheSweep) {
  const TemporaryFolder folder;
  const std::vector<std::string> words = {"run",
                                          "problem=quadratic(d=20, s=0.8)",
                                          "clients=4",
                                          "method=gc-1bit(redundancy=2)",
                                          "step=0.01",
                                          "rounds=10",
                                          "network=lan, link(up=1mbit, latency=20ms)",
                                          "stragglers=shifted-exp(1ms, 1000, deadline=10ms)"};
  std::vector<std::string> saved = words;
  saved.push_back("out=" + folder.path("run"));
  const Said said = laconic(saved);
  ASSERT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, HasSubstr(" s modelled)"));
  const auto summary = nlohmann::json::parse(content_of(folder.path("run/summary.json")));
  EXPECT_EQ(summary["description"]["network"], "lan, link(up=1mbit, latency=20ms)");
  EXPECT_GT(summary["last"]["network_seconds"].get<double>(), 0.2);  // eleven uplinks of 20 ms
  EXPECT_LT(summary["last"]["network_seconds"].get<double>(), 1);
  EXPECT_GT(summary["method"]["late, most"].get<double>(), 0);

  std::vector<std::string> sweep = {"sweep",          "problem=quadratic(d=20, s=0.8)",
                                    "clients=4",      "target=1e-3",
                                    "rounds=2000",    "method=gd",
                                    "measure=seconds"};
  EXPECT_THAT(laconic(sweep).text, HasSubstr("give every run a network="));
  sweep.emplace_back("network={10kbit,lan}");
  sweep.emplace_back("expect=gd[network=lan] / gd[network=10kbit] <= 0.1");
  const Said swept = laconic(sweep);
  EXPECT_EQ(swept.code, 0) << swept.text;
}

}  // namespace
}  // namespace laconic::testing
