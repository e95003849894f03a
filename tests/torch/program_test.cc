// SPDX-License-Identifier: Apache-2.0
// The program, built with LibTorch.
#include "tests/program.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/cifar_content.h"
#include "tests/support.h"

namespace laconic {
namespace {

using namespace laconic::testing;

class TorchProgram : public ::testing::Test {
 protected:
  /// CIFAR-10's small files, with a few images in ten brightnesses.
  TorchProgram() {
    std::string images;
    for (int k = 0; k < 40; ++k)
      images += cifar_record(k % 10, static_cast<char>(20 * (k % 10)), static_cast<char>(k), 7);
    folder_.write("cifar10_train_10k.bin", images);
    folder_.write("cifar10_test_2k.bin", images);
  }

  [[nodiscard]] Said run(const std::string& problem, const std::string& threads) const {
    return laconic(
        {"run", "problem=" + problem, "clients=4", "method=savic(adam, steps=3)", "step=0.002", "batch=5",
         "rounds=4", "eval-every=2", "threads=" + threads, "out=" + folder_.path(threads)},
        "LACONIC_DATA=" + folder_.path());
  }

  TemporaryFolder folder_;
};

TEST_F(TorchProgram, RunsTheSameOnAnyNumberOfThreads) {
  for (const char* threads : {"1", "2"}) {
    const Said said = run("torch(cnn, cifar10, rows=36, lambda=1e-4)", threads);
    EXPECT_EQ(said.code, 0) << said.text;
  }
  EXPECT_NE(content_of(folder_.path("1/clients.csv")), "");
  for (const char* name : {"/trace.csv", "/x.npy"}) {
    EXPECT_NE(content_of(folder_.path("1") + name), "");
    EXPECT_EQ(content_of(folder_.path("2") + name), content_of(folder_.path("1") + name));
  }
}

TEST_F(TorchProgram, SaysInOneLineWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"torch(vgg, cifar10)", "torch(vgg, cifar10): network = vgg; need cnn or resnet18"},
      {"torch(cnn)", "torch(cnn): its data set is missing, a name such as a9a"},
      {"torch(cnn, generated)",
       "torch(cnn, generated): data = generated; need images, such as mnist or cifar10"},
      {"torch(cnn, cifar10, device=tpu)", "torch(cnn, cifar10, device=tpu): device = tpu; need cpu or cuda"},
  };
  for (const auto& [problem, message] : cases) {
    const Said said = run(problem, "1");
    EXPECT_EQ(said.code, 2);
    EXPECT_NE(said.text.find(message), std::string::npos) << said.text;
    EXPECT_EQ(said.text.find("laconic: problem: column 1: torch"), 0) << said.text;
    EXPECT_EQ(std::count(said.text.begin(), said.text.end(), '\n'), 1) << said.text;
  }
}

}  // namespace
}  // namespace laconic
