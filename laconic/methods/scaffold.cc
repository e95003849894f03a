// SPDX-License-Identifier: Apache-2.0
// SCAFFOLD: Karimireddy, Kale, Mohri, Reddi, Stich, Suresh, ICML 2020, arXiv 1910.06378. Full participation,
// control variates by option II.
#include "laconic/rounds/scaffold.h"

#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

Assembly scaffold(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  const bool one = args.choice("vectors", {"1", "2"}, "2") == "1";
  if (!one) return scaffold_star(s, {.oracle = full_or_batch(s), .steps = steps});
  // The server knows y_i, and so c_i+: with h_i = c_i - c it is Scaffnew with K steps (arXiv 2202.09357).
  require_whole_downlink(args, s);
  LocalParts parts = plain_local_parts(s);
  parts.steps = steps;
  parts.control = {.rate = 1 / static_cast<double>(steps)};
  return local(s, std::move(parts));
}

}  // namespace

std::vector<MethodRow> scaffold_methods() {
  return {
      {"scaffold", "scaffold(steps=K, vectors=2|1)",
       "local steps; a server corrects their drift; vectors=1: the same iterates with one vector each way",
       "arXiv 1910.06378", scaffold, kHearsAll},
  };
}

}  // namespace laconic::recipe
