// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/minimum.h"

#include <gmock/gmock.h>

#include "laconic/problem/make.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class MinimumOf : public ::testing::Test {
 protected:
  Minimum find(const std::string& problem) {
    const auto made = make_problem(parse(problem), {.clients = 5, .folders = data_folders()});
    return minimum_of(*made, fleet_);
  }

  ThreadPool pool_{2};
  Fleet fleet_{pool_};
};

TEST_F(MinimumOf, IsWhereGradientDescentEnds) {
  for (const char* problem : {"quadratic(d=20, s=0.8, lambda=0.01)", "distributed-ls(d=8, zeta=5)",
                              "logistic(generated(rows=40, d=10, law=normal, decades=1), lambda=0.01)",
                              "least-squares(generated(rows=40, d=10), lambda=0.01)",
                              "softmax(generated(rows=30, d=6), lambda=0.1)"}) {
    SCOPED_TRACE(problem);
    const Minimum minimum = find(problem);
    const bool knows_step = std::string_view(problem).find("distributed") == std::string_view::npos;
    const Outcome gd = train({.problem = problem,
                              .method = "gd",
                              .step = knows_step ? "theory" : "0.1",
                              .rounds = 20000,
                              .wire = Wire::f64,
                              .solve = {.eval_every = 0}});
    EXPECT_DOUBLE_EQ(minimum.f_start, gd.rows.front().f);
    EXPECT_NEAR(minimum.f_star, gd.last().f, 1e-10 * (1 + std::abs(gd.last().f)));
    EXPECT_LE(minimum.f_star, gd.last().f + 1e-14 * (1 + std::abs(gd.last().f)));
  }
}

TEST_F(MinimumOf, DoesNotDependOnTheUnitOfTheData) {
  // The same rows in units from 1e-70 to 1e100: f* is the same, unless a square overflows or underflows.
  const TemporaryFolder folder;
  const auto f_star = [&](double unit) {
    std::string rows;
    for (int i = 0; i < 40; ++i) {
      const double a = unit * (i % 7 - 3), b = unit * (i % 5 - 2);
      rows += fmt::format("{} 1:{} 2:{}\n", i % 3 == 0 ? 1 : -1, a, b);
    }
    return find(fmt::format("logistic(\"{}\")", folder.write("rows", rows))).f_star;
  };
  const double expected = f_star(1);
  EXPECT_LT(expected, std::log(2));
  for (const double unit : {1e-70, 1e-20, 1e20, 1e77, 1e100})
    EXPECT_NEAR(f_star(unit), expected, 1e-12) << unit;
}

TEST_F(MinimumOf, RefusesWhatItCannotVerify) {
  const TemporaryFolder folder;
  const auto error = [&](const char* model, double unit) {
    std::string rows;
    for (int i = 0; i < 40; ++i) {
      rows += fmt::format("{} 1:{} 2:{}\n", i % 3 == 0 ? 1 : -1, unit * (i % 7 - 3), i % 5 - 2);
    }
    return error_of([&] { find(fmt::format("{}(\"{}\")", model, folder.write("rows", rows))); });
  };
  for (const char* model : {"logistic", "softmax", "least-squares"}) {
    EXPECT_EQ(error(model, 1), "no error");
    EXPECT_EQ(error(model, 1e6), "no error");
    // The second column is lost in rounding errors of the first.
    EXPECT_THAT(error(model, 1e77),
                StartsWith("target-gap: the minimum of f cannot be trusted: the derivative by x["))
        << model;
    EXPECT_THAT(error(model, 1e200),
                StartsWith("target-gap: the minimum of f cannot be trusted: its curvature is "
                           "not finite"))
        << model;
  }
}

TEST_F(MinimumOf, NeedsCurvatureAndConvexity) {
  EXPECT_THAT(error_of([&] { find("autoencoder(generated(d=5), 2)"); }), HasSubstr("needs a convex problem"));
  EXPECT_THAT(error_of([&] { find("logistic(generated(rows=20, d=6), lambda=1, reg=nonconvex)"); }),
              HasSubstr("needs a convex problem"));
}

}  // namespace
}  // namespace laconic::testing
