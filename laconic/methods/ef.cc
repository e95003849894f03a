// SPDX-License-Identifier: Apache-2.0
// Classic error feedback: Seide, Fu, Droppo, Li, Yu, Interspeech 2014; Karimireddy, Rebjock, Stich, Jaggi
// 2019, arXiv 1901.09847.
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// m_i = C(e_i + g_i(x)), e_i <- e_i + g_i(x) - m_i, x <- x - gamma mean m_i.
Assembly ef(Arguments& args, const MethodSetting& s) {
  CompressorPtr c = compressor(args.required("compressor", 0, "ef(top-k(10))"), s);
  const Bound bound = c->bound();
  if (!bound.alpha) args.fail("needs a contractive compressor, such as top-k(10)");
  Assembly m = star(s, {.oracle = full_or_batch(s),
                        .mechanism = feedback(std::move(c), 1),
                        .participation = everyone(s.problem.shards())});
  m.facts.emplace_back("alpha", *bound.alpha);
  // With more clients it does not converge to the minimum, where the gradients of the clients are not 0.
  if (s.constants && !s.batch && s.problem.shards() == 1)
    m.tight =
        tight_theorem(*s.constants, *bound.alpha, "|x - x* - gamma e|^2 + |gamma e|^2 / sqrt(1 - alpha)");
  return m;
}

}  // namespace

std::vector<MethodRow> ef_methods() {
  return {
      {"ef", "ef(C)", "classic error feedback: what is not sent is added to the next gradient",
       "arXiv 1901.09847", ef, kHearsAll},
  };
}

}  // namespace laconic::recipe
