// SPDX-License-Identifier: Apache-2.0
// Aggregation rules: the server makes one vector of the vectors of all n clients. The mean believes each
// client. The robust rules limit what some lying (Byzantine) clients can do. They have a price: without any
// liar their result differs from the mean by up to the spread of the clients' vectors.
//
// Arithmetic. Only + - * / sqrt and comparisons of doubles occur, sums over coordinates run over the fixed
// blocks of core/blocks.h, and sums over clients in ascending order. So a rule gives the same bits on any
// number of threads and on any machine. Ties go to the lowest client.
//
// Values that are not finite. A liar may send them, so each rule says what they do.
//   mean                  They spread to the result.
//   median, trimmed-mean  NaN counts as +infinity, -0 as +0. The result is finite if, of each coordinate,
//                         fewer than half of the entries (median) or at most B (trimmed-mean) are not finite.
//   krum, multi-krum, rfa, clip
//                         These use norms. They ignore a vector with |v|^2 > 1e300 or a value that is not
//                         finite: krum does not select it and counts its distances as +infinity, rfa and clip
//                         give it weight 0. If no vector is left, the result is NaN; that of clip does not
//                         move.
//   bucketing             A bucket with such a value has a mean that the inner rule handles as above.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "laconic/core/parallel.h"
#include "laconic/core/rng.h"
#include "laconic/core/spec.h"
#include "laconic/core/vec.h"

namespace laconic {

class Aggregator {
 public:
  explicit Aggregator(std::size_t clients) : clients_(clients) {}
  virtual ~Aggregator() = default;

  /// n, the number of vectors of a round.
  [[nodiscard]] std::size_t clients() const { return clients_; }
  /// The number of vectors that the rule remembers from round to round. The caller owns them; all entries are
  /// 0 at the start.
  [[nodiscard]] virtual std::size_t memory() const { return 0; }

  /// out = the aggregate of vectors[0], .., vectors[n - 1]. Overwrites `out`, which must not overlap a
  /// vector, and updates the memory. A pure function of the vectors, the memory and the key, which must be a
  /// round's Key::common(). No loop of the pool may be running.
  void aggregate(std::span<const View> vectors, const Key& common, ThreadPool& pool, std::span<Vector> memory,
                 MutView out) const;

 private:
  /// aggregate() has checked the numbers and lengths of the vectors.
  virtual void combine(std::span<const View> vectors, const Key& common, ThreadPool& pool,
                       std::span<Vector> memory, MutView out) const = 0;

  std::size_t clients_;
};

/// Throws InputError for an unknown rule, and for arguments that do not fit the number of clients, which is
/// >= 1.
std::unique_ptr<Aggregator> make_aggregator(const Spec& spec, std::size_t clients);

/// A row of the table behind make_aggregator, for `laconic list`.
struct AggregatorRow {
  const char* name;
  const char* usage;
  const char* summary;
  std::unique_ptr<Aggregator> (*make)(Arguments& arguments, std::size_t clients);
};
std::span<const AggregatorRow> aggregators();

}  // namespace laconic
