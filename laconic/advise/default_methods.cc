// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/candidates.h"

namespace laconic {
namespace {

struct Candidate {
  const char* method;
  enum class When { full, batch, topology } when;  // full gradients, minibatches, or no server
};

constexpr auto kFull = Candidate::When::full;
constexpr auto kBatch = Candidate::When::batch;
constexpr auto kTopology = Candidate::When::topology;

constexpr Candidate kCandidates[] = {
    {"gd", kFull},
    {"diana(rand-k(1%))", kFull},
    {"diana(natural)", kFull},
    {"marina(rand-k(1%))", kFull},
    {"marina(perm-k)", kFull},
    {"ef21(top-k(1%))", kFull},
    {"clag(top-k(1%), zeta=16)", kFull},
    {"local-sgd(steps=8)", kFull},
    {"scaffold(steps=8)", kFull},

    {"gd", kBatch},
    {"diana(rand-k(1%))", kBatch},
    {"diana(natural)", kBatch},
    {"vr-marina(rand-k(1%))", kBatch},
    {"ef21(top-k(1%))", kBatch},
    {"local-sgd(steps=8)", kBatch},
    {"scaffold(steps=8)", kBatch},

    {"d-sgd", kTopology},
    {"d-sgd(steps=8)", kTopology},
    {"gt", kTopology},
    {"k-gt(steps=8)", kTopology},
};

}  // namespace

std::vector<std::string> candidates(const Config& config) {
  const auto when = config.topology ? kTopology : config.batch ? kBatch : kFull;
  std::vector<std::string> methods;
  for (const Candidate& candidate : kCandidates) {
    if (candidate.when == when) methods.emplace_back(candidate.method);
  }
  return methods;
}

}  // namespace laconic
