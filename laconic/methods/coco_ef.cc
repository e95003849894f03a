// SPDX-License-Identifier: Apache-2.0
// COCO-EF: arXiv 2603.16353. Without redundancy and stragglers it is EF-signSGD, arXiv 1901.09847.
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/coding_parts.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/code.h"
#include "laconic/participation/decoder.h"

namespace laconic::recipe {
namespace {

Assembly coco_ef(Arguments& args, const MethodSetting& s) {
  const Spec* given = args.find("compressor", 0);
  CompressorPtr c = compressor(given == nullptr ? Spec("sign") : *given, s);
  const Bound bound = c->bound();
  if (!bound.alpha)
    args.fail("coco-ef needs a contractive compressor, such as sign, sign(block=64) or top-k(10)");
  const Allocation allocation = replicated(args, setting_of_allocations(s));
  const double n = static_cast<double>(s.problem.shards());
  Assembly m =
      coded_star(s, allocation,
                 {.oracle = coded_oracle(s, allocation, share_code(allocation)),
                  .mechanism = feedback(std::move(c), 1 / (1 - lateness(args, s))),
                  .participation = s.stragglers ? answers(s, equally(1 / n)) : everyone(s.problem.shards())});
  m.facts.emplace_back("alpha", *bound.alpha);
  return m;
}

}  // namespace

std::vector<MethodRow> coco_ef_methods() {
  return {
      {"coco-ef",
       "coco-ef(C=sign, redundancy=D)",
       "coded gradients, compressed with error feedback",
       "arXiv 2603.16353",
       coco_ef,
       {},
       replicated},
  };
}

}  // namespace laconic::recipe
