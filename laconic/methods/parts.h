// SPDX-License-Identifier: Apache-2.0
// What the files of methods share: the parts of a method as its arguments ask for them, and the tables.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "laconic/compress/compressor.h"
#include "laconic/methods/methods.h"
#include "laconic/participation/decoder.h"
#include "laconic/participation/participation.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/local.h"
#include "laconic/rounds/star.h"

namespace laconic::recipe {

// The tables of all methods, one a file of that name.
std::vector<MethodRow> gd_methods();
std::vector<MethodRow> dcgd_methods();
std::vector<MethodRow> diana_methods();
std::vector<MethodRow> marina_methods();
std::vector<MethodRow> three_point_methods();
std::vector<MethodRow> d_sgd_methods();
std::vector<MethodRow> k_gt_methods();
std::vector<MethodRow> scaffold_methods();
std::vector<MethodRow> local_sgd_methods();
std::vector<MethodRow> fedavg_methods();
std::vector<MethodRow> diloco_methods();
std::vector<MethodRow> savic_methods();
std::vector<MethodRow> one_bit_gc_methods();
std::vector<MethodRow> sgc_methods();
std::vector<MethodRow> bgc_methods();
std::vector<MethodRow> erasurehead_methods();
std::vector<MethodRow> exact_gc_methods();
std::vector<MethodRow> majority_methods();
std::vector<MethodRow> coco_ef_methods();
std::vector<MethodRow> gc_diana_methods();

// Why a method refuses models of stragglers.
inline constexpr const char* kOwnSample = "it hears a sample of its own choice: leave some out with sample=";
inline constexpr const char* kHearsAll = "it hears everyone in every round; fedavg hears some";
inline constexpr const char* kNeighbours = "nodes without a server hear their neighbours in every round";

std::unique_ptr<Oracle> full(const MethodSetting& s);
/// Minibatches where the run's key `batch` says so.
std::unique_ptr<Oracle> full_or_batch(const MethodSetting& s);

CompressorSetting setting_of_compressors(const MethodSetting& s);
CompressorPtr compressor(const Spec& spec, const MethodSetting& s);
CompressorPtr identity(const MethodSetting& s);
/// The first argument, an unbiased compressor.
CompressorPtr unbiased(Arguments& args, const std::string& method, const MethodSetting& s);
/// The same where the theory needs the clients' draws to be independent of each other.
CompressorPtr independent(Arguments& args, const std::string& method, const MethodSetting& s);
/// The argument `compressor`; identity where it is not given.
std::shared_ptr<const Compressor> optional_compressor(Arguments& args, const MethodSetting& s);

/// An argument in (0, 1].
double probability(Arguments& args, const char* name, double fallback);
/// K or H, `steps` = 1 unless given.
std::size_t local_steps_of(Arguments& args);
/// Rows of a minibatch: the method's own option, or else the run's key.
std::size_t batch_of(Arguments& args, const MethodSetting& s);
/// Rows of a client, in the mean.
double rows_of_client(const MethodSetting& s);
/// An argument in [0, 1): the share that a mean keeps of itself.
double decay_rate(Arguments& args, const char* name, double fallback);
/// A finite argument > 0.
double above_zero(Arguments& args, const char* name, double fallback);
/// The arguments `momentum` and `momentum-at-sync`; nothing where momentum is 0.
std::optional<MomentumPlan> momentum_of(Arguments& args);

AllocationSetting setting_of_allocations(const MethodSetting& s);

/// An assembly without facts or theorems. Clients look at their own data, and that of those that are gone.
Assembly star(const MethodSetting& s, StarParts parts);
/// The same of parts that know who looks at what.
Assembly star_as_it_is(const MethodSetting& s, StarParts parts);
/// An assembly with local steps, whose facts are those of its scaling and eta_s: the run's outer-step, or else
/// `outer_step`.
Assembly local(const MethodSetting& s, LocalParts parts, double outer_step = 1);
Assembly scaffold_star(const MethodSetting& s, ScaffoldParts parts);
/// An assembly without a server, with the quality of its mixing. InputError without a topology.
Assembly gossip(Arguments& args, const MethodSetting& s, GossipParts parts);

/// Refuses models of stragglers for methods in which all must answer now and then, as memories start over. A
/// server with a real clock waits for all then.
void require_all_on_heads(Arguments& args, const MethodSetting& s);

/// Those who answer of everyone.
std::unique_ptr<Participation> answers(const MethodSetting& s, std::unique_ptr<Decoder> decoder);
/// Those who answer, weighed so that `factor` times the mean of all messages is what is expected: by how
/// often each is late (ht), or by how many they are (count).
std::unique_ptr<Participation> unbiased_answers(Arguments& args, const MethodSetting& s,
                                                const std::string& decode, double factor = 1);
/// The argument `decode`: ht, where it is not given; but count by a real clock, as what was seen of a client
/// is old when it comes back, and ht then weighs it far too much.
std::string decoding(Arguments& args, const MethodSetting& s, const std::vector<std::string>& choices);
/// The same, as the argument `decode` says.
std::unique_ptr<Participation> unbiased_answers(Arguments& args, const MethodSetting& s);
/// Of clients who remember what they said, which must weigh alike.
std::unique_ptr<Participation> unbiased_answers_alike(Arguments& args, const MethodSetting& s);
/// The probability that a client is late, for methods whose clients remember what they said; 0 where a real
/// clock will tell.
double lateness(Arguments& args, const MethodSetting& s);

}  // namespace laconic::recipe
