// SPDX-License-Identifier: Apache-2.0
#include "laconic/participation/allocation.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"

namespace laconic {
namespace {

using Held = std::vector<std::vector<std::uint32_t>>;

Stream stream_of(std::uint64_t seed, std::size_t part) {
  return Key{.seed = seed, .client = static_cast<std::uint32_t>(part)}.stream(Purpose::allocation);
}

void shuffle(Stream& stream, std::vector<std::uint32_t>& order) {
  for (std::size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1], order[stream.below(left)]);
}

Allocation random(std::size_t clients, std::size_t d, std::uint64_t seed) {
  return random_allocation(clients, std::vector<std::size_t>(clients, d), seed);
}

bool has(const std::vector<std::uint32_t>& held, std::size_t k) {
  return std::find(held.begin(), held.end(), k) != held.end();
}

/// Computes d permutations. Each assigns every subset to a client that does not hold it yet.
Held deal(std::size_t clients, std::size_t d, std::uint64_t seed) {
  Held held(clients);
  std::vector<std::uint32_t> to(clients);  // the receiver of subset k
  for (std::size_t copy = 0; copy < d; ++copy) {
    Stream stream = stream_of(seed, copy);
    std::iota(to.begin(), to.end(), 0U);
    shuffle(stream, to);
    for (std::size_t k = 0; k < clients; ++k) {
      // A receiver that already holds its subset swaps with another, such that both then receive a subset
      // that they do not hold. For d <= clients / 2 such a partner exists: at most 2 copy <= clients - 2
      // clients are unsuitable.
      while (has(held[to[k]], k)) {
        const std::size_t other = stream.below(clients);
        if (!has(held[to[other]], k) && !has(held[to[k]], other)) std::swap(to[k], to[other]);
      }
    }
    for (std::size_t k = 0; k < clients; ++k) held[to[k]].push_back(static_cast<std::uint32_t>(k));
  }
  return held;
}

/// The complement: each client holds the subsets that it did not hold.
Held inside_out(const Held& held) {
  Held others(held.size());
  for (std::size_t i = 0; i < held.size(); ++i) {
    for (std::size_t k = 0; k < held.size(); ++k) {
      if (!has(held[i], k)) others[i].push_back(static_cast<std::uint32_t>(k));
    }
  }
  return others;
}

Allocation balanced(std::size_t clients, std::size_t d, std::uint64_t seed) {
  // The complement of a balanced allocation is balanced too. So if many copies are requested, the few missing
  // ones are dealt instead.
  const bool many = 2 * d > clients;
  return {clients, many ? inside_out(deal(clients, clients - d, seed)) : deal(clients, d, seed)};
}

Allocation cyclic(std::size_t clients, std::size_t d, std::uint64_t /*seed*/) {
  Held held(clients);
  for (std::size_t i = 0; i < clients; ++i) {
    for (std::size_t k = 0; k < d; ++k) held[i].push_back(static_cast<std::uint32_t>((i + k) % clients));
  }
  return {clients, std::move(held)};
}

Allocation fractional(std::size_t clients, std::size_t d, std::uint64_t /*seed*/) {
  if (clients % d != 0) {
    throw SpecError(
        fmt::format("fractional with redundancy = {}; need a divisor of {}, the clients", d, clients));
  }
  Held held(clients);
  for (std::size_t i = 0; i < clients; ++i) {
    for (std::size_t k = 0; k < d; ++k) held[i].push_back(static_cast<std::uint32_t>(i / d * d + k));
  }
  return {clients, std::move(held)};
}

Allocation bernoulli(std::size_t clients, std::size_t d, std::uint64_t seed) {
  const double share = static_cast<double>(d) / static_cast<double>(clients);
  Held held(clients);
  for (std::size_t i = 0; i < clients; ++i) {
    Stream stream = stream_of(seed, i);
    for (std::size_t k = 0; k < clients; ++k) {
      if (stream.uniform() < share) held[i].push_back(static_cast<std::uint32_t>(k));
    }
  }
  return {clients, std::move(held)};
}

/// The neighbours in a random d-regular graph: starts from a fixed graph and exchanges the ends of random
/// pairs of edges.
Allocation regular(std::size_t clients, std::size_t d, std::uint64_t seed) {
  if (d >= clients || d * clients % 2 != 0) {
    throw SpecError(fmt::format(
        "regular with redundancy = {}; need one below {}, the clients, and their product even", d, clients));
  }
  Held held(clients);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  const auto join = [&](std::size_t a, std::size_t b) {
    edges.emplace_back(static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
    held[a].push_back(edges.back().second);
    held[b].push_back(edges.back().first);
  };
  for (std::size_t i = 0; i < clients; ++i) {
    for (std::size_t by = 1; by <= d / 2; ++by) join(i, (i + by) % clients);
    if (d % 2 == 1 && i < clients / 2) join(i, i + clients / 2);
  }
  Stream stream = stream_of(seed, 0);
  for (std::size_t change = 0; change < 20 * edges.size(); ++change) {
    auto& one = edges[stream.below(edges.size())];
    auto& two = edges[stream.below(edges.size())];
    const auto [a, b] = one;
    auto [c, e] = two;
    if (stream.below(2) == 1) std::swap(c, e);
    if (a == e || c == b || has(held[a], e) || has(held[c], b)) continue;
    // edges a - b and c - e become a - e and c - b
    std::replace(held[a].begin(), held[a].end(), b, e);
    std::replace(held[b].begin(), held[b].end(), a, c);
    std::replace(held[c].begin(), held[c].end(), e, b);
    std::replace(held[e].begin(), held[e].end(), c, a);
    one = {a, e};
    two = {c, b};
  }
  return {clients, std::move(held)};
}

Allocation full(std::size_t clients, std::size_t d, std::uint64_t /*seed*/) {
  if (d != clients) {
    throw SpecError(fmt::format(
        "full with redundancy = {}; need {}, all the clients, or leave redundancy out", d, clients));
  }
  std::vector<std::uint32_t> all(clients);
  std::iota(all.begin(), all.end(), 0U);
  return {clients, Held(clients, all)};
}

constexpr AllocationRow kAllocations[] = {
    {"random", "random", "different clients for each subset, drawn: pairwise balanced in the mean", random},
    {"balanced", "balanced", "dealt at random so that all clients hold equally many", balanced},
    {"cyclic", "cyclic", "client i holds its own subset and those that follow", cyclic},
    {"fractional", "fractional", "groups of clients that hold the same; redundancy divides the clients",
     fractional},
    {"bernoulli", "bernoulli", "each client holds each subset by chance; some subsets may be lost",
     bernoulli},
    {"regular", "regular", "the neighbours in a random regular graph", regular},
    {"full", "full", "every client holds every shard", full},
};

MinMeanMax spread_of(std::span<const std::size_t> counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  const double sum = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
  return {static_cast<double>(*least), sum / static_cast<double>(counts.size()), static_cast<double>(*most)};
}

}  // namespace

Allocation::Allocation(std::size_t subsets, std::vector<std::vector<std::uint32_t>> held)
    : held_(std::move(held)), copies_(subsets, 0) {
  for (auto& each : held_) {
    std::sort(each.begin(), each.end());
    check(std::adjacent_find(each.begin(), each.end()) == each.end(), "a client holds a subset twice");
    check(each.empty() || each.back() < subsets, "a client holds a subset that there is not");
    for (const std::uint32_t k : each) ++copies_[k];
  }
}

std::size_t Allocation::lost() const {
  return static_cast<std::size_t>(std::count(copies_.begin(), copies_.end(), 0U));
}

bool Allocation::is_identity() const {
  for (std::size_t i = 0; i < clients(); ++i) {
    if (held_[i].size() != 1 || held_[i][0] != i) return false;
  }
  return clients() == subsets();
}

MinMeanMax Allocation::loads() const {
  std::vector<std::size_t> loads;
  for (const auto& each : held_) loads.push_back(each.size());
  return spread_of(loads);
}

MinMeanMax Allocation::overlaps() const {
  const std::size_t M = subsets();
  if (M < 2) return {};
  std::vector<std::vector<std::uint32_t>> holders(M);
  for (std::size_t i = 0; i < clients(); ++i) {
    for (const std::uint32_t k : held_[i]) holders[k].push_back(static_cast<std::uint32_t>(i));
  }
  std::vector<std::uint32_t> with(M, 0);  // number of clients that hold both k and this subset
  std::vector<std::uint32_t> met;
  std::uint64_t sum = 0;
  std::size_t least = clients();
  std::size_t most = 0;
  for (std::size_t k = 0; k < M; ++k) {
    met.clear();
    for (const std::uint32_t i : holders[k]) {
      for (const std::uint32_t l : held_[i]) {
        if (l != k && with[l]++ == 0) met.push_back(l);
      }
    }
    if (met.size() + 1 < M) least = 0;
    for (const std::uint32_t l : met) {
      least = std::min<std::size_t>(least, with[l]);
      most = std::max<std::size_t>(most, with[l]);
      sum += with[l];
      with[l] = 0;
    }
  }
  const double pairs =
      static_cast<double>(M) * static_cast<double>(M - 1);  // each pair counts twice, as in the sum
  return {static_cast<double>(least), static_cast<double>(sum) / pairs, static_cast<double>(most)};
}

Allocation no_redundancy(std::size_t clients) { return cyclic(clients, 1, 0); }

Allocation without(const Allocation& allocation, std::span<const std::uint32_t> gone) {
  Held held(allocation.clients());
  std::vector<std::uint32_t> left;
  std::vector<bool> is_held(allocation.subsets(), false);
  for (std::uint32_t i = 0; i < held.size(); ++i) {
    if (std::binary_search(gone.begin(), gone.end(), i)) continue;
    left.push_back(i);
    held[i].assign(allocation.held(i).begin(), allocation.held(i).end());
    for (const std::uint32_t k : held[i]) is_held[k] = true;
  }
  check(left.size() + gone.size() == held.size() && std::is_sorted(gone.begin(), gone.end()),
        "clients that are gone are below the number of clients, in ascending order, each named once");
  check(!left.empty(), "a client must be left to hold the data");
  for (std::uint32_t k = 0; k < is_held.size(); ++k) {
    if (is_held[k] || allocation.copies(k) == 0) continue;
    const std::uint32_t heir =
        *std::min_element(left.begin(), left.end(),
                          [&](std::uint32_t a, std::uint32_t b) { return held[a].size() < held[b].size(); });
    held[heir].push_back(k);
  }
  return {allocation.subsets(), std::move(held)};
}

Allocation random_allocation(std::size_t clients, std::span<const std::size_t> copies, std::uint64_t seed) {
  Held held(clients);
  std::vector<std::uint32_t> drawn;
  for (std::size_t k = 0; k < copies.size(); ++k) {
    check(copies[k] >= 1 && copies[k] <= clients, "a subset needs copies, of different clients");
    Stream stream = stream_of(seed, k);
    draw_distinct(stream, clients, copies[k], drawn);
    for (const std::uint32_t i : drawn) held[i].push_back(static_cast<std::uint32_t>(k));
  }
  return {copies.size(), std::move(held)};
}

std::span<const AllocationRow> allocations() { return kAllocations; }

Allocation make_allocation(const std::string& fallback, std::optional<std::size_t> redundancy,
                           const AllocationSetting& setting) {
  const Spec rule = setting.rule.value_or(Spec(fallback));
  return of_text("allocation", [&] {
    const AllocationRow& row = row_named(rule, "allocation", allocations());
    Arguments(rule).done();
    const std::size_t d = redundancy.value_or(row.make == full ? setting.clients : 1);
    if (d < 1 || d > setting.clients) {
      throw SpecError(
          fmt::format("redundancy = {}; need 1 <= redundancy <= {}, the clients", d, setting.clients));
    }
    if (d == 1) return no_redundancy(setting.clients);
    return row.make(setting.clients, d, setting.seed);
  });
}

}  // namespace laconic
