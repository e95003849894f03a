// SPDX-License-Identifier: Apache-2.0
// Networks by LibTorch: against differences, against laconic's own network, and in whole runs.
#include <torch/nn.h>

#include "laconic/core/parallel.h"
#include "laconic/core/spec.h"
#include "laconic/methods/methods.h"
#include "laconic/problem/make.h"
#include "laconic/problem/mlp.h"
#include "laconic/rounds/method.h"
#include "laconic/solve.h"
#include "laconic/torch/torch_problem.h"
#include "tests/problem_testing.h"

namespace laconic {
namespace {

using namespace laconic::testing;
using Precision = TorchOptions::Precision;
namespace nn = torch::nn;

/// Of 3 x 6 x 6 pixels: all that a network for images has, and no kink where differences could meet it.
nn::Sequential small_network() {
  return nn::Sequential(nn::Conv2d(nn::Conv2dOptions(3, 4, 3).padding(1).stride(2)),
                        nn::GroupNorm(nn::GroupNormOptions(2, 4)), nn::GELU(), nn::AdaptiveAvgPool2d(2),
                        nn::Flatten(), nn::Linear(16, 3));
}

std::unique_ptr<Problem> small_problem(const Dataset& data, const Shards& shards, TorchOptions options = {},
                                       const std::optional<Dataset>& test = {}) {
  options.shape = {3, 6, 6};
  return make_torch_problem([] { return small_network(); }, data, shards, options, test);
}

TEST(Torch, HasTheGradientOfItsValue) {
  const auto problem = small_problem(random_pixels(40, 108, 3, 1), {range(0, 40)},
                                     {.shape = {}, .lambda = 0.01, .precision = Precision::f64, .chunk = 16});
  const Vector x = random_vector(problem->dim(), 3);
  // h^2 = 1e-10 times third derivatives, which some two hundred coordinates add up.
  expect_gradient_of_value(*problem, 0, Rows::everything(), x, 1e-7);
  const std::vector<std::uint32_t> list = {3, 3, 39, 0};
  expect_gradient_of_value(*problem, 0, Rows::listed(list), x, 1e-7);
  expect_rows_to_agree(*problem, 0, x, 1e-12);  // in chunks, in one, and row by row
}

TEST(Torch, CurvatureIsTheChangeOfTheGradient) {
  const auto problem = small_problem(random_pixels(40, 108, 3, 1), {range(0, 40)},
                                     {.shape = {}, .lambda = 0.01, .precision = Precision::f64, .chunk = 16});
  const Vector x = random_vector(problem->dim(), 3), v = random_vector(problem->dim(), 4);
  const auto gradient_at = [&](double t) {
    Vector moved = x, g(problem->dim());
    axpy(t, v, moved);
    problem->value_gradient(0, Rows::everything(), moved, g);
    return g;
  };
  constexpr double kStep = 1e-5;
  Vector difference = gradient_at(kStep);
  axpy(-1, gradient_at(-kStep), difference);
  scale(1 / (2 * kStep), difference);
  Vector exact(problem->dim());
  EXPECT_TRUE(problem->has_curvature());
  problem->hessian_vector(0, Rows::everything(), x, v, exact);
  EXPECT_LE(distance(exact, difference), 1e-7 * (1 + std::sqrt(norm_sq(exact))));
}

TEST(Torch, AFullyConnectedNetworkIsTheBuiltInOne) {
  const std::vector<std::uint32_t> list = {5, 299, 5, 17};
  for (const bool tanh : {false, true}) {
    for (const bool pixels : {true, false}) {
      for (const bool exact : {false, true}) {
        SCOPED_TRACE(::testing::Message() << "tanh " << tanh << ", pixels " << pixels << ", f64 " << exact);
        const Dataset data = pixels ? random_pixels(300, 50, 5, 2) : random_data(300, 50, Values::many, 2, 5);
        const Shards shards = {range(0, 300), range(100, 140)};
        const auto mlp =
            make_mlp(data, shards,
                     {.widths = {12, 7},
                      .activation = tanh ? MlpOptions::Activation::tanh : MlpOptions::Activation::relu,
                      .lambda = 0.01,
                      .precision = exact ? MlpOptions::Precision::f64 : MlpOptions::Precision::f32});
        const auto network = [&]() -> TorchModule {
          if (tanh)
            return nn::Sequential(nn::Linear(50, 12), nn::Tanh(), nn::Linear(12, 7), nn::Tanh(),
                                  nn::Linear(7, 5));
          return nn::Sequential(nn::Linear(50, 12), nn::ReLU(), nn::Linear(12, 7), nn::ReLU(),
                                nn::Linear(7, 5));
        };
        const auto problem = make_torch_problem(
            network, data, shards, {.lambda = 0.01, .precision = exact ? Precision::f64 : Precision::f32});
        ASSERT_EQ(problem->dim(), mlp->dim());
        EXPECT_EQ(problem->rows(1), mlp->rows(1));
        EXPECT_EQ(problem->data_checksum(), mlp->data_checksum());
        const double tolerance = exact ? 1e-12 : 1e-5;
        const Vector x = random_vector(mlp->dim(), 3), v = random_vector(mlp->dim(), 4);
        Vector found(mlp->dim()), expected(mlp->dim());
        for (const Rows rows : {Rows::everything(), Rows::listed(list)}) {
          const Measured a = problem->value_gradient(0, rows, x, found);
          const Measured b = mlp->value_gradient(0, rows, x, expected);
          EXPECT_NEAR(a.value, b.value, tolerance * b.value);
          EXPECT_EQ(a.correct, b.correct);
          EXPECT_LE(distance(found, expected), tolerance * std::sqrt(norm_sq(expected)));
          problem->hessian_vector(0, rows, x, v, found);
          mlp->hessian_vector(0, rows, x, v, expected);
          EXPECT_LE(distance(found, expected), tolerance * std::sqrt(norm_sq(expected)));
        }
      }
    }
  }
}

TEST(Torch, GivesTheSameBitsOnAnyThread) {
  const Dataset data = random_pixels(300, 108, 3, 3);
  Shards shards;
  for (std::size_t i = 0; i < 12; ++i) shards.push_back(range(i, i + 1 + 20 * i));
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    std::vector<Vector> expected;
    for (const std::size_t threads : {1, 2, 3}) {
      const auto problem = small_problem(data, shards, {.shape = {}, .precision = precision, .chunk = 64});
      const Vector x = start_of(*problem), v = random_vector(problem->dim(), 4);
      ThreadPool pool(threads);
      std::vector<Vector> found(shards.size(), Vector(2 * problem->dim() + 1));
      for (int again = 0; again < 2; ++again) {
        pool.for_each(shards.size(), [&](std::size_t i) {
          const MutView out(found[i]);
          out.back() = problem->value_gradient(i, Rows::everything(), x, out.first(x.size())).value;
          problem->hessian_vector(i, Rows::everything(), x, v, out.subspan(x.size(), x.size()));
        });
        if (expected.empty()) expected = found;
        EXPECT_EQ(found, expected) << threads;
      }
    }
  }
}

TEST(Torch, StartsAtItsSeedAndLeavesTorchsOwnAlone) {
  const Dataset data = random_pixels(10, 108, 3, 1);
  const auto at = [&](std::uint64_t seed, Precision precision) {
    return start_of(
        *small_problem(data, {range(0, 10)}, {.shape = {}, .seed = seed, .precision = precision}));
  };
  torch::manual_seed(5);
  const double expected = torch::rand({1}).item<double>();
  torch::manual_seed(5);
  const Vector x = at(1, Precision::f32);
  EXPECT_EQ(torch::rand({1}).item<double>(), expected);
  EXPECT_EQ(at(1, Precision::f32), x);
  EXPECT_EQ(at(1, Precision::f64), x);
  EXPECT_NE(at(2, Precision::f32), x);
  EXPECT_EQ(std::count(x.begin(), x.end(), 1.0), 4) << "the weights of GroupNorm";
}

TEST(Torch, TestAccuracyIsTheSameOnAnyNumberOfThreads) {
  const Dataset data = random_pixels(200, 108, 3, 1);
  Dataset test = random_pixels(2100, 108, 3, 2);
  const auto swapped = small_problem(test, {range(0, 2100)});
  const Vector x = start_of(*swapped);
  Vector g(x.size());
  const double expected = swapped->value_gradient(0, Rows::everything(), x, g).correct / 2100;
  EXPECT_GT(expected, 0.2);
  ThreadPool one(1), three(3);
  EXPECT_EQ(swapped->test_accuracy(x, one), std::nullopt);
  const auto problem = small_problem(data, {range(0, 200)}, {}, test);
  EXPECT_EQ(problem->test_accuracy(x, one), expected);
  EXPECT_EQ(problem->test_accuracy(x, three), expected);
  for (double& label : test.labels) label += 10;  // no class of the training set
  EXPECT_EQ(small_problem(data, {range(0, 200)}, {}, test)->test_accuracy(x, one), 0);
}

TEST(Torch, AShardIsTheSameWhoeverElseIsKept) {
  const Dataset data = random_pixels(30, 108, 3, 3);
  const Shards shards = {{3, 29, 7}, {7, 5}};
  const auto network = [] { return small_network(); };
  const auto all = make_torch_problem(network, data, shards, {.shape = {3, 6, 6}});
  const auto some = make_torch_problem(network, data, shards, {.shape = {3, 6, 6}}, {}, Range{1, 2});
  const Vector x = start_of(*all);
  EXPECT_EQ(start_of(*some), x);
  Vector g(x.size()), expected(x.size());
  some->value_gradient(1, Rows::everything(), x, g);
  all->value_gradient(1, Rows::everything(), x, expected);
  EXPECT_EQ(g, expected);
  EXPECT_THROW(some->value_gradient(0, Rows::everything(), x, g), std::logic_error);
}

/// Dropout between two layers, one of which is frozen, and a parameter that the scores do not depend on.
struct OddNetwork : nn::Module {
  nn::Linear first{nullptr}, second{nullptr};
  torch::Tensor idle;

  OddNetwork() {
    first = register_module("first", nn::Linear(6, 4));
    second = register_module("second", nn::Linear(4, 3));
    idle = register_parameter("idle", torch::ones({2}));
    for (auto& parameter : first->parameters()) parameter.requires_grad_(false);
  }
  torch::Tensor forward(const torch::Tensor& rows) {
    return second->forward(torch::dropout(torch::tanh(first->forward(rows)), 0.5, is_training()));
  }
};

TEST(Torch, DropoutIsOffAndFrozenParametersAreNotInX) {
  const auto problem =
      make_torch_problem([] { return std::make_shared<OddNetwork>(); }, random_pixels(20, 6, 3, 1),
                         {range(0, 20)}, {.precision = Precision::f64});
  ASSERT_EQ(problem->dim(), 2 + 4 * 3 + 3);
  const Vector x = random_vector(problem->dim(), 3), v(problem->dim(), 1.0);
  expect_gradient_of_value(*problem, 0, Rows::everything(), x, 1e-7);
  Vector g(problem->dim(), 7.0), again(problem->dim(), 8.0);
  problem->value_gradient(0, Rows::everything(), x, g);
  problem->value_gradient(0, Rows::everything(), x, again);
  EXPECT_EQ(g, again);
  // A module's own parameters come before those of its parts.
  EXPECT_EQ(g[0], 0);
  EXPECT_EQ(g[1], 0);
  problem->hessian_vector(0, Rows::everything(), x, v, g);
  EXPECT_EQ(g[0], 0);
  EXPECT_TRUE(all_finite(g));
}

TEST(Torch, TheNetworksOfTheTable) {
  const Dataset grey = random_pixels(12, 28 * 28, 10, 1), coloured = random_pixels(12, 3 * 8 * 8, 10, 1);
  struct Case {
    TorchNetwork network;
    const Dataset& data;
    std::size_t dim;
  };
  const Case cases[] = {
      {TorchNetwork::cnn, grey, 1'663'370},  // as FedAvg's paper has it
      {TorchNetwork::cnn, coloured, 75 * 32 + 32 + 25 * 32 * 64 + 64 + (64 * 4 + 1) * 512 + 513 * 10},
      {TorchNetwork::resnet18, coloured, 11'173'962},
      {TorchNetwork::resnet18, grey, 11'173'962 - 2 * 9 * 64},
  };
  for (const Case& c : cases) {
    const auto problem = make_torch_network(c.network, c.data, {range(0, 12)}, {}, {}, {});
    ASSERT_EQ(problem->dim(), c.dim);
    const Vector x = start_of(*problem);
    Vector g(x.size()), h(x.size());
    const Measured measured = problem->value_gradient(0, Rows::everything(), x, g);
    EXPECT_NEAR(measured.value, std::log(10), 1.5) << "not far from a guess";
    EXPECT_TRUE(all_finite(g));
    const double slope = norm_sq(g);
    // A step along the gradient, short enough to see what it promises.
    Vector moved = x;
    axpy(-1e-4, g, moved);
    const double gain = measured.value - problem->value_gradient(0, Rows::everything(), moved, h).value;
    EXPECT_NEAR(gain, 1e-4 * slope, 0.2e-4 * slope);
    const std::vector<std::uint32_t> one = {3};
    problem->hessian_vector(0, Rows::listed(one), x, g, h);
    EXPECT_TRUE(all_finite(h));
  }
}

/// Images of 8 x 8 whose bright quarter is their class.
Dataset quarters(std::size_t rows) {
  Dataset data = random_pixels(rows, 64, 4, 1);
  auto& pixel = std::get<PixelRows>(data.features).pixel;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto label = static_cast<std::size_t>(data.labels[i]);
    for (std::size_t k = 0; k < 64; ++k) {
      const bool bright = k / 32 == label / 2 && k % 8 / 4 == label % 2;
      pixel[64 * i + k] = static_cast<std::uint8_t>(pixel[64 * i + k] / 2 + (bright ? 100 : 0));
    }
  }
  return data;
}

TEST(Torch, ScaledLocalStepsTrainIt) {
  const Dataset data = quarters(160);
  const Shards shards = split_rows(parse("shuffled"), data.labels, 4, 1);
  const auto problem = make_torch_network(TorchNetwork::cnn, data, shards, {}, {}, {});
  for (const auto& [name, step] :
       {std::pair{"savic(adam, steps=4)", 0.002}, {"savic(oasis, steps=4, alpha=0.1)", 0.02}}) {
    std::vector<double> last;
    for (const std::size_t threads : {1, 2}) {
      ThreadPool pool(threads);
      Fleet fleet(pool);
      const auto method = make_method(assemble(parse(name), {.problem = *problem, .batch = 10}), step);
      MemoryRecorder trace;
      solve(*problem, *method, fleet, {.rounds = 6}, trace);
      EXPECT_LT(trace.rows.back().f, 0.7 * trace.rows.front().f) << name;
      last.push_back(trace.rows.back().f);
    }
    EXPECT_EQ(last[0], last[1]) << name;
  }
}

TEST(Torch, RefusesWhatItCannotUse) {
  const Dataset data = random_pixels(5, 12, 2, 1);
  const auto error = [&](auto network, const TorchOptions& options = {}) {
    return error_of([&] { make_torch_problem(network, data, {range(0, 5)}, options); });
  };
  const auto linear = [] { return nn::Linear(12, 2); };
  EXPECT_EQ(error(linear), "no error");
  EXPECT_EQ(error([] { return nn::Linear(12, 3); }),
            "the module gives a row scores of shape 1 x 3; need 1 x 2, a score a class");
  EXPECT_TRUE(
      error([] { return nn::Linear(11, 2); }).starts_with("the module does not take rows of shape 12: "));
  EXPECT_EQ(
      error([] { return nn::Sequential(nn::Linear(12, 2), nn::BatchNorm1d(2)); }),
      "the module keeps running statistics (1.running_mean), which no method averages; need GroupNorm or "
      "the like in place of BatchNorm");
  EXPECT_EQ(error([] { return nn::Sequential(nn::ReLU()); }),
            "the module has no parameters that require a gradient; need at least one");
  EXPECT_EQ(error(linear, {.shape = {3, 5}}), "shape = 3 x 5; need one of 12 numbers, the columns of a row");
  EXPECT_EQ(error(linear, {.chunk = 0}), "chunk = 0; need chunk >= 1");
  EXPECT_EQ(error(linear, {.device = "abacus"}), "device = abacus; need cpu or cuda");
  EXPECT_TRUE(error(linear, {.device = "cuda:99"}).starts_with("device = cuda:99; this LibTorch sees "));
  EXPECT_EQ(error(linear, {.lambda = -1}), "lambda = -1; need a finite lambda >= 0");
  const auto network = [](const Dataset& images) {
    return error_of([&] { make_torch_network(TorchNetwork::resnet18, images, {range(0, 5)}, {}, {}, {}); });
  };
  EXPECT_EQ(network(data),
            "pixels: 12 pixels a row; need square images, grey or of three colours, of 8 x 8 at least");
  EXPECT_EQ(network(random_data(5, 64, Values::ones, 1, 2)),
            "random: its rows are no images; need such as those of mnist or cifar10");
}

}  // namespace
}  // namespace laconic
