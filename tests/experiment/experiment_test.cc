// SPDX-License-Identifier: Apache-2.0
// A config as an experiment: the run is that of the program, and an observer that throws ends it cleanly.
#include "laconic/experiment/experiment.h"

#include <stdexcept>

#include <gmock/gmock.h>

#include "laconic/experiment/run.h"
#include "laconic/problem/make.h"
#include "laconic/transport/transport.h"
#include "tests/idx_content.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

class Stop : public std::runtime_error {
 public:
  Stop() : std::runtime_error("stop") {}
};

/// Throws Stop at the call with this number, counted over all of its functions.
class Throwing final : public Observer {
 public:
  explicit Throwing(std::size_t at) : at_(at) {}
  void stage(const std::string& /*name*/) override { count(); }
  void working() override { count(); }
  void begin() override { count(); }
  void progress(std::size_t, std::size_t, const std::function<std::string()>&) override { count(); }
  Request asked() override {
    count();
    return Request::none;
  }
  [[nodiscard]] std::size_t calls() const { return calls_; }

 private:
  void count() {
    if (++calls_ == at_) throw Stop();
  }
  std::size_t at_;
  std::size_t calls_ = 0;
};

class ExperimentTest : public ::testing::Test {
 protected:
  [[nodiscard]] Config config() const {
    return describe(std::vector<std::string>{"problem=" + problem_, "clients=4", "method=ef21(top-k(2))",
                                             "rounds=6", "threads=2"});
  }
  RunResult run_with(Observer& observer) const { return run(config(), *alone(), 1, observer); }
  /// Throws at each call of the observer, one run after another.
  void expect_an_end_at_every_call() const;

  TemporaryFolder folder_;
  // So many rows that parsing them calls working().
  std::string problem_ = "logistic(\"" + folder_.write("classes", two_classes(9000, 5)) + "\", lambda=0.1)";
};

void ExperimentTest::expect_an_end_at_every_call() const {
  Throwing never(0);
  const RunResult whole = run_with(never);
  ASSERT_GT(never.calls(), 20U);  // data, passes for constants, rounds
  for (std::size_t at = 1; at <= never.calls(); ++at) {
    Throwing observer(at);
    bool has_ended = false;
    try {
      run_with(observer);
      has_ended = true;
    } catch (const Stop&) {
    }
    // A machine that is busy gets more calls of working(), which are due after some time.
    EXPECT_EQ(has_ended, observer.calls() < at) << at;
  }
  Observer silent;
  EXPECT_EQ(run_with(silent).x, whole.x);
}

TEST_F(ExperimentTest, IsWhatThePartsMakeByHand) {
  Observer silent;
  const RunResult result = run_with(silent);
  ThreadPool pool(1);
  Fleet fleet(pool);
  const auto problem = make_problem(parse(problem_), {.clients = 4});
  const Assembly assembly =
      assemble(parse("ef21(top-k(2))"), {.problem = *problem, .constants = problem->constants(fleet)});
  const auto method = make_method(assembly, resolve(parse_step("theory"), assembly));
  MemoryRecorder trace;
  solve(*problem, *method, fleet, {.rounds = 6}, trace);
  EXPECT_EQ(result.x, Vector(method->point().begin(), method->point().end()));
  EXPECT_EQ(result.summary.last.uplink_bits, trace.rows.back().uplink_bits);
}

TEST_F(ExperimentTest, MakesAsManyMethodsAsAreAskedFor) {
  Observer silent;
  ThreadPool pool(1);
  Fleet fleet(pool);
  const Experiment experiment(config(), open_problem(config(), fleet, silent));
  const RunResult first = run(experiment, fleet, silent);
  EXPECT_EQ(run(experiment, fleet, silent).x, first.x);
}

TEST_F(ExperimentTest, EndsWhereverItsObserverThrows) { expect_an_end_at_every_call(); }

TEST_F(ExperimentTest, EndsWhereverItsObserverThrowsOfAGzipFile) {
  problem_ = "logistic(\"" + folder_.write("packed.gz", gzipped(two_classes(60, 5))) + "\", lambda=0.1)";
  expect_an_end_at_every_call();
}

TEST_F(ExperimentTest, EndsWhereverItsObserverThrowsOfIdxFiles) {
  const std::string images = folder_.write("few-images-idx3-ubyte", idx_images(6, 1, 2, "abcdefghijkl"));
  folder_.write("few-labels-idx1-ubyte", idx_labels(6, std::string("\0\1\2\0\1\2", 6)));
  problem_ = "softmax(\"" + images + "\", lambda=0.1)";
  expect_an_end_at_every_call();
}

/// Asks for the end once rounds have begun.
class Ending final : public Observer {
 public:
  Request asked() override { return Request::interrupt; }
};

TEST_F(ExperimentTest, EndsWithAResultWhereItsObserverAsksForTheEnd) {
  Ending observer;
  const RunResult result = run_with(observer);
  EXPECT_TRUE(result.interrupted());
  EXPECT_FALSE(result.saved);
  EXPECT_EQ(result.summary.request, Request::interrupt);
}

class OwnProblemTest : public ExperimentTest {
 protected:
  OwnProblemTest() {
    own_.resources.own_problem = make_problem(parse(problem_), {.clients = 4});
    own_.problem = Spec("mine");
  }
  std::string error_of() {
    Observer silent;
    try {
      run(own_, *alone(), 1, silent);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }

  Config own_ = config();
};

TEST_F(OwnProblemTest, RunsAsIfItWereDescribed) {
  Observer silent;
  EXPECT_EQ(run(own_, *alone(), 1, silent).x, run_with(silent).x);
}

TEST_F(OwnProblemTest, HasAsManyShardsAsThereAreClients) {
  own_.clients = 5;
  EXPECT_EQ(error_of(), "clients = 5; the problem mine has 4 shards, one for each client");
}

TEST_F(OwnProblemTest, HasDealtItsRows) {
  own_.split = Spec("by-label");
  EXPECT_EQ(error_of(), "split = by-label; the problem mine has dealt its rows: leave split out");
}

TEST_F(OwnProblemTest, HasNoLabelsThatAreKnown) {
  own_.byzantine = parse("label-flip(1)");
  EXPECT_EQ(error_of(), "byzantine = label-flip(1); the problem mine has no labels to change");
}

}  // namespace
}  // namespace laconic::testing
