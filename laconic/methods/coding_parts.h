// SPDX-License-Identifier: Apache-2.0
// Shared by methods of gradient coding: clients hold each other's data, and some answer late.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/code.h"

namespace laconic::recipe {

/// The argument `redundancy`; nothing if it is not given.
std::optional<std::size_t> redundancy_of(Arguments& args);

/// The run's allocation, random by default. The remaining clients take over shards that only gone clients
/// held.
Allocation replicated(Arguments& args, const AllocationSetting& setting);

/// InputError if some data was held only by clients that are gone. The allocation is part of the method here,
/// so no other client can take over the data.
void require_held(Arguments& args, const Allocation& allocation, const AllocationSetting& setting);

/// The allocation by this rule. InputError if the run asks for another rule.
Allocation ruled(Arguments& args, const AllocationSetting& setting, const std::string& rule, std::size_t d);

/// A star assembly, with the facts of its allocation.
Assembly coded_star(const MethodSetting& s, const Allocation& allocation, StarParts parts);

/// The gradient that a client computes: of its own shard if there is no redundancy, else the code of all
/// shards that it holds.
std::unique_ptr<Oracle> coded_oracle(const MethodSetting& s, const Allocation& allocation, Code code);

/// A star in which clients send h_i = sum_k S_ik g_k / d_k through a mechanism. The mean of the h_i is the
/// gradient.
Assembly shared_star(const MethodSetting& s, const Allocation& allocation, MechanismPtr mechanism,
                     std::unique_ptr<Participation> participation);

}  // namespace laconic::recipe
