// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/linear_model.h"

#include <Eigen/Dense>

#include "laconic/problem/loss.h"
#include "laconic/transport/fleet.h"
#include "tests/problem_testing.h"

namespace laconic {
namespace {

using namespace laconic::testing;

using Factory = std::unique_ptr<Problem> (*)(const Dataset&, const Shards&, const ModelOptions&,
                                             const std::optional<IndexSet>&);

struct Model {
  const char* name;
  Factory make;
  Loss loss;
  bool classifies;
};

std::unique_ptr<Problem> logistic(const Dataset& data, const Shards& shards, const ModelOptions& options,
                                  const std::optional<IndexSet>& own) {
  return make_logistic(data, shards, options, {}, own);
}
std::unique_ptr<Problem> nonconvex(const Dataset& data, const Shards& shards, const ModelOptions& options,
                                   const std::optional<IndexSet>& own) {
  return make_nonconvex(data, shards, options, {}, own);
}

constexpr Model kModels[] = {
    {"logistic", logistic, Loss::logistic, true},
    {"nonconvex", nonconvex, Loss::nonconvex, true},
    {"least_squares", make_least_squares, Loss::least_squares, false},
};

/// Loss and derivative of one row in long double, directly from the formulas.
std::pair<long double, long double> plain(Loss loss, long double margin, long double target) {
  const long double z = margin * target;
  const long double s = 1 / (1 + std::exp(z));  // exp may overflow to inf: s = 0
  switch (loss) {
    case Loss::logistic:
      return {z > 0 ? std::log1p(std::exp(-z)) : -z + std::log1p(std::exp(z)), -target * s};
    case Loss::nonconvex:
      return {s * s, -2 * target * s * s / (1 + std::exp(-z))};
    default:
      return {(margin - target) * (margin - target) / 2, margin - target};
  }
}

double label_of(const Model& model, double label) { return !model.classifies ? label : label == 8 ? 1 : -1; }

/// Value, gradient and correct rows of a mean over rows of the data set, computed row by row.
struct Naive {
  long double value = 0;
  std::vector<long double> g;
  double correct = 0;

  Naive(const Model& model, const Dataset& data, const std::vector<std::uint32_t>& rows,
        const ModelOptions& options, View x)
      : g(x.size(), 0) {
    for (const std::uint32_t row : rows) {
      const Vector a = features(data, row, options.bias);
      long double margin = 0;
      for (std::size_t c = 0; c < a.size(); ++c) margin += static_cast<long double>(a[c]) * x[c];
      const double target = label_of(model, data.labels[row]);
      const auto [loss, slope] = plain(model.loss, margin, target);
      value += loss / rows.size();
      for (std::size_t c = 0; c < a.size(); ++c) g[c] += slope * a[c] / rows.size();
      if (model.classifies && margin * target > 0) correct += 1;
    }
    const double lambda = options.regulariser.lambda;
    for (std::size_t c = 0; c < x.size(); ++c) {
      const long double v = x[c], q = 1 + v * v;
      if (options.regulariser.kind == Regulariser::Kind::l2) {
        value += lambda / 2 * v * v;
        g[c] += lambda * v;
      } else {
        value += lambda * v * v / q;
        g[c] += 2 * lambda * v / (q * q);
      }
    }
  }
};

const ModelOptions kOptions[] = {
    {{Regulariser::Kind::l2, 0}, false},
    {{Regulariser::Kind::l2, 0.3}, true},
    {{Regulariser::Kind::nonconvex, 0.1}, false},
    {{Regulariser::Kind::nonconvex, 0.1}, true},
};

TEST(LinearModel, AgreesWithAPlainLoopAndWithItself) {
  for (const Model& model : kModels) {
    for (const Values values : {Values::ones, Values::few, Values::many, Values::mixed}) {
      for (const ModelOptions& options : kOptions) {
        for (const std::size_t rows : {9UL, 700UL}) {
          const Dataset data = random_data(rows, 23, values, 7);
          const Shards shards = {range(0, 1), range(1, rows),
                                 range(0, rows)};  // includes a shard of one row, and shards that share rows
          const auto problem = model.make(data, shards, options, {});
          SCOPED_TRACE(::testing::Message() << model.name << " values " << static_cast<int>(values)
                                            << " rows " << rows << " lambda " << options.regulariser.lambda);
          ASSERT_EQ(problem->dim(), 23U + (options.bias ? 1 : 0));
          ASSERT_EQ(problem->shards(), 3U);
          EXPECT_EQ(problem->classifies(), model.classifies);
          const Vector x = random_vector(problem->dim(), 3, 2);
          Vector g(problem->dim());
          for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(problem->rows(i), shards[i].size());
            const Measured measured = problem->value_gradient(i, Rows::everything(), x, g);
            const Naive naive(model, data, shards[i], options, x);
            EXPECT_NEAR(measured.value, static_cast<double>(naive.value), 1e-14 * std::abs(measured.value));
            EXPECT_EQ(measured.correct, naive.correct);
            for (std::size_t c = 0; c < g.size(); ++c)
              EXPECT_NEAR(g[c], static_cast<double>(naive.g[c]), 2e-14);
            expect_rows_to_agree(*problem, i, x, 1e-13);
          }
          expect_gradient_of_value(*problem, 1, Rows::everything(), x, 1e-8);
        }
      }
    }
  }
}

TEST(LinearModel, PixelsAreDividedBy255) {
  const Dataset data = random_pixels(300, 12, 2, 4);
  for (const Model& model : kModels) {
    const ModelOptions options{{Regulariser::Kind::l2, 0.1}, true};
    const auto problem = model.make(data, {range(0, 300)}, options, {});
    const Vector x = random_vector(13, 3);
    Vector g(13), expected(13, 0.0);
    problem->value_gradient(0, Rows::everything(), x, g);
    for (std::size_t row = 0; row < 300; ++row) {
      const Vector a = features(data, row, true);
      const double target = model.classifies ? 2 * data.labels[row] - 1 : data.labels[row];
      axpy(static_cast<double>(plain(model.loss, dot(a, x), target).second) / 300, a, expected);
    }
    axpy(0.1, x, expected);
    EXPECT_LE(distance(g, expected), 1e-14) << model.name;
    expect_rows_to_agree(*problem, 0, x, 1e-13);
  }
}

/// Gradients at `count` points at once are those at each point, to the last bit.
void expect_points_to_agree(const Problem& problem, std::size_t shard, std::size_t count) {
  const std::size_t d = problem.dim();
  std::vector<Vector> x, g(count, Vector(d, 7.0));
  std::vector<GradientAt> points;
  for (std::size_t p = 0; p < count; ++p) x.push_back(random_vector(d, static_cast<unsigned>(20 + p), 2));
  for (std::size_t p = 0; p < count; ++p) points.push_back({x[p], g[p]});
  problem.value_gradients(shard, points);
  for (std::size_t p = 0; p < count; ++p) {
    Vector alone(d);
    const Measured measured = problem.value_gradient(shard, Rows::everything(), x[p], alone);
    EXPECT_EQ(g[p], alone) << "point " << p << " of " << count;
    EXPECT_EQ(points[p].measured.value, measured.value);
    EXPECT_EQ(points[p].measured.correct, measured.correct);
  }
}

TEST(LinearModel, SharesAPassAmongPoints) {
  for (const Model& model : kModels) {
    for (const Values values : {Values::ones, Values::few, Values::many, Values::mixed}) {
      const Dataset data = random_data(700, 23, values, 7);
      const auto problem = model.make(data, {range(0, 9), range(0, 700)}, kOptions[3], {});
      SCOPED_TRACE(::testing::Message() << model.name << " values " << static_cast<int>(values));
      EXPECT_TRUE(problem->shares_passes());
      expect_points_to_agree(*problem, 0, 8);
      for (const std::size_t count : {1, 2, 3, 4, 5, 7, 8, 19}) expect_points_to_agree(*problem, 1, count);
    }
  }
  const Dataset few = random_data(9, 5, Values::ones, 7);
  EXPECT_FALSE(make_logistic(few, {range(0, 9)}, {})->shares_passes());
}

TEST(LinearModel, MoreRowsThanATile) {
  const Dataset data = random_data(70000, 40, Values::ones, 9);
  const auto problem = make_logistic(data, {range(0, 70000)}, {});
  expect_rows_to_agree(*problem, 0, random_vector(40, 1), 1e-12);
  expect_points_to_agree(*problem, 0, 8);
}

TEST(LinearModel, MoreLettersThanSixteenBits) {
  Dataset data{.name = "wide", .rows = 90000, .columns = 4, .features = SparseRows{}, .labels = {}};
  auto& sparse = std::get<SparseRows>(data.features);
  const Vector values = random_vector(90000, 8);
  for (std::size_t i = 0; i < data.rows; ++i) {  // a column in 1/4 of the rows, but not the empty one
    if (i > 3) {
      sparse.column.push_back(static_cast<std::uint32_t>(i % 5 == 4 ? 0 : i % 4));
      sparse.value.push_back(values[i]);
    }
    sparse.begin.push_back(sparse.column.size());
    data.labels.push_back(static_cast<double>(i % 2));
  }
  expect_rows_to_agree(*make_nonconvex(data, {range(0, data.rows)}, {}), 0, random_vector(4, 1), 1e-12);
}

TEST(LinearModel, ExtremeMarginsHaveTheirLimits) {
  for (const Model& model : kModels) {
    if (!model.classifies) continue;
    for (const double size : {0.0, 1e-300, 1e-9, 0.5, 1.0, 30.0, 36.8, 700.0, 707.9, 1e4}) {
      for (const double z : {size, -size}) {
        double target[kLossLanes], margin[kLossLanes];
        float weight[kLossLanes];
        std::fill(std::begin(target), std::end(target), -1.0);
        std::fill(std::begin(margin), std::end(margin), -z);
        std::fill(std::begin(weight), std::end(weight), 1.0F);
        const LossSums sums = apply_loss(model.loss, kLossLanes, target, weight, margin);
        const auto [loss, slope] = plain(model.loss, -z, -1);
        const double value = sums.value / kLossLanes;
        // For |z| > 708, values below 1e-307 need not be accurate, only small.
        const double tiny = std::abs(z) > 708 ? 1e-300 : 0;
        EXPECT_NEAR(value, static_cast<double>(loss), 1e-14 * std::abs(value) + tiny) << model.name << z;
        EXPECT_NEAR(margin[0], static_cast<double>(slope), 1e-14 * std::abs(margin[0]) + tiny)
            << model.name << z;
        EXPECT_EQ(sums.correct, z > 0 ? 8 : 0);
      }
    }
  }
}

TEST(LinearModel, APointThatIsNoNumberGivesNone) {
  const Dataset data = random_data(50, 5, Values::ones, 3);
  for (const Model& model : kModels) {
    const auto problem = model.make(data, {range(0, 50)}, {}, {});
    Vector x(5, std::nan("")), g(5);
    EXPECT_TRUE(std::isnan(problem->value_gradient(0, Rows::everything(), x, g).value)) << model.name;
    EXPECT_FALSE(all_finite(g)) << model.name;
  }
}

Eigen::MatrixXd dense_gram(const Dataset& data, const std::vector<std::uint32_t>& rows, bool bias) {
  const auto d = static_cast<Eigen::Index>(data.columns + (bias ? 1 : 0));
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(d, d);
  for (const std::uint32_t row : rows) {
    const Vector a = features(data, row, bias);
    const Eigen::Map<const Eigen::VectorXd> v(a.data(), d);
    gram += v * v.transpose() / static_cast<double>(rows.size());
  }
  return gram;
}

Eigen::VectorXd spectrum(const Eigen::MatrixXd& matrix) {
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(matrix).eigenvalues();
}

TEST(LinearModel, ConstantsAreThoseOfADenseSolver) {
  for (const Model& model : kModels) {
    for (const ModelOptions& options : kOptions) {
      for (const std::size_t columns : {6UL, 60UL}) {
        const Dataset data = random_data(120, columns, Values::many, 21);
        const Shards shards = {range(0, 40), range(40, 47), range(50, 120)};
        ThreadPool pool(2);
        Fleet fleet(pool);
        const auto problem = model.make(data, shards, options, {});
        const Constants constants = problem->constants(fleet).value();
        const double c = curvature_bound(model.loss), r = options.regulariser.curvature();
        const auto d = static_cast<Eigen::Index>(problem->dim());
        Eigen::MatrixXd mean = Eigen::MatrixXd::Zero(d, d);
        double squares = 0, largest = 0, sample = 0;
        for (const auto& rows : shards) {
          const Eigen::MatrixXd gram = dense_gram(data, rows, options.bias);
          mean += gram / 3;
          const double L = c * spectrum(gram).maxCoeff() + r;
          squares += L * L / 3;
          largest = std::max(largest, L);
          for (const std::uint32_t row : rows) {
            const double norm = norm_sq(features(data, row, options.bias));
            sample += (c * norm + r) * (c * norm + r) / static_cast<double>(rows.size()) / 3;
          }
        }
        const double L_minus = c * spectrum(mean).maxCoeff() + r;
        EXPECT_NEAR(constants.L_minus, L_minus, 1e-12 * L_minus);
        EXPECT_NEAR(constants.L_tilde, std::sqrt(squares), 1e-12 * std::sqrt(squares));
        EXPECT_NEAR(constants.L_max, largest, 1e-12 * largest);
        EXPECT_NEAR(constants.L_sample, std::sqrt(sample), 1e-12 * std::sqrt(sample));
        EXPECT_EQ(constants.L_plus, constants.L_tilde);
        EXPECT_EQ(constants.L_pm, constants.L_tilde);
        EXPECT_EQ(constants.f_lower, 0);
        const bool ridge = options.regulariser.kind == Regulariser::Kind::l2;
        const double lambda = options.regulariser.lambda;
        if (!ridge || model.loss == Loss::nonconvex) {
          // lambda I does not make the nonconvex loss convex: its curvature goes down to -0.12 |a|^2.
          EXPECT_FALSE(constants.mu) << model.name;
        } else if (model.loss == Loss::logistic) {
          EXPECT_EQ(constants.mu, lambda > 0 ? std::optional(lambda) : std::nullopt);
        } else {
          const double mu = std::max(0.0, spectrum(mean).minCoeff()) + lambda;
          ASSERT_TRUE(constants.mu);
          EXPECT_LE(*constants.mu, mu * (1 + 1e-13));
          EXPECT_NEAR(*constants.mu, mu, 1e-12 * L_minus);
        }
      }
    }
  }
}

TEST(LinearModel, RowsThatClientsShareCountForEachOfThem) {
  const Dataset data = random_data(120, 9, Values::many, 21);
  ThreadPool pool(2);
  Fleet fleet(pool);
  for (const Model& model : kModels) {
    for (const ModelOptions& options : kOptions) {
      const auto one = model.make(data, {range(0, 70)}, options, {});
      const auto same = model.make(data, {range(0, 70), range(0, 70), range(0, 70)}, options, {});
      const Constants single = one->constants(fleet).value(), shared = same->constants(fleet).value();
      EXPECT_NEAR(shared.L_minus, single.L_minus, 1e-12 * single.L_minus);
      EXPECT_NEAR(shared.L_minus, shared.L_tilde, 1e-12 * single.L_minus) << "f is each f_i";
      EXPECT_NEAR(shared.L_tilde, single.L_tilde, 1e-12 * single.L_tilde);
      EXPECT_EQ(shared.L_max, single.L_max);
      EXPECT_NEAR(shared.L_sample, single.L_sample, 1e-12 * single.L_sample);
      EXPECT_EQ(shared.mu.has_value(), single.mu.has_value());
      // A row of two clients counts twice: L_minus is that of the data with its rows repeated.
      const auto overlapping = model.make(data, {range(0, 40), range(0, 40), range(40, 80)}, options, {});
      std::vector<std::uint32_t> repeated = range(0, 80);
      for (const std::uint32_t row : range(0, 40)) repeated.push_back(row);
      const double L = model.make(data, {repeated}, options, {})->constants(fleet)->L_minus;
      EXPECT_NEAR(overlapping->constants(fleet)->L_minus, L, 1e-12 * L);
      const Vector x = random_vector(one->dim(), 3);
      Vector g(x.size()), expected(x.size());
      const Measured measured = one->value_gradient(0, Rows::everything(), x, expected);
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(same->value_gradient(i, Rows::everything(), x, g).value, measured.value);
        EXPECT_EQ(g, expected);
      }
    }
  }
}

TEST(LinearModel, ConstantsOfA9aAreThePublishedOnes) {
  const auto data = real_data("a9a");
  if (!data) GTEST_SKIP() << "a9a is not in the folders of LACONIC_DATA";
  Shards shards;
  for (std::size_t i = 0; i < 20; ++i) shards.push_back(range(i * 1628, (i + 1) * 1628));
  ThreadPool pool(2);
  Fleet fleet(pool);
  const auto problem = make_logistic(*data, shards, {{Regulariser::Kind::nonconvex, 0.1}, false});
  const Constants constants = problem->constants(fleet).value();
  EXPECT_NEAR(constants.L_minus, 1.7719331211639, 1e-12 * 1.77);
  EXPECT_NEAR(constants.L_tilde, 1.7730809699874, 1e-12 * 1.77);
}

TEST(LinearModel, RefusesWhatItCannotUse) {
  Dataset data = random_data(9, 3, Values::ones, 3);
  EXPECT_EQ(error_of([&] { make_logistic(data, {}, {}); }), "random: no shards; need at least one");
  EXPECT_EQ(error_of([&] {
              make_logistic(data, {{0}, {}}, {});
            }),
            "random: shard 1 of 2 has no rows; need at least one (the set has 9)");
  EXPECT_EQ(error_of([&] { make_logistic(data, {{9}}, {}); }),
            "random: shard 0 asks for row 9; need row < 9");
  EXPECT_EQ(error_of([&] {
              make_logistic(data, {{0}}, {{Regulariser::Kind::l2, -1}, false});
            }),
            "lambda = -1; need a finite lambda >= 0");
  data.labels[4] = -2;
  EXPECT_EQ(error_of([&] { make_nonconvex(data, {{0}}, {}); }),
            "random: found 3 distinct labels (-2, 3, 8); need exactly 2 to tell rows apart");
  std::fill(data.labels.begin(), data.labels.end(), 1.0);
  EXPECT_EQ(error_of([&] { make_nonconvex(data, {{0}}, {}); }),
            "random: found 1 distinct labels (1); need exactly 2 to tell rows apart");
  EXPECT_EQ(error_of([&] { make_least_squares(data, {{0}}, {}); }), "no error");
}

}  // namespace
}  // namespace laconic
