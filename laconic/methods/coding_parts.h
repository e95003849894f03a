// SPDX-License-Identifier: Apache-2.0
// What methods of gradient coding share: clients hold each other's data, and some answer late.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/code.h"

namespace laconic::recipe {

/// The argument `redundancy`; nothing where it is not given.
std::optional<std::size_t> redundancy_of(Arguments& args);

/// The run's allocation, random by default. The clients that are left take over what only others held.
Allocation replicated(Arguments& args, const AllocationSetting& setting);

/// InputError where a client is gone that alone held some data: here an allocation is part of the method, and no
/// other client can take the data over.
void require_held(Arguments& args, const Allocation& allocation, const AllocationSetting& setting);

/// An allocation by that rule and no other.
Allocation ruled(Arguments& args, const AllocationSetting& setting, const std::string& rule, std::size_t d);

/// The assembly, with what there is to know of its allocation.
Assembly coded_star(const MethodSetting& s, const Allocation& allocation, StarParts parts);

/// What a client computes: the gradient of its own shard as everywhere, or the code of all shards that it holds.
std::unique_ptr<Oracle> coded_oracle(const MethodSetting& s, const Allocation& allocation, Code code);

/// h_i = sum_k S_ik g_k / d_k, whose mean is the gradient, by a mechanism.
Assembly shared_star(const MethodSetting& s, const Allocation& allocation, MechanismPtr mechanism,
                     std::unique_ptr<Participation> participation);

}  // namespace laconic::recipe
