// SPDX-License-Identifier: Apache-2.0
// The guarantees of the MARINA paper, on its data: n = 5 clients, a bias column, theoretical steps.
#include <cmath>

#include "tests/support.h"

namespace laconic::testing {
namespace {

class MarinaPaper : public ::testing::TestWithParam<const char*> {
 protected:
  Job run(const std::string& method, std::size_t rounds) const {
    return {.problem = fmt::format("nonconvex({}, bias=1)", GetParam()),
            .method = method,
            .clients = 5,
            .rounds = rounds,
            .threads = 2};
  }
};

INSTANTIATE_TEST_SUITE_P(Data, MarinaPaper, ::testing::Values("mushrooms", "phishing"));

// Theorems 2.1, 3.1 and 4.1: (1/K) sum_{k<K} E|grad f(x^k)|^2 <= 2 (f(x^0) - f_inf) / (gamma K).
TEST_P(MarinaPaper, RunningAverageObeysTheBound) {
  LACONIC_NEEDS_DATA(GetParam());
  for (const char* method : {"marina(rand-k(1))", "marina(rand-k(10))", "marina(perm-k)", "marina(natural)",
                             "vr-marina(rand-k(10), batch=17)", "pp-marina(rand-k(10), sample=2)"}) {
    const std::size_t rounds = 600;
    Job each = run(method, rounds);
    const Opened problem = opened(each);
    const int seeds = 10;
    std::vector<double> average(rounds, 0.0);  // over seeds, of the running averages
    double gap = 0;
    double gamma = 0;
    for (int seed = 0; seed < seeds; ++seed) {
      each.seed = static_cast<std::uint64_t>(seed);
      const Outcome outcome = train(each, problem);
      double sum = 0;
      for (std::size_t k = 0; k < rounds; ++k) {
        sum += outcome.rows[k].grad_norm_sq;
        average[k] += sum / static_cast<double>(k + 1) / seeds;
      }
      gap = outcome.rows[0].f - *outcome.constants->f_lower;
      gamma = outcome.step;
    }
    for (std::size_t k = 0; k < rounds; ++k) {
      EXPECT_LE(average[k], 2 * gap / (gamma * static_cast<double>(k + 1))) << method << ", K = " << k + 1;
    }
  }
}

// Section 7 of the paper: MARINA against DIANA, both with RandK, K = 10.
TEST_P(MarinaPaper, NeedsFiveTimesFewerBitsThanDiana) {
  LACONIC_NEEDS_DATA(GetParam());
  Job diana = run("diana(rand-k(10))", 6000);
  diana.solve.eval_every = 0;
  const Opened problem = opened(diana);
  const Outcome slow = train(diana, problem);

  Job marina = run("marina(rand-k(10))", 6000);
  marina.solve.target = slow.last().grad_norm_sq;
  const Outcome fast = train(marina, problem);
  ASSERT_EQ(fast.summary.why, Summary::Why::target);
  EXPECT_GE(slow.last().uplink_bits, 5 * fast.last().uplink_bits);
}

// Statement 4: a round of MARINA with RandK costs p d + (1-p) K = K (2 - K/d) floats in the mean.
TEST_P(MarinaPaper, FloatsPerRoundAreTheFormula) {
  LACONIC_NEEDS_DATA(GetParam());
  Job marina = run("marina(rand-k(10))", 4000);
  marina.solve.eval_every = 0;
  const Opened problem = opened(marina);
  const Outcome outcome = train(marina, problem);
  const double d = static_cast<double>(problem->problem->dim());
  const double rounds = 4000;
  const double p = 10 / d;
  const double deviation = (d - 10) * std::sqrt(p * (1 - p) / rounds);
  EXPECT_NEAR((outcome.last().uplink_floats - d) / rounds, 10 * (2 - 10 / d), 4.5 * deviation);
}

}  // namespace
}  // namespace laconic::testing
