// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/cpu.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "laconic/core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/core/cpu.cc"
#include "laconic/core/targets.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

const char* name() {
#if HWY_TARGET == HWY_AVX3
  return "v4";
#elif HWY_TARGET == HWY_AVX2
  return "v3";
#else
  return "baseline";
#endif
}

}  // namespace
}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

HWY_EXPORT(name);

struct Target {
  std::string_view name;
  std::int64_t mask;
};

/// The targets of this build, best first; what Highway calls static is the baseline.
constexpr Target kTargets[] = {
#if HWY_TARGETS & HWY_AVX3
    {"v4", HWY_AVX3},
#endif
#if HWY_TARGETS & HWY_AVX2
    {"v3", HWY_AVX2},
#endif
#if HWY_STATIC_TARGET != HWY_AVX3 && HWY_STATIC_TARGET != HWY_AVX2
    {"baseline", HWY_STATIC_TARGET},
#endif
};

}  // namespace

std::vector<std::string_view> usable_cpus() {
  const std::int64_t supported = hwy::SupportedTargets() | HWY_STATIC_TARGET;
  std::vector<std::string_view> usable;
  for (const Target& target : kTargets)
    if ((supported & target.mask) != 0) usable.push_back(target.name);
  return usable;
}

std::string_view used_cpu() { return HWY_DYNAMIC_DISPATCH(name)(); }

void use_cpu(std::string_view wanted) {
  const auto* const target = std::find_if(std::begin(kTargets), std::end(kTargets),
                                          [&](const Target& t) { return t.name == wanted; });
  check(target != std::end(kTargets), "unknown CPU target");
  hwy::GetChosenTarget().Update(target->mask);
}

void use_cpu_of_environment() {
  const char* const wanted = std::getenv("LACONIC_CPU");
  if (wanted == nullptr || *wanted == '\0') return;
  const auto usable = usable_cpus();
  if (std::find(usable.begin(), usable.end(), wanted) == usable.end()) {
    throw InputError(fmt::format("LACONIC_CPU = \"{}\"; this program has {} for this CPU", wanted,
                                 fmt::join(usable, ", ")));
  }
  use_cpu(wanted);
}

}  // namespace laconic
#endif
