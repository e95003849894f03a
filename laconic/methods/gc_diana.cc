// SPDX-License-Identifier: Apache-2.0
// Coded differences: DIANA (arXiv 1901.09269) on coded gradients.
#include <fmt/format.h>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/coding_parts.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/code.h"
#include "laconic/participation/decoder.h"

namespace laconic::recipe {
namespace {

Assembly gc_diana(Arguments& args, const MethodSetting& s) {
  const Spec* given = args.find("compressor", 0);
  const Spec spec = given == nullptr ? Spec("one-bit") : *given;
  CompressorPtr q = compressor(spec, s);
  const Bound bound = q->bound();
  if (!bound.omega)
    args.fail(fmt::format("gc-diana needs an unbiased compressor: {} is not; use one-bit", print(spec)));
  const double alpha = args.number_in("alpha", 1 / (1 + *bound.omega), kPositiveShare);
  Assembly m = shared_star(s, replicated(args, setting_of_allocations(s)), memory(std::move(q), alpha),
                           unbiased_answers_alike(args, s));
  m.facts.insert(m.facts.end(), {{"omega", *bound.omega}, {"alpha", alpha}});
  return m;
}

}  // namespace

std::vector<MethodRow> gc_diana_methods() {
  return {
      {"gc-diana",
       "gc-diana(Q=one-bit, redundancy=D, alpha=1/(1+omega), decode=ht|count)",
       "coded gradients, compressed as differences to a memory",
       "arXiv 1901.09269",
       gc_diana,
       {},
       replicated},
  };
}

}  // namespace laconic::recipe
