// SPDX-License-Identifier: Apache-2.0
// In every test program: LACONIC_CPU chooses the kernels, as in the program.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include "laconic/core/cpu.h"

namespace laconic::testing {
namespace {

class CpuOfEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    const char* const wanted = std::getenv("LACONIC_CPU");
    if (wanted == nullptr || *wanted == '\0') return;
    const auto usable = usable_cpus();
    if (std::find(usable.begin(), usable.end(), wanted) == usable.end()) {
      std::printf("skipped: this machine cannot run the kernels for %s\n", wanted);
      std::exit(77);
    }
    use_cpu(wanted);
  }
};

[[maybe_unused]] const auto* const kEnvironment =
    ::testing::AddGlobalTestEnvironment(new CpuOfEnvironment);  // GoogleTest deletes it

}  // namespace
}  // namespace laconic::testing
