// SPDX-License-Identifier: Apache-2.0
// The instructions that the kernels use. Highway compiles each kernel once for every target in targets.h, and
// calls go to the best of them that this CPU has.
#pragma once

#include <string_view>
#include <vector>

namespace laconic {

/// The targets that this build has and this CPU can run, best first: "v4" (x86-64-v4, AVX-512), "v3"
/// (x86-64-v3, AVX2 and FMA), "baseline" (the instructions of LACONIC_MARCH).
std::vector<std::string_view> usable_cpus();

/// The target that the kernels use.
std::string_view used_cpu();

/// From now on, kernels use this target, which must be one of usable_cpus(). Not while kernels run.
void use_cpu(std::string_view name);

/// use_cpu() with the value of the environment variable LACONIC_CPU, if it is set. Throws InputError if this
/// CPU or this build does not have it. Programs call it once, before any other function of this library.
void use_cpu_of_environment();

}  // namespace laconic
