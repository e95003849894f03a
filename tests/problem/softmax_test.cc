// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/softmax.h"

#include <Eigen/Dense>

#include "laconic/transport/fleet.h"
#include "tests/problem_testing.h"

namespace laconic {
namespace {

using namespace laconic::testing;

struct Naive {
  long double value = 0;
  std::vector<long double> g;
  double correct = 0;

  /// Labels are 0 .. classes-1.
  Naive(const Dataset& data, const std::vector<std::uint32_t>& rows, std::size_t classes, bool bias,
        const Regulariser& regulariser, View x)
      : g(x.size(), 0) {
    const std::size_t columns = data.columns + (bias ? 1 : 0);
    for (const std::uint32_t row : rows) {
      const Vector a = features(data, row, bias);
      const auto label = static_cast<std::size_t>(data.labels[row]);
      std::vector<long double> z(classes, 0);
      for (std::size_t c = 0; c < classes; ++c) {
        for (std::size_t j = 0; j < columns; ++j) z[c] += static_cast<long double>(x[c * columns + j]) * a[j];
      }
      const auto best = std::max_element(z.begin(), z.end());
      long double total = 0;
      for (const long double score : z) total += std::exp(score - *best);
      value += (*best - z[label] + std::log(total)) / rows.size();
      if (best - z.begin() == static_cast<std::ptrdiff_t>(label)) correct += 1;
      for (std::size_t c = 0; c < classes; ++c) {
        const long double p = std::exp(z[c] - *best) / total - (c == label ? 1 : 0);
        for (std::size_t j = 0; j < columns; ++j) g[c * columns + j] += p * a[j] / rows.size();
      }
    }
    Vector extra(x.size(), 0.0);
    value += regulariser.add_gradient(x, extra);
    for (std::size_t k = 0; k < x.size(); ++k) g[k] += extra[k];
  }
};

TEST(Softmax, AgreesWithAPlainLoopAndWithItself) {
  for (const std::size_t classes : {2UL, 3UL, 7UL, 10UL}) {
    for (const std::size_t columns : {1UL, 15UL, 16UL, 40UL}) {
      for (const bool pixels : {true, false}) {
        for (const bool bias : {false, true}) {
          const Dataset data = pixels ? random_pixels(90, columns, classes, 5)
                                      : random_data(90, columns, Values::many, 5, classes);
          const Shards shards = {range(0, 1), range(1, 34), range(10, 90)};
          const Regulariser regulariser{bias ? Regulariser::Kind::nonconvex : Regulariser::Kind::l2, 0.2};
          const auto problem = make_softmax(data, shards, {regulariser, bias});
          SCOPED_TRACE(::testing::Message()
                       << classes << " classes, " << columns << " columns, pixels " << pixels);
          ASSERT_EQ(problem->dim(), classes * (columns + (bias ? 1 : 0)));
          const Vector x = random_vector(problem->dim(), 3, 2);
          Vector g(problem->dim());
          for (std::size_t i = 0; i < 3; ++i) {
            const Measured measured = problem->value_gradient(i, Rows::everything(), x, g);
            const Naive naive(data, shards[i], classes, bias, regulariser, x);
            EXPECT_NEAR(measured.value, static_cast<double>(naive.value), 1e-13);
            EXPECT_EQ(measured.correct, naive.correct);
            for (std::size_t k = 0; k < g.size(); ++k)
              EXPECT_NEAR(g[k], static_cast<double>(naive.g[k]), 2e-14);
            expect_rows_to_agree(*problem, i, x, 1e-13);
          }
          expect_gradient_of_value(*problem, 1, Rows::everything(), x, 1e-8);
        }
      }
    }
  }
}

/// Two columns, and one row a label. The scores of class c are x[2c] + ...: extreme margins, computed by
/// hand.
TEST(Softmax, ExtremeScoresHaveTheirLimits) {
  Dataset data{.name = "one", .rows = 3, .columns = 1, .features = SparseRows{}, .labels = {0, 1, 2}};
  data.features = SparseRows{{0, 1, 2, 3}, {0, 0, 0}, {1.0}};
  const auto problem = make_softmax(data, {{0}, {1}, {2}}, {});
  for (const double z : {0.0, 1e-9, 1.0, 30.0, 40.0, 700.0, 1e4}) {
    const Vector x = {z, 0, 0};
    Vector g(3);
    const Measured right = problem->value_gradient(0, Rows::everything(), x, g);
    const double expected = std::log1p(2 * std::exp(-z));
    EXPECT_NEAR(right.value, expected, 1e-14 * expected + 1e-300) << z;
    EXPECT_NEAR(g[0], -2 * std::exp(-z) / (1 + 2 * std::exp(-z)), 1e-14 * std::abs(g[0]) + 1e-300) << z;
    EXPECT_EQ(right.correct, 1) << "equal scores go to the lowest class";
    const Measured wrong = problem->value_gradient(2, Rows::everything(), x, g);
    EXPECT_NEAR(wrong.value, z + expected, 1e-14 * wrong.value) << z;
    EXPECT_EQ(wrong.correct, 0);
    EXPECT_TRUE(all_finite(g));
  }
  Vector g(3);
  EXPECT_TRUE(std::isnan(problem->value_gradient(0, Rows::everything(), Vector(3, std::nan("")), g).value));
}

TEST(Softmax, TwoClassesHaveTheGradientOfTheirScores) {
  // The loss depends only on differences of scores: the gradients of all classes sum to zero.
  const Dataset data = random_pixels(50, 9, 4, 6);
  const auto problem = make_softmax(data, {range(0, 50)}, {});
  Vector g(36), total(9, 0.0);
  problem->value_gradient(0, Rows::everything(), random_vector(36, 2), g);
  for (std::size_t c = 0; c < 4; ++c) axpy(1, View(g).subspan(9 * c, 9), total);
  EXPECT_LE(std::sqrt(norm_sq(total)), 1e-15);
}

TEST(Softmax, TestAccuracyIsTheSameOnAnyNumberOfThreads) {
  for (const bool pixels : {true, false}) {
    Dataset data = pixels ? random_pixels(3000, 8, 3, 1) : random_data(3000, 8, Values::many, 1, 3);
    Dataset test = pixels ? random_pixels(2500, 8, 3, 2) : random_data(2500, 8, Values::many, 2, 3);
    const auto without = make_softmax(data, {range(0, 3000)}, {});
    const Vector x = random_vector(24, 3);
    Vector g(24);
    // Rows give the same result as a training set and as a test set.
    const auto swapped = make_softmax(test, {range(0, 2500)}, {});
    const double expected = swapped->value_gradient(0, Rows::everything(), x, g).correct / 2500;
    const auto problem = make_softmax(data, {range(0, 3000)}, {}, test);
    ThreadPool one(1), three(3);
    EXPECT_EQ(without->test_accuracy(x, one), std::nullopt);
    EXPECT_EQ(problem->test_accuracy(x, one), expected);
    EXPECT_EQ(problem->test_accuracy(x, three), expected);
  }
}

TEST(Softmax, ConstantsBoundTheCurvature) {
  for (const bool pixels : {true, false}) {
    const Dataset data = pixels ? random_pixels(80, 30, 4, 1) : random_data(80, 30, Values::many, 1, 4);
    const Shards shards = {range(0, 10), range(10, 80)};
    const auto problem = make_softmax(data, shards, {{Regulariser::Kind::l2, 0.1}, true});
    ThreadPool pool(2);
    Fleet fleet(pool);
    const Constants constants = problem->constants(fleet).value();
    Eigen::MatrixXd mean = Eigen::MatrixXd::Zero(31, 31);
    double squares = 0;
    for (const auto& rows : shards) {
      Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(31, 31);
      for (const std::uint32_t row : rows) {
        const Vector a = features(data, row, true);
        const Eigen::Map<const Eigen::VectorXd> v(a.data(), 31);
        gram += v * v.transpose() / static_cast<double>(rows.size());
      }
      mean += gram / 2;
      const double L =
          Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(gram).eigenvalues().maxCoeff() / 2 + 0.1;
      squares += L * L / 2;
    }
    const double L = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(mean).eigenvalues().maxCoeff() / 2 + 0.1;
    EXPECT_NEAR(constants.L_minus, L, 1e-12 * L);
    EXPECT_NEAR(constants.L_tilde, std::sqrt(squares), 1e-12 * L);
    EXPECT_EQ(constants.mu, 0.1);
    // For no two points do the gradients differ by more than L allows.
    for (unsigned k = 0; k < 20; ++k) {
      const Vector x = random_vector(problem->dim(), k, 0.5), y = random_vector(problem->dim(), 50 + k, 0.5);
      Vector gx(problem->dim()), gy(problem->dim());
      problem->value_gradient(0, Rows::everything(), x, gx);
      problem->value_gradient(0, Rows::everything(), y, gy);
      EXPECT_LE(distance(gx, gy), constants.L_max * distance(x, y));
    }
  }
}

TEST(Softmax, RefusesWhatItCannotUse) {
  Dataset data = random_pixels(5, 3, 2, 1);
  Dataset test = random_pixels(5, 4, 2, 1);
  EXPECT_EQ(error_of([&] { make_softmax(data, {{0}}, {}, test); }),
            "pixels: the test set has 4 columns; need 3 as in the training set");
  test = random_pixels(5, 3, 2, 1);
  test.labels = {0, 1, 0, 7, 8};
  EXPECT_EQ(error_of([&] { make_softmax(data, {{0}}, {}, test); }),
            "pixels: row 4 of the test set has the label 7; need one of the training set's: 0, 1");
  std::fill(data.labels.begin(), data.labels.end(), 3.0);
  EXPECT_EQ(error_of([&] { make_softmax(data, {{0}}, {}); }),
            "pixels: found 1 distinct label (3); need at least 2 to tell rows apart");
}

TEST(Softmax, RefusesNumbersToBeFitted) {
  Dataset data = random_pixels(30, 3, 2, 1);
  const auto error = [&](double unit) {
    for (std::size_t i = 0; i < data.labels.size(); ++i) data.labels[i] = unit * static_cast<double>(i);
    return error_of([&] { make_softmax(data, {range(0, 30)}, {}); });
  };
  EXPECT_EQ(
      error(0.5),
      "pixels: found 30 distinct labels, 0.5 among them: these are numbers to be fitted, as least-squares "
      "does; need whole numbers, or at most 20 labels, as classes");
  EXPECT_EQ(error(3), "no error") << "whole numbers name classes";
  for (double& label : data.labels) label = 0.5 * std::floor(label / 9);
  EXPECT_EQ(error_of([&] { make_softmax(data, {range(0, 30)}, {}); }), "no error") << "half stars";
}

}  // namespace
}  // namespace laconic
