// SPDX-License-Identifier: Apache-2.0
// Local D-SGD: Koloskova, Loizou, Boreiri, Jaggi, Stich 2020, arXiv 2003.10422. With one local step it is
// D-SGD.
#include "laconic/methods/parts.h"
#include "laconic/rounds/gossip.h"

namespace laconic::recipe {
namespace {

/// Local D-SGD; with one step D-SGD.
Assembly d_sgd(Arguments& args, const MethodSetting& s) {
  return gossip(args, s, {.oracle = full_or_batch(s), .steps = local_steps_of(args)});
}

}  // namespace

std::vector<MethodRow> d_sgd_methods() {
  return {
      {"d-sgd", "d-sgd(steps=K)", "K local steps, then the mean of the neighbours' models",
       "arXiv 2003.10422", d_sgd, kNeighbours},
  };
}

}  // namespace laconic::recipe
