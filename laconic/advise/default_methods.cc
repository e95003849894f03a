// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/default_methods.h"

namespace laconic {
namespace {

struct DefaultMethod {
  const char* method;
  enum class When { full, batch, topology } when;  // full gradients, minibatches, or no server
};

constexpr auto kFull = DefaultMethod::When::full;
constexpr auto kBatch = DefaultMethod::When::batch;
constexpr auto kTopology = DefaultMethod::When::topology;

constexpr DefaultMethod kDefaults[] = {
    {"gd", kFull},
    {"diana(rand-k(1%), init=exact)", kFull},
    {"diana(natural)", kFull},
    {"marina(rand-k(1%))", kFull},
    {"marina(perm-k)", kFull},
    {"ef21(top-k(1%))", kFull},
    {"ef21-bc(top-k(1%), top-k(1%))", kFull},
    {"clag(top-k(1%), zeta=16)", kFull},
    {"local-sgd(steps=8)", kFull},
    {"scaffold(steps=8)", kFull},

    {"gd", kBatch},
    {"diana(natural)", kBatch},
    {"vr-marina(rand-k(1%))", kBatch},
    {"ef21(top-k(1%))", kBatch},
    {"ef21-sgdm(top-k(1%), eta=0.1)", kBatch},
    {"local-sgd(steps=8)", kBatch},
    {"scaffold(steps=8)", kBatch},
    {"diloco(steps=8)", kBatch},

    {"d-sgd", kTopology},
    {"d-sgd(steps=8)", kTopology},
    {"gt", kTopology},
    {"k-gt(steps=8)", kTopology},
    {"choco(top-k(10%), gamma=0.2)", kTopology},
    {"beer(top-k(10%), gamma=0.2)", kTopology},
};

}  // namespace

std::vector<Spec> default_methods(const Config& config) {
  const auto when = config.topology ? kTopology : config.batch ? kBatch : kFull;
  std::vector<Spec> methods;
  for (const DefaultMethod& row : kDefaults) {
    if (row.when == when) methods.push_back(parse(row.method));
  }
  return methods;
}

}  // namespace laconic
