// SPDX-License-Identifier: Apache-2.0
// Methods by name. A file of this folder implements a paper, or a family of variants that share their code.
// It chooses the parts of each method (oracle, mechanism, participation, driver) and the theorem that fits
// them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "laconic/core/index_set.h"
#include "laconic/core/range.h"
#include "laconic/core/spec.h"
#include "laconic/message/message.h"
#include "laconic/methods/theorem.h"
#include "laconic/participation/allocation.h"
#include "laconic/participation/stragglers.h"
#include "laconic/problem/problem.h"
#include "laconic/rounds/gossip.h"
#include "laconic/rounds/local.h"
#include "laconic/rounds/method.h"
#include "laconic/rounds/scaffold.h"
#include "laconic/rounds/star.h"
#include "laconic/topology/mixing.h"

namespace laconic {

/// The inputs of a method. A field out of range is an InputError. The problem must outlive the method.
struct MethodSetting {
  const Problem& problem;
  std::shared_ptr<const Problem> objective = {};  // StarParts::objective
  std::optional<Constants> constants = {};        // of the objective, if known; theorems need them
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;
  std::optional<std::size_t> batch = {};  // rows of a minibatch, >= 1; unset: full gradients
  // Required by methods without a server. Other methods use a star.
  std::shared_ptr<const MixingPlan> mixing = {};
  bool mixing_is_named = false;  // the run names the weights; exact diffusion then uses them as they are
  // eta_s of methods with local steps, >= 0; their `step` is then the local step. Unset: the method's
  // default.
  std::optional<double> outer_step = {};
  std::optional<Spec> outer = {};        // the server's rule (outer_rules()); unset: step
  std::optional<Spec> downlink = {};     // what the server sends (downlinks()); unset: direction
  std::optional<Spec> aggregator = {};   // the server's rule for vectors (aggregators()); unset: mean
  std::optional<double> clip_norm = {};  // the most length of a client's vector there, > 0; unset: any
  std::optional<Spec> byzantine = {};    // how the last clients lie (attacks()); unset: none lies
  std::shared_ptr<const Stragglers> stragglers = {};  // which clients answer late; unset: none
  // Clients of processes that have died, ascending, without duplicates, not all. Other clients take over
  // their data.
  std::vector<std::uint32_t> gone = {};
  // For methods in which clients hold each other's data: the rule of the allocation, and below the seed of
  // its draws.
  std::optional<Spec> allocation = {};
  std::uint64_t split_seed = 1;
};

/// The parts of a method, for one of the drivers (rounds/).
using Parts = std::variant<StarParts, LocalParts, ScaffoldParts, GossipParts>;

struct MethodOptions {
  double outer_step = 1;  // eta_s; 1 for methods of the star
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;
};

/// A method before its step is chosen: its parts and its theory. Copies share the parts, which are const.
struct Assembly {
  const Problem* problem = nullptr;  // of the setting
  Parts parts;
  MethodOptions options;
  std::vector<std::pair<std::string, double>> facts;  // omega, alpha, p, ... if the method has them
  std::shared_ptr<const MixingPlan> mixing;           // of methods without a server
  std::shared_ptr<const Stragglers> stragglers;       // those of the setting
  // what the user should know about the limits of this method, one sentence each
  std::vector<std::string> warnings;
  std::optional<Theorem> theorem;     // for step = theory
  std::optional<Theorem> theorem_pl;  // for step = theory-pl
  std::optional<Theorem> tight;       // for step = tight
};

/// The shards that some of these clients read in the method, their own among them: the data that a process
/// must keep. Throws InputError for an unknown method, and for an allocation that is impossible or that the
/// method does not use.
IndexSet shards_of(Range clients, const Spec& method, const AllocationSetting& setting);

/// The number of shards that each client reads in a round. Throws as shards_of() does.
std::vector<std::size_t> loads_of(const Spec& method, const AllocationSetting& setting);

/// Throws InputError for an unknown method, for arguments and settings out of range, and for settings that
/// the method does not support.
Assembly assemble(const Spec& method, const MethodSetting& setting);

/// The method in its initial state. The problem must outlive it. InputError unless 0 < step < inf, and for an
/// outer step out of range.
std::unique_ptr<Method> make_method(const Assembly& assembly, double step);

/// How the step is chosen: a number, or a multiple of the step that a theorem allows.
struct StepRule {
  enum class Kind { number, theory, theory_pl, tight };
  Kind kind = Kind::theory;
  double factor = 1;  // the step itself if kind is number
};

/// `theory`, `theory*16`, `theory-pl`, `tight`, or a number > 0. Throws InputError.
StepRule parse_step(const std::string& text);
std::string print(const StepRule& rule);

/// The theorem on which the rule is based; nullptr for a number.
const Theorem* theorem_of(const StepRule& rule, const Assembly& assembly);
/// The step as a number. Throws InputError if the rule needs a theorem and none gives a step.
double resolve(const StepRule& rule, const Assembly& assembly);

/// A row of the tables of the values of a key.
struct ValueRow {
  const char* usage;
  const char* summary;
};
/// The values of `outer` and of `downlink`.
std::span<const ValueRow> outer_rules();
std::span<const ValueRow> downlinks();

struct MethodRow {
  std::string name;
  std::string usage;
  std::string summary;
  std::string paper;
  std::function<Assembly(Arguments&, const MethodSetting&)> assemble;
  /// Set for methods that need all answers: the reason. Other methods accept late clients.
  std::string needs_everyone = {};
  /// Set for methods in which clients hold each other's data.
  Allocation (*allocate)(Arguments&, const AllocationSetting&) = nullptr;
};
/// All methods.
const std::deque<MethodRow>& methods();
/// Adds a method. From then on specs may name it in runs, sweeps, theory and advice. Call before anything
/// runs; not thread-safe. InputError if a method of that name exists.
void register_method(MethodRow row);

}  // namespace laconic
