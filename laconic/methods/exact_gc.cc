// SPDX-License-Identifier: Apache-2.0
// Gradient coding: Tandon, Lei, Dimakis, Karampatziakis, ICML 2017, arXiv 1612.03301.
#include <fmt/format.h>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/coding_parts.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/code.h"
#include "laconic/participation/decoder.h"

namespace laconic::recipe {
namespace {

struct ExactCode {
  Allocation allocation;
  bool in_groups;
  std::size_t tolerates;
};

ExactCode exact_code(Arguments& args, const AllocationSetting& setting) {
  const std::string code = args.choice("code", {"fractional", "cyclic"}, "fractional");
  const std::size_t tolerates = args.whole("tolerates", 1);
  if (tolerates >= setting.clients)
    args.fail(fmt::format("tolerates = {}; need tolerates < {}, the clients", tolerates, setting.clients));
  if (setting.gone.size() > tolerates)
    args.fail(fmt::format("{} clients are gone, which is more than it tolerates", setting.gone.size()));
  return {ruled(args, setting, code, tolerates + 1), code == "fractional", tolerates};
}

Assembly exact_gc(Arguments& args, const MethodSetting& s) {
  const auto [allocation, in_groups, tolerates] = exact_code(args, setting_of_allocations(s));
  const Code code =
      in_groups ? sum_code(allocation) : cyclic_code(s.problem.shards(), tolerates, s.split_seed);
  return coded_star(s, allocation,
                    {.oracle = coded(full_or_batch(s), code),
                     .mechanism = direct(identity(s)),
                     .participation = answers(
                         s, in_groups ? one_of_each_group(allocation, true) : by_least_squares(code, true))});
}

}  // namespace

std::vector<MethodRow> exact_gc_methods() {
  return {
      {"exact-gc",
       "exact-gc(tolerates=S, code=fractional|cyclic)",
       "the exact gradient, whichever S clients are late (cyclic: with wire=f64); of more, no step",
       "arXiv 1612.03301",
       exact_gc,
       {},
       [](Arguments& args, const AllocationSetting& setting) {
         return exact_code(args, setting).allocation;
       }},
  };
}

}  // namespace laconic::recipe
