// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/cpu.h"

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "tests/cpus.h"

namespace laconic {
namespace {

using testing::on_each_cpu;

TEST(Cpu, TheBestOneIsUsed) {
  const auto usable = usable_cpus();
  ASSERT_FALSE(usable.empty());
  if (std::getenv("LACONIC_CPU") != nullptr) GTEST_SKIP() << "LACONIC_CPU chooses";
  EXPECT_EQ(used_cpu(), usable.front());
}

TEST(Cpu, AnotherCanBeForced) {
  const std::string before(used_cpu());
  std::size_t used = 0;
  for (const std::string_view cpu : usable_cpus()) {
    use_cpu(cpu);
    used += used_cpu() == cpu ? 1 : 0;
  }
  EXPECT_EQ(used, usable_cpus().size());
  use_cpu(before);
}

class Environment : public ::testing::Test {
 protected:
  Environment() {
    if (const char* const value = std::getenv("LACONIC_CPU")) before_ = value;
  }
  ~Environment() override {
    if (before_.empty()) {
      unsetenv("LACONIC_CPU");
    } else {
      setenv("LACONIC_CPU", before_.c_str(), 1);
    }
  }

 private:
  std::string before_;
};

TEST_F(Environment, ChoosesACpu) {
  const std::string best(used_cpu());
  const std::string last(usable_cpus().back());
  setenv("LACONIC_CPU", last.c_str(), 1);
  use_cpu_of_environment();
  EXPECT_EQ(used_cpu(), last);
  use_cpu(best);
}

TEST_F(Environment, AnEmptyNameChoosesNothing) {
  const std::string before(used_cpu());
  setenv("LACONIC_CPU", "", 1);
  use_cpu_of_environment();
  EXPECT_EQ(used_cpu(), before);
}

TEST_F(Environment, AnUnknownCpuIsRefused) {
  for (const char* const wrong : {"v9", "V3", "v3 ", " "}) {
    setenv("LACONIC_CPU", wrong, 1);
    try {
      use_cpu_of_environment();
      ADD_FAILURE() << wrong << " was taken";
    } catch (const InputError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("LACONIC_CPU = \"" + std::string(wrong) + "\"; "))
          << error.what();
      EXPECT_NE(std::string(error.what()).find(usable_cpus().back()), std::string::npos);
    }
  }
}

TEST(Cpu, EveryOneDrawsTheSameWords) {
  for (const std::size_t count : {1, 16, 17, 63, 64, 127, 128, 129, 500}) {
    const Stream stream = Key{.seed = 5, .round = 3}.stream(Purpose::compressor);
    const std::uint64_t first = (std::uint64_t{1} << 32) - 3;  // the carry into the upper word is inside
    std::vector<std::uint32_t> expected;
    for (std::uint64_t block = first; expected.size() < count; ++block) {
      for (const std::uint32_t word : stream.block(block)) expected.push_back(word);
    }
    expected.resize(count);
    on_each_cpu([&] {
      std::vector<std::uint32_t> words(count);
      stream.fill(first, words);
      EXPECT_EQ(words, expected);
    });
  }
}

TEST(Cpu, EveryOneHasTheSameSums) {
  for (const std::size_t n : {0, 1, 15, 16, 17, 100, 1000}) {
    Vector a(n), b(n);
    fill_normal(Key{.seed = 1}.stream(Purpose::start), a);
    fill_normal(Key{.seed = 2}.stream(Purpose::start), b);
    const std::vector<float> floats(a.begin(), a.end());
    std::vector<Vector> found;
    on_each_cpu([&] {
      Vector sums = {dot(a, b), norm_sq(a), norm_sq(floats), distance_sq(a, b)};
      Vector y = b;
      axpy(0.3, a, y);
      scale(1.7, y);
      subtract(y, a, y);
      sums.insert(sums.end(), y.begin(), y.end());
      EXPECT_TRUE(all_finite(y) && all_finite(floats));
      if (n > 0) {
        y.back() = std::nan("");
        EXPECT_FALSE(all_finite(y));
      }
      found.push_back(sums);
      EXPECT_EQ(sums, found.front());
    });
  }
}

}  // namespace
}  // namespace laconic
