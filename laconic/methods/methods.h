// SPDX-License-Identifier: Apache-2.0
// Methods by name: one file a paper in this folder chooses parts (oracle, mechanism, participation, driver) and the theorem
// that fits them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "laconic/core/index_set.h"
#include "laconic/core/range.h"
#include "laconic/core/spec.h"
#include "laconic/message/message.h"
#include "laconic/methods/theory.h"
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

/// What a method is made for: InputError where a field is out of range. The problem must outlive the method.
struct MethodSetting {
  const Problem& problem;
  std::optional<Constants> constants = {};  // problem.constants(), where they are known: theorems need them
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;
  std::optional<std::size_t> batch = {};  // rows of a minibatch, >= 1; without it gradients are full
  // Of methods without a server, which need it; the others talk to a star of their own.
  std::shared_ptr<const MixingPlan> mixing = {};
  // eta_s of methods with local steps, >= 0, whose `step` is then the local one; the method's own where unset
  std::optional<double> outer_step = {};
  std::shared_ptr<const Stragglers> stragglers = {};  // who answers too late; without it nobody
  // Clients whose process has died, ascending, each named once, not all: others look at their data.
  std::vector<std::uint32_t> gone = {};
  // Of methods whose clients hold each other's data: who holds what, and the seed by which that is drawn.
  std::optional<Spec> allocation = {};
  std::uint64_t split_seed = 1;
};

/// What a method is made of: parts of one of the drivers (rounds/).
using Parts = std::variant<StarParts, LocalParts, ScaffoldParts, GossipParts>;

struct MethodOptions {
  double outer_step = 1;  // eta_s; of methods of the star 1
  std::uint64_t seed = 0;
  Wire wire = Wire::f32;
};

/// A method as data: its parts and its theory, before a step is settled. Copies share the parts, which are const.
struct Assembly {
  const Problem* problem = nullptr;  // of the setting
  Parts parts;
  MethodOptions options;
  std::vector<std::pair<std::string, double>> facts;  // omega, alpha, p ... where they apply
  std::shared_ptr<const MixingPlan> mixing;           // of methods without a server
  std::shared_ptr<const Stragglers> stragglers;       // the setting's
  std::vector<std::string> warnings;                  // what a user may not expect, a sentence each
  std::optional<Theorem> theorem;                     // for step = theory
  std::optional<Theorem> theorem_pl;                  // for step = theory-pl
};

/// The shards that some workers look at in the method, their own among them: what a process must keep of the
/// data. Throws InputError for an unknown method, and an allocation that is not possible or not of use.
IndexSet shards_of(Range workers, const Spec& method, const AllocationSetting& setting);

/// How many shards each client looks at in a round. Throws as shards_of() does.
std::vector<std::size_t> loads_of(const Spec& method, const AllocationSetting& setting);

/// Throws InputError for an unknown method, arguments and settings out of range, and what the method cannot
/// do with.
Assembly assemble(const Spec& method, const MethodSetting& setting);

/// A method at its start. The problem must outlive it. InputError unless 0 < step < inf, and for an outer step out of
/// range.
std::unique_ptr<Method> make_method(const Assembly& assembly, double step);

/// How a step is chosen: a number, or a multiple of what a theorem allows.
struct StepRule {
  enum class Kind { number, theory, theory_pl };
  Kind kind = Kind::theory;
  double factor = 1;  // the step itself where kind is number
};

/// `theory`, `theory*16`, `theory-pl`, or a number > 0. Throws InputError.
StepRule parse_step(const std::string& text);
std::string print(const StepRule& rule);

/// The theorem the rule rests on; nullptr for a plain number.
const Theorem* theorem_of(const StepRule& rule, const Assembly& assembly);
/// The step in numbers. Throws InputError where no theorem gives one.
double resolve(const StepRule& rule, const Assembly& assembly);

struct MethodRow {
  std::string name;
  std::string usage;
  std::string summary;
  std::string paper;
  std::function<Assembly(Arguments&, const MethodSetting&)> assemble;
  /// Of methods that cannot do without an answer: why. The others take clients that are late.
  std::string needs_everyone = {};
  /// Of methods whose clients hold each other's data.
  Allocation (*allocate)(Arguments&, const AllocationSetting&) = nullptr;
};
/// Every method there is.
const std::deque<MethodRow>& methods();
/// Adds a method: from here on specs may name it, in runs, sweeps, theory and advice. Before anything runs: not for
/// several threads at once. InputError where there is a method of that name.
void register_method(MethodRow row);

}  // namespace laconic
