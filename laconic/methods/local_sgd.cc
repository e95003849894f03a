// SPDX-License-Identifier: Apache-2.0
// Local SGD: Stich 2019, arXiv 1805.09767.
#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// Local SGD with full participation.
Assembly local_sgd(Arguments& args, const MethodSetting& s) {
  LocalParts parts = local_parts(args, s);
  parts.steps = local_steps_of(args);
  parts.inner = inner_of(args);
  return local(s, std::move(parts));
}

}  // namespace

std::vector<MethodRow> local_sgd_methods() {
  return {
      {"local-sgd", "local-sgd(steps=H, momentum=0, momentum-at-sync=average|reset, compressor=C)",
       "H local steps, then the mean of all", "arXiv 1805.09767", local_sgd, kHearsAll},
  };
}

}  // namespace laconic::recipe
