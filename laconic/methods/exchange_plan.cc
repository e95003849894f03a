// SPDX-License-Identifier: Apache-2.0
#include "laconic/methods/exchange_plan.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/message/wire.h"
#include "laconic/methods/methods.h"

namespace laconic {
namespace {

/// A problem of which only the sizes are known: methods are assembled for a problem.
class Sizes final : public Problem {
 public:
  explicit Sizes(const ExchangeSetting& setting) : setting_(setting) {}

  std::size_t dim() const override { return setting_.dim; }
  std::size_t shards() const override { return setting_.clients; }
  std::size_t rows(std::size_t /*shard*/) const override { return 1; }
  Measured value_gradient(std::size_t /*shard*/, Rows /*rows*/, View /*x*/, MutView /*g*/) const override {
    check(false, "an exchange takes the gradients of its caller");
    return {};
  }
  std::optional<Constants> constants(AllShards& /*all*/) const override { return {}; }
  std::vector<MatrixBlock> blocks() const override { return setting_.blocks; }

 private:
  const ExchangeSetting& setting_;
};

/// Why the parts of a method do not fit an exchange; nullptr if they do.
const char* reason_against(const StarParts& parts) {
  if (parts.anchor || (!parts.estimates.empty() && parts.estimates[0].at_previous))
    return "it needs gradients at two points in a round";
  if (!parts.participation->complete()) return "some of its clients do not take part in every round";
  if (parts.majority || parts.aggregation.rule || parts.aggregation.attack || parts.aggregation.senders)
    return "its server does not take the mean of the messages";
  if (parts.downlink.kind != DownlinkPlan::Kind::direction) return "it compresses what the server sends";
  if (parts.outer->memory() > 0 || parts.outer->adds_term())
    return "it has a rule for the server's step, which is the optimiser's here";
  return nullptr;
}

}  // namespace

Spec method_of_exchange(const Spec& spec, const ExchangeSetting& setting) {
  const auto has_name = [&](const auto& row) { return row.name == spec.name; };
  if (spec.kind != Spec::Kind::word || std::ranges::any_of(methods(), has_name) ||
      std::ranges::none_of(compressors(), has_name))
    return spec;
  const auto compressor = make_compressor(
      spec, {.dim = setting.dim, .clients = setting.clients, .wire = setting.wire, .blocks = setting.blocks});
  const Bound bound = compressor->bound();
  const bool loses = !bound.omega || *bound.omega > 0;
  Spec method(bound.alpha && loses ? "ef" : "dcgd");
  method.args.push_back(spec);
  return method;
}

ClientPlan plan_of_exchange(const Spec& spec, const ExchangeSetting& setting) {
  if (setting.dim == 0 || setting.dim >= kDimLimit)
    throw InputError(fmt::format("dim = {}; need 0 < dim < 2^32", setting.dim));
  if (setting.clients == 0) throw InputError("workers = 0; need at least 1");
  if (setting.momentum && !(*setting.momentum >= 0 && *setting.momentum < 1))
    throw InputError(fmt::format("momentum = {}; need 0 <= momentum < 1", *setting.momentum));
  const Sizes sizes(setting);
  const Spec method = method_of_exchange(spec, setting);
  const Assembly assembly = assemble(method, {.problem = sizes, .wire = setting.wire});
  const auto refuse = [&](const std::string& reason) {
    throw InputError(fmt::format("{}: no exchange of gradients has it: {}", print(method), reason));
  };
  const auto* star = std::get_if<StarParts>(&assembly.parts);
  if (star == nullptr) refuse("it takes local steps, or has no server");
  const auto is_allocated = [&](const MethodRow& row) { return row.name == method.name && row.allocate; };
  if (std::ranges::any_of(methods(), is_allocated)) refuse("its clients hold each other's data");
  if (const char* reason = reason_against(*star)) refuse(reason);
  ClientPlan plan{.estimates = star->estimates, .mechanism = star->mechanism};
  if (setting.momentum) {
    if (!plan.estimates.empty()) refuse("it has a running mean of its own; leave momentum out");
    plan.estimates.push_back({.keep = *setting.momentum});
  }
  return plan;
}

}  // namespace laconic
