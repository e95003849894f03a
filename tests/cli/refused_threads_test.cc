// SPDX-License-Identifier: Apache-2.0
// The program under a limit of memory (ulimit -v) into which it fits, but not with the threads it is asked for.
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
  const std::vector<std::string> words = {"problem=quadratic(d=4, s=0.8)", "clients=1000", "threads=1000",
                                          "rounds=3", "step=0.1"};
  for (const std::vector<std::string>& more : {std::vector<std::string>{"run", "method=gd"},
                                               {"run", "method=gd", "stragglers=deadline(90s)"},
                                               {"run", "method=d-sgd", "topology=ring"},
                                               {"sweep", "method={gd,ef21(top-k(1))}"}}) {
    std::vector<std::string> all = {more[0], "out=" + out};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), more.begin() + 1, more.end());
    const Said said = laconic(all, "ulimit -s 8192; ulimit -v 2000000;");
    EXPECT_EQ(said.code, 1) << said.text;
    EXPECT_THAT(said.text,
                MatchesRegex("laconic: cannot start thread [0-9]+ of 100[01]: [A-Z][a-z ]+; use fewer "
                             "threads \\(threads=\\), or raise [^\n]*\n"));
    EXPECT_FALSE(std::filesystem::exists(out)) << "it had not begun";
  }
}

}  // namespace
}  // namespace laconic::testing
