// SPDX-License-Identifier: Apache-2.0
// mpirun -n N laconic_mpi_tests: on N processes every method gives the same bits as on one process. All
// processes run the same tests in the same order, and an exception ends all of them. Rank 0 reports; the
// others print only failures. tests/rounds/methods_test.cc has every number of threads and width of values on
// ranks in one process. Here each run has one of them, because processes that share cores wait for each
// other.
#include "laconic/transport/mpi.h"
#include "tests/rounds/method_runs.h"

namespace laconic::testing {
namespace {

Transport* world = nullptr;

INSTANTIATE_TEST_SUITE_P(All, Methods, ::testing::ValuesIn(kMethods));

TEST_P(Methods, GiveTheSameBitsOnProcesses) {
  std::vector<Job> jobs = runs();
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    Job& run = jobs[i];
    run.wire = kWires[i % kWires.size()];
    run.threads = i == 0 ? 2 : 1;
    EXPECT_EQ(text_of(train_on(*world, run)), text_of(train(run)))
        << run.problem << ", rank " << world->rank() << " of " << world->size();
  }
}

TEST(Processes, ExchangeBytes) {
  const auto before = world->traffic().sent;
  train_on(*world, {.problem = "quadratic(d=20)", .method = "gd"});
  EXPECT_EQ(world->traffic().sent > before, world->size() > 1);
}

class Failures : public ::testing::EmptyTestEventListener {
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (result.failed()) fmt::print(stderr, "{}\n", result.message());
  }
};

}  // namespace
}  // namespace laconic::testing

int main(int argc, char** argv) {
  GTEST_FLAG_SET(catch_exceptions, false);
  ::testing::InitGoogleTest(&argc, argv);
  laconic::MpiSession session(/*outlives_ranks=*/false);
  laconic::testing::world = &session.world();
  if (session.world().rank() > 0) {
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new laconic::testing::Failures);
  }
  return RUN_ALL_TESTS();
}
