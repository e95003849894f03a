// SPDX-License-Identifier: Apache-2.0
// The parts that recipes are made of, as they ask for them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "laconic/compress/compressor.h"
#include "laconic/network/decoder.h"
#include "laconic/network/turnout.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/recipes.h"
#include "laconic/rounds/star.h"

namespace laconic::recipe {

// The tables, one a file: recipes_star.cc, recipes_gossip.cc, recipes_local.cc, recipes_coding.cc.
std::vector<MethodRow> star_methods();
std::vector<MethodRow> gossip_methods();
std::vector<MethodRow> local_methods();
std::vector<MethodRow> coding_methods();

std::unique_ptr<Oracle> full(const MethodSetting& s);
/// Minibatches where the run's key `batch` says so.
std::unique_ptr<Oracle> full_or_batch(const MethodSetting& s);

Setting setting_of_compressors(const MethodSetting& s);
CompressorPtr compressor(const Spec& spec, const MethodSetting& s);
CompressorPtr identity(const MethodSetting& s);

/// An argument in (0, 1].
double probability(Arguments& args, const char* name, double fallback);
/// K or H, `steps` = 1 unless given.
std::size_t local_steps_of(Arguments& args);

AllocationSetting setting_of_allocations(const MethodSetting& s);

/// An assembly without facts or theorems. It is built once. Clients look at their own data, and that of those
/// that are gone.
Assembly star(const MethodSetting& s, StarParts parts);
/// The same of parts that know who looks at what.
Assembly star_as_it_is(const MethodSetting& s, StarParts parts);

/// Refuses models of stragglers for methods in which all must answer now and then, as memories start over. A
/// server with a real clock waits for all then.
void require_all_on_heads(Arguments& args, const MethodSetting& s);

/// Those who answer of everyone.
std::unique_ptr<Turnout> answers(const MethodSetting& s, std::unique_ptr<Decoder> decoder);
/// Those who answer, weighed so that `factor` times the mean of all messages is what is expected: by how
/// often each is late (ht), or by how many they are (count).
std::unique_ptr<Turnout> unbiased_answers(Arguments& args, const MethodSetting& s, const std::string& decode,
                                          double factor = 1);
/// The argument `decode`: ht, where it is not given; but count by a real clock, as what was seen of a client
/// is old when it comes back, and ht then weighs it far too much.
std::string decoding(Arguments& args, const MethodSetting& s, const std::vector<std::string>& choices);
/// The same, as the argument `decode` says.
std::unique_ptr<Turnout> unbiased_answers(Arguments& args, const MethodSetting& s);
/// Of clients who remember what they said, which must weigh alike.
std::unique_ptr<Turnout> unbiased_answers_alike(Arguments& args, const MethodSetting& s);
/// The probability that a client is late, for methods whose clients remember what they said; 0 where a real
/// clock will tell.
double lateness(Arguments& args, const MethodSetting& s);

}  // namespace laconic::recipe
