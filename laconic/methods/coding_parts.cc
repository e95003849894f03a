// SPDX-License-Identifier: Apache-2.0
#include "laconic/methods/coding_parts.h"

#include <utility>

#include <fmt/format.h>

namespace laconic::recipe {

std::optional<std::size_t> redundancy_of(Arguments& args) {
  const std::size_t d = args.whole("redundancy", 0, 1);
  return d == 0 ? std::nullopt : std::optional(d);
}

Allocation replicated(Arguments& args, const AllocationSetting& setting) {
  return without(make_allocation("random", redundancy_of(args), setting), setting.gone);
}

void require_held(Arguments& args, const Allocation& allocation, const AllocationSetting& setting) {
  const Allocation left = without(allocation, setting.gone);
  for (std::uint32_t i = 0; i < left.clients(); ++i) {
    if (left.held(i).size() > allocation.held(i).size())
      args.fail("clients are gone that alone held some of the data, and no other can take their place");
  }
}

Allocation ruled(Arguments& args, const AllocationSetting& setting, const std::string& rule, std::size_t d) {
  if (setting.rule && *setting.rule != Spec(rule))
    args.fail(fmt::format("allocation = {}; this is about {}", print(*setting.rule), rule));
  Allocation allocation = make_allocation(rule, d, setting);
  require_held(args, allocation, setting);
  return allocation;
}

Assembly coded_star(const MethodSetting& s, const Allocation& allocation, StarParts parts) {
  Assembly m = star_as_it_is(s, std::move(parts));
  const MinMeanMax loads = allocation.loads();
  const MinMeanMax overlaps = allocation.overlaps();
  m.facts = {{"load, least", loads.least},     {"load, mean", loads.mean},
             {"load, most", loads.most},       {"overlap, least", overlaps.least},
             {"overlap, mean", overlaps.mean}, {"overlap, most", overlaps.most}};
  if (const std::size_t lost = allocation.lost(); lost > 0) {
    m.facts.emplace_back("subsets lost", static_cast<double>(lost));
    m.warnings.push_back(
        fmt::format("{} of {} shards are held by no client; what is learned does not know of them", lost,
                    allocation.subsets()));
  }
  return m;
}

std::unique_ptr<Oracle> coded_oracle(const MethodSetting& s, const Allocation& allocation, Code code) {
  return allocation.is_identity() ? full_or_batch(s) : coded(full_or_batch(s), std::move(code));
}

Assembly shared_star(const MethodSetting& s, const Allocation& allocation, MechanismPtr mechanism,
                     std::unique_ptr<Participation> participation) {
  return coded_star(s, allocation,
                    {.oracle = coded_oracle(s, allocation, share_code(allocation)),
                     .mechanism = std::move(mechanism),
                     .participation = std::move(participation)});
}

}  // namespace laconic::recipe
