// SPDX-License-Identifier: Apache-2.0
// Attacks: what lying (Byzantine) clients send instead of their own vectors, for studies of aggregation rules
// (participation/aggregator.h). The last f of n clients lie. They know the vectors of all honest clients.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "laconic/core/parallel.h"
#include "laconic/core/rng.h"
#include "laconic/core/spec.h"
#include "laconic/core/vec.h"

namespace laconic {

class Attack {
 public:
  /// liars < clients.
  Attack(std::size_t clients, std::size_t liars) : clients_(clients), liars_(liars) {}
  virtual ~Attack() = default;

  [[nodiscard]] std::size_t clients() const { return clients_; }
  [[nodiscard]] std::size_t liars() const { return liars_; }
  [[nodiscard]] bool lies(std::size_t client) const { return client >= clients_ - liars_; }

  /// The attack with the values of all its numbers: `alie(5, z=0.2533471031357998)`.
  [[nodiscard]] virtual std::string description() const = 0;
  /// Whether a liar needs its own vector, and so computes gradients as an honest client does.
  [[nodiscard]] virtual bool needs_own_vector() const { return false; }
  /// Whether the liars compute their vectors honestly, but on rows with false labels. Then lie() changes
  /// nothing, and the caller must change the labels y of the liars' rows: to -y, or to C - 1 - y with C
  /// classes.
  [[nodiscard]] virtual bool flips_labels() const { return false; }

  /// Replaces the vectors of the liars, given those of all n clients, which are equally long. Those of the
  /// honest clients must be finite and remain as they are; those of the liars are their own honest vectors,
  /// or anything if needs_own_vector() is false. A pure function of the vectors and of the seed and round of
  /// the key. Gives the same bits on any number of threads. No loop of the pool may be running.
  void lie(const Key& round, std::span<const MutView> vectors, ThreadPool& pool) const;

 private:
  /// lie() has checked the vectors, and liars() >= 1.
  virtual void replace(const Key& round, std::span<const MutView> vectors, ThreadPool& pool) const = 0;

  std::size_t clients_, liars_;
};

/// Throws InputError for an unknown attack, and for arguments that do not fit the number of clients, which is
/// >= 1.
std::unique_ptr<Attack> make_attack(const Spec& spec, std::size_t clients);

/// A row of the table behind make_attack, for `laconic list`.
struct AttackRow {
  const char* name;
  const char* usage;
  const char* summary;
  std::unique_ptr<Attack> (*make)(Arguments& arguments, std::size_t clients, std::size_t liars);
};
std::span<const AttackRow> attacks();

}  // namespace laconic
