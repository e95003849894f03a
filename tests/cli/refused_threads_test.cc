// SPDX-License-Identifier: Apache-2.0
// The program under a memory limit (ulimit -v) that allows the program but not the requested threads.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/out_of_threads.h"
#include "tests/program.h"
#include "tests/temporary_folder.h"

namespace laconic::testing {
namespace {

using ::testing::MatchesRegex;

TEST(RefusedThreads, EndTheProgramWithAnError) {
  if (!kLimitsHold) GTEST_SKIP() << "a sanitizer maps more than the limit";
  const TemporaryFolder folder;
  const std::string out = folder.path() + "/run";
  const std::vector<std::vector<std::string>> starts = {
      {"run", "method=gd", "threads=1000"},
      {"run", "method=gd", "threads=1000", "stragglers=deadline(90s)"},
      {"run", "method=d-sgd", "threads=1000", "topology=ring"},
      {"sweep", "method={gd,ef21(top-k(1))}", "threads=1000"},
  };
  for (std::vector<std::string> words : starts) {
    words.insert(words.end(), {"problem=quadratic(d=4, s=0.8)", "clients=1000", "rounds=3", "step=0.1"});
    words.push_back("out=" + out);
    const Said said = laconic(words, "ulimit -s 8192; ulimit -v 2000000;");
    EXPECT_EQ(said.code, 1) << said.text;
    EXPECT_THAT(said.text, MatchesRegex("laconic: cannot start [a-z0-9 ]+: [A-Z][a-z ]+; use fewer threads "
                                        "\\(threads=\\), or raise [^\n]*\n"));
    EXPECT_FALSE(std::filesystem::exists(out)) << "it had not begun";
  }
}

}  // namespace
}  // namespace laconic::testing
