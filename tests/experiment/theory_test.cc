// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/theory.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/program.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kProblem = {"problem=quadratic(d=10, s=0.8)", "clients=5", "rounds=20"};

std::vector<std::string> words_of(const std::vector<std::string>& others) {
  std::vector<std::string> words = kProblem;
  words.insert(words.end(), others.begin(), others.end());
  return words;
}

Theory theory_of(const std::vector<std::string>& others) {
  const Config config = describe(words_of(others));
  ThreadPool pool(2);
  Fleet fleet(pool);
  Observer silent;
  return laconic::theory_of(Experiment(config, open_problem(config, fleet, silent)), fleet);
}

std::vector<std::string> rules_of(const Theory& theory) {
  std::vector<std::string> rules;
  for (const auto& [rule, theorem] : theory.theorems) rules.push_back(rule);
  return rules;
}

double constant(const Theory& theory, const std::string& wanted) {
  for (const auto& [name, value] : theory.constants) {
    if (name == wanted) return value;
  }
  ADD_FAILURE() << wanted << " is not known";
  return 0;
}

TEST(Theory, OfGradientDescentIsThatOfTheTextbook) {
  const Theory theory = theory_of({"method=gd", "target-gap=1e-3"});
  EXPECT_EQ(theory.problem, "quadratic(d=10, s=0.8)");
  EXPECT_EQ(theory.method, "gd");
  EXPECT_EQ(theory.dim, 10U);
  EXPECT_EQ(theory.clients, 5U);
  EXPECT_EQ(theory.rows, 5U);
  EXPECT_THAT(rules_of(theory), ElementsAre("theory", "theory-pl"));
  ASSERT_TRUE(theory.promise);
  const Promise& promise = *theory.promise;
  EXPECT_EQ(promise.step_rule, "theory");
  EXPECT_DOUBLE_EQ(promise.step, 1 / constant(theory, "L_minus"));
  EXPECT_EQ(promise.rounds, 20U);
  EXPECT_FALSE(promise.is_too_long);
  ASSERT_TRUE(theory.minimum && promise.f_start && promise.f_lower && promise.mean_gradient);
  EXPECT_DOUBLE_EQ(*promise.f_start, theory.minimum->f_start);
  EXPECT_LE(*promise.f_lower, theory.minimum->f_star);
  EXPECT_DOUBLE_EQ(*promise.mean_gradient, 2 * (*promise.f_start - *promise.f_lower) / (20 * promise.step));
  EXPECT_FALSE(promise.gap);

  const Theory linear = theory_of({"method=gd", "step=theory-pl"});
  ASSERT_TRUE(linear.promise && linear.promise->gap);
  const double contraction = 1 - linear.promise->step * constant(linear, "mu");
  EXPECT_NEAR(*linear.promise->gap / (std::pow(contraction, 20) * (*promise.f_start - *promise.f_lower)), 1,
              1e-12);
}

TEST(Theory, PromisesNothingForAStepOutsideItsTheorem) {
  const Theory theory = theory_of({"method=marina(rand-k(2))", "step=theory*2"});
  EXPECT_THAT(theory.facts, ::testing::Contains(std::pair<std::string, double>("omega", 4)));
  ASSERT_TRUE(theory.promise);
  EXPECT_TRUE(theory.promise->is_too_long);
  EXPECT_EQ(theory.promise->step, 2 * theory.theorems.at(0).second.step);
  EXPECT_TRUE(theory.promise->f_start);
  EXPECT_FALSE(theory.promise->mean_gradient || theory.promise->gap);

  const Theory number = theory_of({"method=gd", "step=0.5"});
  ASSERT_TRUE(number.promise);
  EXPECT_EQ(number.promise->step, 0.5);
  EXPECT_FALSE(number.promise->f_start || number.promise->is_too_long);
}

TEST(Theory, HasNoPromiseWhereNoTheoremGivesAStep) {
  const Theory theory = theory_of({"method=dcgd(top-k(2))"});
  EXPECT_TRUE(theory.theorems.empty());
  EXPECT_FALSE(theory.constants.empty());
  EXPECT_FALSE(theory.promise);
  EXPECT_FALSE(nlohmann::json::parse(theory_json(theory)).contains("run"));
}

TEST(Theory, IsWhatTheProgramPrints) {
  for (const std::vector<std::string>& others :
       {std::vector<std::string>{"method=gd", "step=theory-pl", "target-gap=1e-3"},
        {"method=marina(rand-k(2))", "step=theory*2"},
        {"method=dcgd(top-k(2))"}}) {
    std::vector<std::string> words = words_of(others);
    words.insert(words.begin(), {"theory", "--json", "--quiet"});
    EXPECT_EQ(laconic(words).text, theory_json(theory_of(others)));
  }
}

}  // namespace
}  // namespace laconic::testing
