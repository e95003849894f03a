// SPDX-License-Identifier: Apache-2.0
// ErasureHead: Wang, Charles, Papailiopoulos 2019, arXiv 1901.09671.
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/coding_parts.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/code.h"
#include "laconic/participation/decoder.h"

namespace laconic::recipe {
namespace {

Allocation in_groups(Arguments& args, const AllocationSetting& setting) {
  return ruled(args, setting, "fractional", redundancy_of(args).value_or(1));
}

Assembly erasurehead(Arguments& args, const MethodSetting& s) {
  const Allocation allocation = in_groups(args, setting_of_allocations(s));
  return coded_star(s, allocation,
                    {.oracle = coded_oracle(s, allocation, sum_code(allocation)),
                     .mechanism = direct(identity(s)),
                     .participation = answers(s, one_of_each_group(allocation, false))});
}

}  // namespace

std::vector<MethodRow> erasurehead_methods() {
  return {
      {"erasurehead",
       "erasurehead(redundancy=D)",
       "one answer of each group of clients that hold the same",
       "arXiv 1901.09671",
       erasurehead,
       {},
       in_groups},
  };
}

}  // namespace laconic::recipe
