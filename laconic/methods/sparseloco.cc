// SPDX-License-Identifier: Apache-2.0
// SparseLoCo: Sarfi, Therien, Lidin, Belilovsky 2025, arXiv 2508.15706, Algorithm 1.
#include <string>

#include <fmt/format.h>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// AdamW inside; the K largest entries of each chunk, in two bits, with error feedback that decays: e_i <-
/// decay e_i + D_i, m_i = Q(top-K(e_i)), e_i <- e_i - m_i, x <- x - alpha mean m_i. alpha is outer-step. The
/// driver has y_i - x = -D_i, and all signs the other way round.
Assembly sparseloco(Arguments& args, const MethodSetting& s) {
  LocalParts parts = plain_local_parts(s);
  parts.steps = local_steps_of(args, 30);
  const std::size_t keep = args.whole("keep", 64);
  const std::size_t chunk = args.whole("chunk", 4096);
  const std::string bits = args.choice("bits", {"2", "32"}, "2");
  const double decay = args.number_in("decay", 0.95, kShare);
  CompressorPtr top =
      compressor(parse(fmt::format("chunk-top-k({}, chunk={}, bits={})", keep, chunk, bits)), s);
  parts.mechanism = feedback(std::move(top), 1, decay);
  parts.senders = args.choice("average", {"clients", "senders"}, "clients") == "senders";
  const AdamW inner = adamw_of(args, {.decay = 0.1});  // of no effect with inner=sgd
  if (args.choice("inner", {"adamw", "sgd"}, "adamw") == "adamw") parts.inner = adamw(inner);
  return local(s, std::move(parts));
}

}  // namespace

std::vector<MethodRow> sparseloco_methods() {
  return {
      {"sparseloco",
       "sparseloco(steps=30, keep=64, chunk=4096, decay=0.95, bits=2|32, average=clients|senders, "
       "inner=adamw|sgd, beta1=0.9, beta2=0.999, weight-decay=0.1)",
       "steps of AdamW; the largest entries of each chunk in two bits, with error feedback",
       "arXiv 2508.15706", sparseloco, kHearsAll},
  };
}

}  // namespace laconic::recipe
