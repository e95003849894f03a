// SPDX-License-Identifier: Apache-2.0
// For laws about results that do not depend on the CPU.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "laconic/core/cpu.h"

namespace laconic::testing {

/// Calls action() with the kernels of each target that this machine can run, the best one first and again at
/// the end.
template <class Action>
void on_each_cpu(Action action) {
  const std::string best(used_cpu());
  for (const std::string_view cpu : usable_cpus()) {
    SCOPED_TRACE(std::string(cpu));
    use_cpu(cpu);
    action();
  }
  use_cpu(best);
}

}  // namespace laconic::testing
