// SPDX-License-Identifier: Apache-2.0
// SCAFFOLD: Karimireddy, Kale, Mohri, Reddi, Stich, Suresh, ICML 2020, arXiv 1910.06378. Full participation,
// control variates by option II.
#include "laconic/rounds/scaffold.h"

#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// SCAFFOLD (Karimireddy, Kale, Mohri, Reddi, Stich, Suresh, ICML 2020, arXiv 1910.06378), full
/// participation, option II.
Assembly scaffold(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  return scaffold_star(s, {.oracle = full_or_batch(s), .steps = steps});
}

}  // namespace

std::vector<MethodRow> scaffold_methods() {
  return {
      {"scaffold", "scaffold(steps=K)", "local steps; a server corrects their drift", "arXiv 1910.06378",
       scaffold, kHearsAll},
  };
}

}  // namespace laconic::recipe
