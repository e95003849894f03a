// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/gradients_ahead.h"

#include <gmock/gmock.h>

namespace laconic {
namespace {

using ::testing::ElementsAre;

/// f_i(x) = (i + 1) (x_0 + 2 x_1), which counts its gradients.
class Counted final : public Problem {
 public:
  [[nodiscard]] std::size_t dim() const override { return 2; }
  [[nodiscard]] std::size_t shards() const override { return 3; }
  [[nodiscard]] std::size_t rows(std::size_t /*shard*/) const override { return 1; }
  Measured value_gradient(std::size_t shard, Rows /*rows*/, View x, MutView g) const override {
    ++computed;
    const double factor = static_cast<double>(shard) + 1;
    g[0] = factor;
    g[1] = 2 * factor;
    return {factor * (x[0] + 2 * x[1]), factor};
  }
  [[nodiscard]] bool shares_passes() const override { return true; }
  [[nodiscard]] std::optional<Constants> constants(AllShards& /*all*/) const override { return {}; }

  mutable std::size_t computed = 0;
};

TEST(GradientsAhead, AreFoundAtTheirPointsOnly) {
  const auto problem = std::make_shared<Counted>();
  GradientsAhead first(problem), second(problem);
  const Vector x = {1, 0}, y = {3, 4}, other = {1, -0.0};
  Vector g(2);
  const auto value_at = [&](const GradientsAhead& of, std::size_t shard, const Vector& point) {
    fill(g, 0.0);
    return of.value_gradient(shard, Rows::everything(), point, g).value;
  };
  EXPECT_EQ(value_at(first, 0, x), 1);
  EXPECT_EQ(problem->computed, 1U);
  EXPECT_TRUE(first.is_used());  // nothing was in vain

  const GradientsAhead::Run runs[] = {{&first, x}, {&second, y}};
  GradientsAhead::compute(runs);
  EXPECT_EQ(problem->computed, 7U);
  for (std::size_t i = 0; i < 3; ++i) {
    const double factor = static_cast<double>(i) + 1;
    EXPECT_FALSE(first.is_used());
    EXPECT_EQ(value_at(first, i, x), factor);
    EXPECT_THAT(g, ElementsAre(factor, 2 * factor));
    EXPECT_EQ(value_at(second, i, y), 11 * factor);
  }
  EXPECT_TRUE(first.is_used());
  EXPECT_EQ(problem->computed, 7U);

  EXPECT_EQ(value_at(first, 1, y), 22);
  EXPECT_EQ(value_at(first, 1, other), 2);
  const std::vector<std::uint32_t> list = {0};
  first.value_gradient(1, Rows::listed(list), x, g);
  EXPECT_EQ(problem->computed, 10U);
}

TEST(GradientsAhead, NeedLittleMemory) {
  class Wide final : public Like {
   public:
    using Like::Like;
    [[nodiscard]] std::size_t dim() const override { return std::size_t{1} << 20; }
  };
  const auto problem = std::make_shared<Counted>();
  EXPECT_TRUE(GradientsAhead::pays(*problem));
  EXPECT_FALSE(GradientsAhead::pays(Wide(problem)));
}

}  // namespace
}  // namespace laconic
