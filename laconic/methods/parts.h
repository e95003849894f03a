// SPDX-License-Identifier: Apache-2.0
// Shared by the files of this folder: parts of a method as its arguments select them, and the tables of
// methods.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "laconic/compress/compressor.h"
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/methods.h"
#include "laconic/participation/decoder.h"
#include "laconic/participation/participation.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/local.h"
#include "laconic/rounds/star.h"

namespace laconic::recipe {

// The tables of all methods, from the files of the same names.
std::vector<MethodRow> gd_methods();
std::vector<MethodRow> dcgd_methods();
std::vector<MethodRow> diana_methods();
std::vector<MethodRow> marina_methods();
std::vector<MethodRow> three_point_methods();
std::vector<MethodRow> ef21_sgdm_methods();
std::vector<MethodRow> ef21_bells_methods();
std::vector<MethodRow> ef_bv_methods();
std::vector<MethodRow> dasha_methods();
std::vector<MethodRow> econtrol_methods();
std::vector<MethodRow> ef_methods();
std::vector<MethodRow> marina_p_methods();
std::vector<MethodRow> d_sgd_methods();
std::vector<MethodRow> k_gt_methods();
std::vector<MethodRow> beer_methods();
std::vector<MethodRow> lead_methods();
std::vector<MethodRow> exact_diffusion_methods();
std::vector<MethodRow> scaffold_methods();
std::vector<MethodRow> local_sgd_methods();
std::vector<MethodRow> fedavg_methods();
std::vector<MethodRow> diloco_methods();
std::vector<MethodRow> savic_methods();
std::vector<MethodRow> scaffnew_methods();
std::vector<MethodRow> compressed_scaffnew_methods();
std::vector<MethodRow> locodl_methods();
std::vector<MethodRow> fedprox_methods();
std::vector<MethodRow> fednova_methods();
std::vector<MethodRow> sparseloco_methods();
std::vector<MethodRow> muloco_methods();
std::vector<MethodRow> streaming_diloco_methods();
std::vector<MethodRow> demo_methods();
std::vector<MethodRow> one_bit_gc_methods();
std::vector<MethodRow> sgc_methods();
std::vector<MethodRow> bgc_methods();
std::vector<MethodRow> erasurehead_methods();
std::vector<MethodRow> exact_gc_methods();
std::vector<MethodRow> majority_methods();
std::vector<MethodRow> coco_ef_methods();
std::vector<MethodRow> gc_diana_methods();

// Reasons for which methods refuse models of stragglers.
inline constexpr const char* kOwnSample = "it samples clients itself: leave some out with sample=";
inline constexpr const char* kHearsAll = "every client takes part in every round; fedavg samples clients";
inline constexpr const char* kNeighbours =
    "nodes without a server need the messages of their neighbours in every round";

std::unique_ptr<Oracle> full(const MethodSetting& s);
/// Minibatch gradients if the run's key `batch` is set, else full gradients.
std::unique_ptr<Oracle> full_or_batch(const MethodSetting& s);

/// Minibatch gradients if the run's key `batch` is set, but in round 0 full ones, or those of the argument
/// `first-batch`; else full gradients.
std::unique_ptr<Oracle> batches_after_start(Arguments& args, const MethodSetting& s);
/// The argument `init` = exact (the default) or zero: whether memories start at the gradients at x_0.
bool starts_exact(Arguments& args);
/// The mechanism, and in round 0 the whole gradient if `exact`.
MechanismPtr from_start(MechanismPtr mechanism, bool exact, const MethodSetting& s);

CompressorSetting setting_of_compressors(const MethodSetting& s);
CompressorPtr compressor(const Spec& spec, const MethodSetting& s);
CompressorPtr identity(const MethodSetting& s);
/// The compressor in the first argument, which must be unbiased.
CompressorPtr unbiased(Arguments& args, const std::string& method, const MethodSetting& s);
/// The same, for theory that needs the draws of the clients to be independent of each other.
CompressorPtr independent(Arguments& args, const std::string& method, const MethodSetting& s);
/// Refuses a compressor for which numbers are kept from round to round; `senders` cannot keep them.
void require_nothing_kept(Arguments& args, const Spec& spec, const Compressor& c, const std::string& senders);
/// The argument `sample`, 1 <= sample <= n; nothing if it is not given.
std::optional<std::size_t> sample_of(Arguments& args, const MethodSetting& s);
/// A participation in which some of the clients take part: `sample` of them, or each by itself with
/// probability `p`.
struct SomeClients {
  double p = 1;  // with which a client takes part
  std::unique_ptr<Participation> participation;
};
/// By the arguments `sample` and `p`; nothing if neither is given.
std::optional<SomeClients> some_clients(Arguments& args, const MethodSetting& s);

/// The number of local steps K or H, at most 2^31: the argument `steps`.
std::size_t local_steps_of(Arguments& args, std::size_t fallback = 1, std::size_t position = 0);
/// AdamW by the arguments `beta1`, `beta2` and `weight-decay`.
AdamW adamw_of(Arguments& args, AdamW fallback);
/// The outer rule of DiLoCo by the argument `outer-momentum`, and its default outer step.
std::shared_ptr<const OuterRule> diloco_outer(Arguments& args);
inline constexpr double kDilocoOuterStep = 0.7;
/// The parts of a method in which all clients take plain local steps and send all values.
LocalParts plain_local_parts(const MethodSetting& s);
/// The same, and what clients send by the argument `compressor`: C, ef(C, decay=1) with error feedback, or
/// ef21(C) with memories. The server keeps the mean of the memories.
LocalParts local_parts(Arguments& args, const MethodSetting& s);
/// The same with local steps by the argument `steps` on the number of clients that the argument `sample`
/// says, drawn without replacement in each round.
LocalParts sampled_local_parts(Arguments& args, const MethodSetting& s);
/// Refuses a compressed downlink.
void require_whole_downlink(Arguments& args, const MethodSetting& s);
/// Refuses an outer rule.
void require_own_outer(Arguments& args, const MethodSetting& s);

/// The coin of Scaffnew and its successors.
struct Coin {
  double q = 1;
  StepCount steps = 1;
};
/// By the arguments p, the probability q, or steps, H in every round and q = 1/H. `of_theory`: q if neither
/// is given; without a value that fails.
Coin coin_of(Arguments& args, std::optional<double> of_theory);
/// The theorem of control variates: Psi contracts in each local step by max{(1 - gamma mu)^2, 1 -
/// shrinks}, for the step 1/L. Nothing if the run has minibatches or an outer rule of its own.
std::optional<Theorem> coin_theorem(const MethodSetting& s, double L, double mu, double shrinks,
                                    std::string name, std::string step_rule);
/// Rows of a minibatch: the method's own argument, else the run's key.
std::size_t batch_of(Arguments& args, const MethodSetting& s);
/// Rows of a client, averaged over the clients.
double rows_of_client(const MethodSetting& s);
/// The client's rule by the arguments `momentum` and `momentum-at-sync`.
std::shared_ptr<const InnerRule> inner_of(Arguments& args);

AllocationSetting setting_of_allocations(const MethodSetting& s);

/// An assembly without facts or theorems. Clients read their own data and that of clients that are gone.
Assembly star(const MethodSetting& s, StarParts parts);
/// The same for parts that already define which client reads which shards.
Assembly star_as_it_is(const MethodSetting& s, StarParts parts);
/// An assembly with local steps, by the keys outer and downlink too, with the facts of its scaling and eta_s.
/// eta_s is the run's outer-step, else `outer_step`.
Assembly local(const MethodSetting& s, LocalParts parts, double outer_step = 1);
Assembly scaffold_star(const MethodSetting& s, ScaffoldParts parts);

/// An assembly without a server, with the facts of its mixing and of its public copies. InputError without a
/// topology, and for public copies if the mixing changes from round to round.
Assembly gossip(Arguments& args, const MethodSetting& s, GossipParts parts);
/// InputError without a topology, and unless W is symmetric and the same in all rounds.
void require_symmetric_mixing(Arguments& args, const MethodSetting& s);
/// InputError if the run has an outer step other than 1.
void require_one_step(Arguments& args, const MethodSetting& s);
/// Public copies by the arguments `compressor` and `gamma`; none without a compressor. An unbiased compressor
/// with omega >= 1 is scaled by 1 / (1 + omega), which makes it contractive: without, copies would grow.
std::optional<PublicCopies> optional_copies(Arguments& args, const MethodSetting& s);
/// The same with a first argument that is the compressor.
PublicCopies required_copies(Arguments& args, const std::string& method, const MethodSetting& s);
/// A compressor of the messages between neighbours.
std::shared_ptr<const Compressor> compressor_of_copies(Arguments& args, const Spec& spec,
                                                       const MethodSetting& s);

/// The outer rule and the downlink of the setting, if it has them. InputError if they are wrong.
std::shared_ptr<const OuterRule> outer_of(const MethodSetting& s);
std::optional<DownlinkPlan> downlink_of(const MethodSetting& s);

/// The setting with a value of `outer` or `downlink` that belongs to the method. InputError if the run has
/// the key too.
MethodSetting with_outer(Arguments& args, const MethodSetting& s, Spec outer);
MethodSetting with_downlink(Arguments& args, const MethodSetting& s, Spec downlink);

/// Replaces the theorem of a star method by what holds with the outer rule and the downlink of the setting;
/// none if nothing is known.
void compose_theorem(Assembly& m, const MethodSetting& s);

/// Takes the promise from the theorems of a star method with a rule or an attack: only their steps remain.
void weaken_theorem(Assembly& m);
/// The key that asks for the vector of each client at the server; nullptr if none does.
const char* key_of_aggregation(const MethodSetting& s);

/// EF21 (ef21_3pc.cc).
Assembly ef21(Arguments& args, const MethodSetting& s);

/// Refuses models of stragglers for methods that need every answer in some rounds, because memories restart
/// there. A server with a real clock waits for all answers in those rounds.
void require_all_on_heads(Arguments& args, const MethodSetting& s);

/// Participation of the clients that answer in time.
std::unique_ptr<Participation> answers(const MethodSetting& s, std::unique_ptr<Decoder> decoder);
/// Participation of the clients that answer in time. Their messages are weighted so that the expectation is
/// `factor` times the mean of all messages: by each client's probability of being on time (ht), or by the
/// number of answers (count).
std::unique_ptr<Participation> unbiased_answers(Arguments& args, const MethodSetting& s,
                                                const std::string& decode, double factor = 1);
/// The argument `decode`. The default is ht, or count with a real clock: there the observed frequency of a
/// client that returns is outdated, so ht would give it far too much weight.
std::string decoding(Arguments& args, const MethodSetting& s, const std::vector<std::string>& choices);
/// The same with the argument `decode`.
std::unique_ptr<Participation> unbiased_answers(Arguments& args, const MethodSetting& s);
/// For clients that remember the messages they sent: all must have the same weight.
std::unique_ptr<Participation> unbiased_answers_alike(Arguments& args, const MethodSetting& s);
/// The probability that a client is late, for methods in which clients remember the messages they sent. 0
/// with a real clock, where it is unknown.
double lateness(Arguments& args, const MethodSetting& s);

}  // namespace laconic::recipe
