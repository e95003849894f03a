// SPDX-License-Identifier: Apache-2.0
// Bernoulli gradient coding: Charles, Papailiopoulos, Ellenberg 2017, arXiv 1711.06771.
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/coding_parts.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/code.h"
#include "laconic/participation/decoder.h"

namespace laconic::recipe {
namespace {

struct ByChance {
  Allocation allocation;
  // mean number of clients that hold a shard, times the share of clients that are not gone
  double redundancy;
};

ByChance by_chance(Arguments& args, const AllocationSetting& setting) {
  const auto d = redundancy_of(args);
  Allocation allocation = make_allocation("bernoulli", d, setting);
  require_held(args, allocation, setting);
  const double n = static_cast<double>(setting.clients);
  const double living = (n - static_cast<double>(setting.gone.size())) / n;
  const double mean = d ? static_cast<double>(*d) : allocation.loads().mean;
  return {std::move(allocation), mean * living};
}

Assembly bgc(Arguments& args, const MethodSetting& s) {
  const auto [allocation, d] = by_chance(args, setting_of_allocations(s));
  const Code code = sum_code(allocation);
  const std::string decode = decoding(args, s, {"ht", "count", "lsq"});
  return coded_star(s, allocation,
                    {.oracle = coded_oracle(s, allocation, code),
                     .mechanism = direct(identity(s)),
                     .participation = decode == "lsq" ? answers(s, by_least_squares(code, false))
                                                      : unbiased_answers(args, s, decode, 1 / d)});
}

}  // namespace

std::vector<MethodRow> bgc_methods() {
  return {
      {"bgc",
       "bgc(redundancy=D, decode=ht|count|lsq)",
       "sums of the gradients that a client holds by chance",
       "arXiv 1711.06771",
       bgc,
       {},
       [](Arguments& args, const AllocationSetting& setting) { return by_chance(args, setting).allocation; }},
  };
}

}  // namespace laconic::recipe
