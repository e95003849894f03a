// SPDX-License-Identifier: Apache-2.0
// Hessian-vector products: laws for every problem that has them.
#include <array>
#include <functional>
#include <memory>

#include <fmt/format.h>

#include "laconic/core/parallel.h"
#include "laconic/problem/autoencoder.h"
#include "laconic/problem/distributed_ls.h"
#include "laconic/problem/linear_model.h"
#include "laconic/problem/loss.h"
#include "laconic/problem/mlp.h"
#include "laconic/problem/quadratic.h"
#include "laconic/problem/softmax.h"
#include "tests/cpus.h"
#include "tests/problem_testing.h"

namespace laconic {
namespace {

using namespace laconic::testing;

struct Case {
  std::string name;
  std::function<std::unique_ptr<Problem>()> make;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// The second shard has one row. The third has enough rows to be packed and to fill several blocks.
Shards some_shards() { return {range(0, 30), range(20, 21), range(0, 600)}; }

std::vector<Case> cases() {
  std::vector<Case> all = {
      {"quadratic", [] { return make_quadratic({.clients = 3, .d = 25, .s = 0.8}); }},
      {"distributed-ls", [] { return make_distributed_ls({.clients = 3, .d = 7}); }},
      {"quadratic of one coordinate", [] { return make_quadratic({.clients = 3, .d = 1, .s = 0.8}); }},
      {"generated rows",
       [] { return make_linear_model(Loss::logistic, {.rows = 50, .columns = 12, .nnz = 5}, 3, {}, {}); }},
  };
  const std::pair<std::string, Regulariser> regularisers[] = {
      {"", {}}, {", l2", {Regulariser::Kind::l2, 0.3}}, {", nonconvex", {Regulariser::Kind::nonconvex, 0.3}}};
  for (const auto& [of, regulariser] : regularisers) {
    const ModelOptions options{regulariser, of != ", l2"};
    const auto add = [&](const char* name, auto make) {
      for (const Values values : {Values::ones, Values::mixed}) {
        all.push_back({fmt::format("{}{}, values {}", name, of, values == Values::ones ? "1" : "mixed"),
                       [=] { return make(random_data(600, 12, values, 4), some_shards(), options); }});
      }
    };
    add("logistic", [](const auto&... data) { return make_logistic(data...); });
    add("nonconvex", [](const auto&... data) { return make_nonconvex(data...); });
    add("least-squares", [](const auto&... data) { return make_least_squares(data...); });
    for (const bool pixels : {true, false}) {
      all.push_back({fmt::format("softmax{}, pixels {}", of, pixels), [=] {
                       return make_softmax(
                           pixels ? random_pixels(600, 9, 4, 4) : random_data(600, 9, Values::many, 4, 4),
                           some_shards(), options);
                     }});
    }
  }
  for (const auto& widths : std::vector<std::vector<std::size_t>>{{6}, {5, 4}, {4, 7, 3}}) {
    for (const bool tanh : {true, false}) {
      all.push_back({fmt::format("mlp of {} hidden layers, {}", widths.size(), tanh ? "tanh" : "relu"), [=] {
                       return make_mlp(
                           random_pixels(600, 9, 4, 4), some_shards(),
                           {.widths = widths,
                            .activation = tanh ? MlpOptions::Activation::tanh : MlpOptions::Activation::relu,
                            .lambda = widths.size() == 2 ? 0.1 : 0,
                            .precision = MlpOptions::Precision::f64});
                     }});
    }
  }
  return all;
}

class Curvature : public ::testing::TestWithParam<Case> {
 protected:
  Curvature() : problem_(GetParam().make()), x_(random_vector(problem_->dim(), 1)) {}

  Vector product(std::size_t shard, Rows rows, View v) const {
    Vector out(problem_->dim(), std::nan(""));  // must be overwritten
    problem_->hessian_vector(shard, rows, x_, v, out);
    return out;
  }

  Vector direction(unsigned seed) const {
    Vector v = random_vector(problem_->dim(), seed);
    scale(1 / std::sqrt(norm_sq(v)), v);
    return v;
  }

  /// Checks the law for each shard: for all of its rows and for lists of some rows, with repetitions.
  template <class Law>
  void for_each_rows(Law law) const {
    for (std::size_t i = 0; i < problem_->shards(); ++i) {
      SCOPED_TRACE(::testing::Message() << "shard " << i);
      law(i, Rows::everything());
      const auto last = static_cast<std::uint32_t>(problem_->rows(i) - 1);
      const std::vector<std::uint32_t> list = {0, last, last / 2, last, last / 3, last, 0};
      law(i, Rows::listed(list));
      law(i, Rows::listed(std::span(list).first(1)));
    }
  }

  std::unique_ptr<Problem> problem_;
  Vector x_;
};

INSTANTIATE_TEST_SUITE_P(All, Curvature, ::testing::ValuesIn(cases()));

TEST_P(Curvature, IsThatOfTheGradient) {
  ASSERT_TRUE(problem_->has_curvature());
  for_each_rows([&](std::size_t i, Rows rows) {
    for (unsigned k = 0; k < 3; ++k) {
      const Vector v = direction(10 + k);
      // Errors along a unit vector: h^2 = 1e-10 times third derivatives of size 1 to 10, and 1e-16 / h from
      // rounding. No kink of relu is within h of x.
      const double h = 1e-5;
      Vector moved = x_, ahead(x_.size()), behind(x_.size());
      axpy(h, v, moved);
      problem_->value_gradient(i, rows, moved, ahead);
      axpy(-2 * h, v, moved);
      problem_->value_gradient(i, rows, moved, behind);
      axpy(-1, behind, ahead);
      scale(1 / (2 * h), ahead);
      EXPECT_LE(distance(product(i, rows, v), ahead), 2e-9);
    }
  });
}

TEST_P(Curvature, IsLinearAndSymmetric) {
  for_each_rows([&](std::size_t i, Rows rows) {
    const Vector u = direction(20), v = direction(21);
    Vector sum = u;
    axpy(-3, v, sum);
    Vector expected = product(i, rows, u);
    EXPECT_NEAR(dot(v, expected), dot(u, product(i, rows, v)), 1e-14);  // some rounding errors at size 1
    axpy(-3, product(i, rows, v), expected);
    EXPECT_LE(distance(product(i, rows, sum), expected), 1e-13);
    EXPECT_EQ(norm_sq(product(i, rows, Vector(x_.size(), 0.0))), 0);
  });
}

TEST_P(Curvature, OfAListIsTheMeanOverItsRows) {
  const Vector v = direction(30);
  for_each_rows([&](std::size_t i, Rows rows) {
    const std::size_t count = rows.count(problem_->rows(i));
    Vector mean(x_.size(), 0.0);
    for (std::size_t k = 0; k < count; ++k) {
      const auto position = static_cast<std::uint32_t>(rows[k]);
      axpy(1 / static_cast<double>(count), product(i, Rows::listed({&position, 1}), v), mean);
    }
    EXPECT_LE(distance(product(i, rows, v), mean), 1e-13);
  });
}

TEST_P(Curvature, HasTheSameBitsOnAnyThread) {
  const Vector v = direction(40);
  ThreadPool pool(3);
  std::vector<Vector> found(30);
  pool.for_each(found.size(), [&](std::size_t k) { found[k] = product(k % 3, Rows::everything(), v); });
  for (std::size_t k = 0; k < found.size(); ++k) EXPECT_EQ(found[k], product(k % 3, Rows::everything(), v));
}

TEST_P(Curvature, HasTheSameBitsOnEveryCpu) {
  const bool network = GetParam().name.starts_with("mlp");
  const Vector v = direction(40);
  for_each_rows([&](std::size_t i, Rows rows) {
    std::vector<Vector> found;
    on_each_cpu([&] {
      if (network && used_cpu() == "baseline") return;  // without fused multiply-adds
      problem_ = GetParam().make();
      Vector all = product(i, rows, v), g(problem_->dim());
      const Measured measured = problem_->value_gradient(i, rows, x_, g);
      all.insert(all.end(), g.begin(), g.end());
      all.push_back(measured.value);
      all.push_back(measured.correct);
      found.push_back(all);
      EXPECT_EQ(all, found.front());
    });
  });
}

TEST(CurvatureOfFloats, IsAsGoodAsFloatsCanBe) {
  for (const auto activation : {MlpOptions::Activation::relu, MlpOptions::Activation::tanh}) {
    MlpOptions options{.widths = {20, 10}, .activation = activation};
    const Dataset data = random_pixels(300, 30, 4, 2);
    const auto single = make_mlp(data, {range(0, 300)}, options);
    options.precision = MlpOptions::Precision::f64;
    const auto exact = make_mlp(data, {range(0, 300)}, options);
    Vector x(single->dim()), out(single->dim()), expected(single->dim());
    single->start(x);
    const Vector v = random_vector(single->dim(), 3);
    single->hessian_vector(0, Rows::everything(), x, v, out);
    exact->hessian_vector(0, Rows::everything(), x, v, expected);
    // Each rounding error is 2^-24 = 6e-8, and sums of 20 to 256 numbers increase it by the square root of
    // their length.
    EXPECT_LE(distance(out, expected), 1e-6 * std::sqrt(norm_sq(expected)));
  }
}

TEST(CurvatureOfLinks, IsRightForAnyMargin) {
  const double margins[] = {0, 1e-9, -0.3, 1, -2, 5, -30, 40, -700, 1e4, -1e4, 1e300};
  for (const double label : {1.0, -1.0}) {
    for (const double margin : margins) {
      const long double z = label * static_cast<long double>(margin);
      const long double t = std::exp(-std::abs(z));
      const long double s = (z > 0 ? t : 1) / (1 + t), sigma = (z > 0 ? 1 : t) / (1 + t);
      const std::pair<Loss, long double> cases[] = {{Loss::logistic, s * sigma},
                                                    {Loss::nonconvex, s * s * sigma * (4 - 6 * s)},
                                                    {Loss::least_squares, 1}};
      for (const auto& [loss, second] : cases) {
        std::array<double, kLossLanes> target, at, change;
        target.fill(label);
        at.fill(margin);
        change.fill(2);
        apply_curvature(loss, kLossLanes, target.data(), at.data(), change.data());
        const auto expected = static_cast<double>(2 * second);
        // exp_of_minus() returns at least exp(-708); here it is multiplied by 2 and by |4 - 6 s| <= 4.
        const double tolerance = 1e-14 * std::abs(expected) + 8 * std::exp(-708);
        for (const double c : change) EXPECT_NEAR(c, expected, tolerance) << margin;
      }
    }
  }
}

TEST(CurvatureOfLinks, ChangesItsSignWhereItShould) {
  // For (1 - sigma(z))^2 at 1 - sigma(z) = 2/3.
  const auto nonconvex = [](double margin) {
    std::array<double, kLossLanes> target, at, change;
    target.fill(1);
    at.fill(margin);
    change.fill(1);
    apply_curvature(Loss::nonconvex, kLossLanes, target.data(), at.data(), change.data());
    return change[0];
  };
  EXPECT_NEAR(nonconvex(-std::log(2)), 0, 1e-14 * curvature_bound(Loss::nonconvex));
  EXPECT_GT(nonconvex(-std::log(2) + 1e-9), 0);
  EXPECT_LT(nonconvex(-std::log(2) - 1e-9), 0);
}

TEST(CurvatureOfRegularisers, IsRightForAnyPoint) {
  const Regulariser regulariser{Regulariser::Kind::nonconvex, 0.5};
  for (const double x : {0.0, 1e-9, 0.5, -1 / std::sqrt(3.0), 2.0, -30.0, 1e60, 1e200, -1e308}) {
    const long double q = 1 + static_cast<long double>(x) * x;
    const auto expected = static_cast<double>(0.5L * (8 / q - 6) / q / q * 3);
    Vector out = {0};
    regulariser.add_hessian_vector(Vector{x}, Vector{3.0}, out);
    EXPECT_NEAR(out[0], expected, 1e-14 * std::abs(expected) + 1e-14 / std::max(1.0, x * x)) << x;
  }
}

TEST(CurvatureOfWhatHasNone, IsNotAskedFor) {
  const auto problem = make_autoencoder(random_pixels(5, 3, 2, 1), {range(0, 5)}, {.hidden = 2});
  EXPECT_FALSE(problem->has_curvature());
  Vector x(problem->dim()), out(problem->dim());
  EXPECT_THROW(problem->hessian_vector(0, Rows::everything(), x, x, out), std::logic_error);
}

}  // namespace
}  // namespace laconic
