// SPDX-License-Identifier: Apache-2.0
// 1-bit gradient coding: Li, Skoglund 2024, arXiv 2403.14716.
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/coding_parts.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/code.h"
#include "laconic/participation/decoder.h"

namespace laconic::recipe {
namespace {

Assembly gc_1bit(Arguments& args, const MethodSetting& s) {
  const Allocation allocation = replicated(args, setting_of_allocations(s));
  const Spec* given = args.find("encoder");
  Spec encoder = given == nullptr ? Spec("one-bit") : *given;
  for (const char* option : {"scale", "block", "bound"}) {
    if (const Spec* value = args.find(option)) encoder.options.emplace_back(option, *value);
  }
  return shared_star(s, allocation, direct(compressor(encoder, s)), unbiased_answers(args, s));
}

}  // namespace

std::vector<MethodRow> one_bit_gc_methods() {
  return {
      {"gc-1bit",
       "gc-1bit(redundancy=D, scale=linf|l2|block|fixed, block=N, bound=B, encoder=C, decode=ht|count)",
       "a bit a coordinate of coded gradients, through stragglers",
       "arXiv 2403.14716",
       gc_1bit,
       {},
       replicated},
  };
}

}  // namespace laconic::recipe
