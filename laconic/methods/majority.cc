// SPDX-License-Identifier: Apache-2.0
// signSGD with majority vote: Bernstein, Wang, Azizzadenesheli, Anandkumar, ICML 2018, arXiv 1802.04434.
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/coding_parts.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/code.h"
#include "laconic/participation/decoder.h"

namespace laconic::recipe {
namespace {

Assembly majority(Arguments& args, const MethodSetting& s) {
  const Allocation allocation = replicated(args, setting_of_allocations(s));
  return coded_star(s, allocation,
                    {.oracle = coded_oracle(s, allocation, share_code(allocation)),
                     .mechanism = direct(compressor(parse("sign(scale=one)"), s)),
                     .participation = answers(s, equally(1)),
                     .majority = true});
}

}  // namespace

std::vector<MethodRow> majority_methods() {
  return {
      {"majority",
       "majority(redundancy=D)",
       "signSGD: signs up, the sign that most have down",
       "arXiv 1802.04434",
       majority,
       {},
       replicated},
  };
}

}  // namespace laconic::recipe
