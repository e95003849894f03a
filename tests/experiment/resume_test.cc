// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/resume.h"

#include <gmock/gmock.h>

#include "tests/temporary_folder.h"

namespace laconic {
namespace {

class ResumeTest : public ::testing::Test {
 protected:
  ResumeTest() { out_.take(false, toml_of(resolved(first_))); }
  [[nodiscard]] std::string refusal(const std::string& change) const {
    return error_of([&] { (void)config_to_resume(out_, {"threads=1", change}); });
  }

  TemporaryFolder folder_;
  RunFolder out_{folder_.path("run")};
  Config first_ =
      describe(std::vector<std::string>{"problem=quadratic(d=3)", "clients=2", "method=ef21(top-k(1))",
                                        "step=theory*2", "rounds=9", "threads=2"});
};

TEST_F(ResumeTest, IsTheSameRun) {
  const Config config = config_to_resume(out_, {});
  EXPECT_EQ(toml_of(resolved(config)), toml_of(resolved(first_)));
  EXPECT_EQ(config.out, out_.path());
}

TEST_F(ResumeTest, ChangesWhatTheResultDoesNotDependOn) {
  Config config = config_to_resume(out_, {"threads=3", "checkpoint-every=5"});
  EXPECT_EQ(config.threads, 3U);
  EXPECT_EQ(config.solve.checkpoint_rounds, 5U);
  EXPECT_EQ(config_to_resume(out_, {"threads=3", "threads=4"}).threads, 4U) << "the last one counts";
  config.threads = first_.threads;
  config.solve.checkpoint_rounds = first_.solve.checkpoint_rounds;
  EXPECT_EQ(toml_of(resolved(config)), toml_of(resolved(first_)));
}

TEST_F(ResumeTest, RefusesOtherChanges) {
  const std::string file = out_.description();
  for (const char* change : {"rounds=10", "out=elsewhere", "threads", "threadsx", "=1", ""}) {
    EXPECT_EQ(refusal(change), "resume: \"" + std::string(change) + "\"; the run is described in " + file +
                                   ", and only threads= and checkpoint-every= may change");
  }
  EXPECT_THAT(refusal("threads=two"), ::testing::StartsWith("threads: "));
}

}  // namespace
}  // namespace laconic
