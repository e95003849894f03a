// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/mlp.h"

#include <set>

#include "laconic/core/parallel.h"
#include "tests/cpus.h"
#include "tests/problem_testing.h"

#define HWY_COMPILE_ONLY_STATIC  // all targets have the same bits: curvature_test.cc
#include "laconic/problem/vector_math.h"

namespace laconic {
namespace {

using namespace laconic::testing;
using Activation = MlpOptions::Activation;
using Precision = MlpOptions::Precision;

constexpr Activation kActivations[] = {Activation::relu, Activation::tanh};

/// Computes row by row and layer by layer. Labels are 0 .. classes-1.
struct Textbook {
  long double value = 0;
  double correct = 0;
  std::vector<long double> g;

  Textbook(const Dataset& data, const std::vector<std::uint32_t>& rows, std::size_t classes,
           const MlpOptions& options, View x)
      : g(x.size(), 0) {
    std::vector<std::size_t> sizes = {data.columns};
    sizes.insert(sizes.end(), options.widths.begin(), options.widths.end());
    sizes.push_back(classes);
    const std::size_t layers = sizes.size() - 1;
    std::vector<std::size_t> begin = {0};
    for (std::size_t l = 0; l < layers; ++l) begin.push_back(begin[l] + (sizes[l] + 1) * sizes[l + 1]);
    const bool relu = options.activation == Activation::relu;
    for (const std::uint32_t row : rows) {
      const Vector a = features(data, row, false);
      std::vector<std::vector<long double>> out = {{a.begin(), a.end()}};
      for (std::size_t l = 0; l < layers; ++l) {
        out.emplace_back(sizes[l + 1]);
        for (std::size_t u = 0; u < sizes[l + 1]; ++u) {
          long double z = x[begin[l] + sizes[l + 1] * sizes[l] + u];
          for (std::size_t j = 0; j < sizes[l]; ++j) z += x[begin[l] + u * sizes[l] + j] * out[l][j];
          out[l + 1][u] = l + 1 == layers ? z : relu ? std::max(z, 0.0L) : std::tanh(z);
        }
      }
      const auto label = static_cast<std::size_t>(data.labels[row]);
      std::vector<long double>& error = out.back();  // scores, later their derivatives
      const long double largest = *std::max_element(error.begin(), error.end());
      if (std::max_element(error.begin(), error.end()) - error.begin() == static_cast<std::ptrdiff_t>(label))
        correct += 1;
      long double total = 0;
      for (const long double z : error) total += std::exp(z - largest);
      value += (largest - error[label] + std::log(total)) / rows.size();
      for (long double& z : error) z = std::exp(z - largest) / total;
      error[label] -= 1;
      for (std::size_t l = layers; l-- > 0;) {
        std::vector<long double> below(sizes[l], 0);
        for (std::size_t u = 0; u < sizes[l + 1]; ++u) {
          g[begin[l] + sizes[l + 1] * sizes[l] + u] += out[l + 1][u] / rows.size();
          for (std::size_t j = 0; j < sizes[l]; ++j) {
            g[begin[l] + u * sizes[l] + j] += out[l + 1][u] * out[l][j] / rows.size();
            below[j] += out[l + 1][u] * x[begin[l] + u * sizes[l] + j];
          }
        }
        for (std::size_t j = 0; l > 0 && j < sizes[l]; ++j)
          out[l][j] = below[j] * (relu ? (out[l][j] > 0 ? 1 : 0) : 1 - out[l][j] * out[l][j]);
      }
    }
    for (std::size_t k = 0; k < x.size(); ++k) {
      value += options.lambda / 2 * x[k] * x[k];
      g[k] += options.lambda * x[k];
    }
  }

  [[nodiscard]] Vector gradient() const { return {g.begin(), g.end()}; }
};

const std::vector<std::size_t> kWidths[] = {{1}, {5}, {16}, {9, 4}, {3, 8, 5}};

TEST(Mlp, AgreesWithATextbookAndWithItself) {
  for (const auto& widths : kWidths) {
    for (const Activation activation : kActivations) {
      for (const std::size_t classes : {2UL, 7UL}) {
        for (const bool pixels : {true, false}) {
          const Dataset data =
              pixels ? random_pixels(90, 13, classes, 5) : random_data(90, 13, Values::many, 5, classes);
          const Shards shards = {range(0, 1), range(1, 34), range(10, 90)};
          const MlpOptions options{.widths = widths,
                                   .activation = activation,
                                   .lambda = pixels ? 0.1 : 0,
                                   .precision = Precision::f64};
          const auto problem = make_mlp(data, shards, options);
          SCOPED_TRACE(::testing::Message() << widths.size() << " hidden, " << classes << " classes, tanh "
                                            << (activation == Activation::tanh) << ", pixels " << pixels);
          const Vector x = random_vector(problem->dim(), 3);
          Vector g(problem->dim());
          for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(problem->rows(i), shards[i].size());
            const Measured measured = problem->value_gradient(i, Rows::everything(), x, g);
            const Textbook textbook(data, shards[i], classes, options, x);
            // Some hundred rounding errors of numbers of size 1.
            EXPECT_NEAR(measured.value, static_cast<double>(textbook.value), 1e-13);
            EXPECT_EQ(measured.correct, textbook.correct);
            ASSERT_EQ(g.size(), textbook.g.size());
            EXPECT_LE(distance(g, textbook.gradient()), 1e-13);
            expect_rows_to_agree(*problem, i, x, 1e-13);
          }
        }
      }
    }
  }
}

TEST(Mlp, HasTheGradientOfItsValue) {
  for (const auto& widths : kWidths) {
    for (const Activation activation : kActivations) {
      const MlpOptions options{
          .widths = widths, .activation = activation, .lambda = 0.01, .precision = Precision::f64};
      const auto problem = make_mlp(random_pixels(40, 6, 3, 1), {range(0, 40)}, options);
      const Vector x = random_vector(problem->dim(), 3);  // not the start: biases 0 may be on relu's kink
      // The error is h^2 = 1e-10 times third derivatives, which sum to about 1e3 over some hundred
      // coordinates. relu has third derivatives only at its kinks, and none is within h of this x.
      expect_gradient_of_value(*problem, 0, Rows::everything(), x, 1e-7);
      const std::vector<std::uint32_t> list = {3, 3, 39, 0};
      expect_gradient_of_value(*problem, 0, Rows::listed(list), x, 1e-7);
    }
  }
}

TEST(Mlp, ManyBlocksAreTheMeanOfTheirRows) {
  struct Case {
    Dataset data;
    std::size_t classes;
  };
  // Blocks have 256 rows, or fewer where rows are wide.
  for (const Case& c : {Case{random_pixels(700, 20, 4, 2), 4}, Case{random_pixels(40, 50000, 4, 2), 4},
                        Case{random_data(513, 30, Values::ones, 2, 3), 3}}) {
    const MlpOptions options{.widths = {6, 5}, .lambda = 0.1, .precision = Precision::f64};
    const Shards shards = {range(0, c.data.rows)};
    const auto problem = make_mlp(c.data, shards, options);
    Vector x(problem->dim()), g(problem->dim());
    problem->start(x);
    const Measured measured = problem->value_gradient(0, Rows::everything(), x, g);
    const Textbook textbook(c.data, shards[0], c.classes, options, x);
    EXPECT_NEAR(measured.value, static_cast<double>(textbook.value), 1e-12);
    EXPECT_EQ(measured.correct, textbook.correct);
    EXPECT_LE(distance(g, textbook.gradient()), 1e-12);
  }
}

TEST(Mlp, FloatsAreAsGoodAsFloatsCanBe) {
  for (const Activation activation : kActivations) {
    const Dataset data = random_pixels(600, 50, 5, 2);
    MlpOptions options{.widths = {30, 20}, .activation = activation, .lambda = 1e-3};
    const auto single = make_mlp(data, {range(0, 600)}, options);
    options.precision = Precision::f64;
    const auto exact = make_mlp(data, {range(0, 600)}, options);
    Vector x(single->dim()), g(single->dim()), expected(single->dim());
    single->start(x);
    const Measured a = single->value_gradient(0, Rows::everything(), x, g);
    const Measured b = exact->value_gradient(0, Rows::everything(), x, expected);
    // Each rounding error is 2^-24 = 6e-8, and sums of 50 to 256 numbers increase it by the square root of
    // their length.
    EXPECT_NEAR(a.value, b.value, 1e-6 * b.value);
    EXPECT_LE(distance(g, expected), 1e-6 * std::sqrt(norm_sq(expected)));
    EXPECT_GT(distance(g, expected), 0) << "these are floats";
    EXPECT_NEAR(a.correct, b.correct, 2) << "rows whose best scores are all but equal";
  }
}

TEST(Mlp, StartsAtItsSeed) {
  const Dataset data = random_pixels(10, 200, 10, 1);
  for (const Activation activation : kActivations) {
    const auto at = [&](std::uint64_t seed, Precision precision) {
      const MlpOptions options{
          .widths = {50, 30}, .activation = activation, .seed = seed, .precision = precision};
      const auto problem = make_mlp(data, {{0}}, options);
      Vector x(problem->dim(), 7.0);
      problem->start(x);
      return x;
    };
    const Vector x = at(1, Precision::f32);
    EXPECT_EQ(x, at(1, Precision::f64));
    EXPECT_NE(x, at(2, Precision::f32));
    const std::size_t sizes[] = {200, 50, 30, 10};
    std::size_t begin = 0;
    for (std::size_t l = 0; l < 3; ++l) {
      const std::size_t count = sizes[l] * sizes[l + 1];
      const auto inputs = static_cast<double>(sizes[l]), units = static_cast<double>(sizes[l + 1]);
      const double bound = std::sqrt(6 / (activation == Activation::relu ? inputs : inputs + units));
      const Vector w(x.begin() + static_cast<std::ptrdiff_t>(begin),
                     x.begin() + static_cast<std::ptrdiff_t>(begin + count));
      EXPECT_LT(*std::max_element(w.begin(), w.end()), bound);
      EXPECT_GE(*std::min_element(w.begin(), w.end()), -bound);
      EXPECT_GT(*std::max_element(w.begin(), w.end()), 0.95 * bound);
      // The mean of at least 300 squares has the standard deviation 0.3 / sqrt(300) = 0.017 bound^2.
      EXPECT_NEAR(norm_sq(w) / static_cast<double>(count), bound * bound / 3, 0.06 * bound * bound);
      EXPECT_EQ(std::set<double>(w.begin(), w.end()).size(), w.size());
      for (std::size_t u = 0; u < sizes[l + 1]; ++u) EXPECT_EQ(x[begin + count + u], 0) << "a bias";
      begin += count + sizes[l + 1];
    }
    EXPECT_EQ(begin, x.size());
  }
}

TEST(Mlp, GivesTheSameBitsOnAnyThread) {
  const Dataset data = random_pixels(700, 50, 4, 3);
  Shards shards;
  for (std::size_t i = 0; i < 24; ++i) shards.push_back(range(i, i + 1 + 29 * i));
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    const auto problem = make_mlp(data, shards, {.widths = {11, 7}, .precision = precision});
    const auto other = make_mlp(random_pixels(9, 21, 2, 3), {range(0, 9)},
                                {.widths = {5}, .activation = Activation::tanh, .precision = precision});
    const Vector x = random_vector(problem->dim(), 3), y = random_vector(other->dim(), 3);
    std::vector<Vector> expected;
    for (const std::size_t threads : {1, 2, 3, 8}) {
      ThreadPool pool(threads);
      std::vector<Vector> found(shards.size(), Vector(problem->dim() + 1));
      pool.for_each(shards.size(), [&](std::size_t i) {
        // Scratch left by another problem must have no effect.
        Vector ignored(other->dim());
        other->value_gradient(0, Rows::everything(), y, ignored);
        found[i].back() =
            problem->value_gradient(i, Rows::everything(), x, MutView(found[i]).first(x.size())).value;
      });
      if (expected.empty()) expected = found;
      EXPECT_EQ(found, expected) << threads;
    }
  }
}

TEST(Mlp, AShardIsTheSameWhoeverElseIsKept) {
  const Dataset data = random_pixels(30, 12, 3, 3);
  const Shards shards = {{3, 29, 7}, {3, 29, 7}, {7, 5}, {5}};
  const MlpOptions options{.widths = {4}};
  const auto problem = make_mlp(data, shards, options);
  const GeneratedOptions generated{.rows = 7, .columns = 12, .nnz = 4, .classes = 3};
  const auto drawn = make_mlp(generated, shards.size(), options);
  const Vector x = random_vector(problem->dim(), 3);
  Vector g(problem->dim()), expected(problem->dim());
  const auto expect_equal = [&](const Problem& a, const Problem& b, std::size_t i) {
    EXPECT_EQ(a.value_gradient(i, Rows::everything(), x, g).value,
              b.value_gradient(i, Rows::everything(), x, expected).value);
    EXPECT_EQ(g, expected);
  };
  for (std::size_t i = 0; i < shards.size(); ++i) {
    expect_equal(*problem, *make_mlp(data, shards, options, {}, Range{i, i + 1}), i);
    expect_equal(*drawn, *make_mlp(generated, shards.size(), options, Range{i, i + 1}), i);
  }
  EXPECT_THROW(make_mlp(data, shards, options, {}, Range{1, 2})->value_gradient(0, Rows::everything(), x, g),
               std::logic_error);
}

TEST(Mlp, TestAccuracyIsTheSameOnAnyNumberOfThreads) {
  for (const bool pixels : {true, false}) {
    Dataset data = pixels ? random_pixels(3000, 8, 3, 1) : random_data(3000, 8, Values::many, 1, 3);
    Dataset test = pixels ? random_pixels(2500, 8, 3, 2) : random_data(2500, 8, Values::many, 2, 3);
    const MlpOptions options{.widths = {5}};
    const auto without = make_mlp(data, {range(0, 3000)}, options);
    const Vector x = random_vector(without->dim(), 3);
    Vector g(without->dim());
    // Rows give the same result as a training set and as a test set.
    const auto swapped = make_mlp(test, {range(0, 2500)}, options);
    const double expected = swapped->value_gradient(0, Rows::everything(), x, g).correct / 2500;
    EXPECT_GT(expected, 0.2);
    const auto problem = make_mlp(data, {range(0, 3000)}, options, test);
    ThreadPool one(1), three(3);
    EXPECT_EQ(without->test_accuracy(x, one), std::nullopt);
    EXPECT_EQ(problem->test_accuracy(x, one), expected);
    EXPECT_EQ(problem->test_accuracy(x, three), expected);
  }
}

TEST(Mlp, DescentLearnsWhatNoLineSeparates) {
  // Exclusive or on the four corners of a square.
  Dataset data{.name = "xor",
               .rows = 4,
               .columns = 2,
               .features = PixelRows{{0, 0, 0, 255, 255, 0, 255, 255}},
               .labels = {0, 1, 1, 0}};
  for (const Activation activation : kActivations) {
    const auto problem = make_mlp(data, {range(0, 4)}, {.widths = {8}, .activation = activation});
    Vector x(problem->dim()), g(problem->dim());
    problem->start(x);
    Measured measured;
    for (int t = 0; t < 2000; ++t) {
      measured = problem->value_gradient(0, Rows::everything(), x, g);
      axpy(-0.5, g, x);
    }
    EXPECT_EQ(measured.correct, 4);
    EXPECT_LT(measured.value, 0.01);
  }
}

TEST(Mlp, HasTheSameBitsOnEveryCpuWithFusedMultiplyAdds) {
  for (const Activation activation : kActivations) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      for (const bool pixels : {true, false}) {
        const Dataset data =
            pixels ? random_pixels(301, 150, 5, 4) : random_data(301, 150, Values::many, 4, 5);
        std::vector<Vector> found;
        on_each_cpu([&] {
          if (used_cpu() == "baseline") return;
          const auto problem = make_mlp(
              data, {range(0, 301)}, {.widths = {70, 9}, .activation = activation, .precision = precision});
          const Vector x = random_vector(problem->dim(), 3), v = random_vector(problem->dim(), 4);
          Vector g(problem->dim()), product(problem->dim());
          problem->value_gradient(0, Rows::everything(), x, g);
          problem->hessian_vector(0, Rows::everything(), x, v, product);
          g.insert(g.end(), product.begin(), product.end());
          found.push_back(g);
          EXPECT_EQ(g, found.front());
        });
      }
    }
  }
}

TEST(Mlp, ItsTanhIsRightToTheLastBits) {
  using HWY_NAMESPACE::all, HWY_NAMESPACE::tanh;
  for (double size = 1e-12; size < 1e3; size *= 1.001) {
    for (const double a : {size, -size}) {
      const double found = tanh(all(a))[1];
      EXPECT_NEAR(found, static_cast<double>(std::tanh(static_cast<long double>(a))), 3e-16) << a;
    }
  }
  EXPECT_EQ(tanh(all(0))[0], 0);
  EXPECT_TRUE(std::isnan(tanh(all(std::nan("")))[0]));
}

TEST(Mlp, APointThatIsNoNumberGivesNone) {
  for (const Activation activation : kActivations) {
    const auto problem =
        make_mlp(random_pixels(5, 3, 2, 1), {range(0, 5)}, {.widths = {2, 2}, .activation = activation});
    Vector x(problem->dim()), g(problem->dim());
    problem->start(x);
    x[0] = std::nan("");  // relu must not turn NaN into 0
    EXPECT_TRUE(std::isnan(problem->value_gradient(0, Rows::everything(), x, g).value));
    EXPECT_FALSE(all_finite(g));
    problem->value_gradient(0, Rows::everything(), Vector(problem->dim(), 1e200), g);
    EXPECT_FALSE(all_finite(g)) << "no float";
  }
}

TEST(Mlp, RefusesWhatItCannotUse) {
  Dataset data = random_pixels(5, 3, 2, 1);
  const auto error = [&](const MlpOptions& options) {
    return error_of([&] { make_mlp(data, {{0}}, options); });
  };
  EXPECT_EQ(error({}), "widths = none; need at least one hidden layer");
  EXPECT_EQ(error({.widths = {3, 0}}), "width = 0; need width >= 1");
  EXPECT_EQ(error({.widths = {3}, .lambda = -1}), "lambda = -1; need a finite lambda >= 0");
  EXPECT_EQ(
      error({.widths = {65536, 65536}}),
      "widths = 65536, 65536; need fewer than 2^32 weights and biases: with 3 columns and 2 classes there "
      "are 4295426050");
  EXPECT_EQ(error_of([&] { make_mlp(data, {}, {.widths = {3}}); }), "pixels: no shards; need at least one");
  Dataset test = random_pixels(5, 4, 2, 1);
  EXPECT_EQ(error_of([&] { make_mlp(data, {{0}}, {.widths = {3}}, test); }),
            "pixels: the test set has 4 columns; need 3 as in the training set");
  test = random_pixels(5, 3, 2, 1);
  test.labels = {0, 1, 0, 7, 8};
  EXPECT_EQ(error_of([&] { make_mlp(data, {{0}}, {.widths = {3}}, test); }),
            "pixels: row 4 of the test set has the label 7; need one of the training set's: 0, 1");
  std::fill(data.labels.begin(), data.labels.end(), 3.0);
  EXPECT_EQ(error({.widths = {3}}), "pixels: found 1 distinct label (3); need at least 2 to tell rows apart");
}

}  // namespace
}  // namespace laconic
