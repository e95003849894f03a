// SPDX-License-Identifier: Apache-2.0
// Krum and Multi-Krum (Blanchard, El Mhamdi, Guerraoui, Stainer, "Machine learning with adversaries:
// Byzantine tolerant gradient descent", NeurIPS 2017, arXiv 1703.02757). Their theorem needs
// n >= 2 F + 3.
#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "laconic/participation/aggregation_rules.h"

namespace laconic {
namespace {

/// The score of client i is the sum of the n - F - 2 smallest |v_i - v_j|^2 over j != i, added in ascending
/// order. The result is the mean of the M vectors with the lowest scores, added in ascending order of
/// clients.
class Krum final : public Aggregator {
 public:
  Krum(std::size_t clients, std::size_t liars, std::size_t selected)
      : Aggregator(clients), neighbours_(clients - liars - 2), selected_(selected) {}

 private:
  void combine(std::span<const View> vectors, const Key& /*common*/, ThreadPool& pool,
               std::span<Vector> /*memory*/, MutView out) const override {
    const Distances distances = distances_of(vectors, out.size(), pool);
    Vector scores(clients());
    std::vector<std::size_t> ranked;
    for (std::size_t i = 0; i < clients(); ++i) {
      scores[i] = score(distances, i);
      if (distances.usable[i]) ranked.push_back(i);
    }
    if (ranked.empty()) return fill(out, std::numeric_limits<double>::quiet_NaN());
    std::stable_sort(ranked.begin(), ranked.end(),
                     [&](std::size_t i, std::size_t j) { return scores[i] < scores[j]; });
    ranked.resize(std::min(ranked.size(), selected_));
    Vector weights(clients(), 0.0);
    for (const std::size_t i : ranked) weights[i] = 1.0 / static_cast<double>(ranked.size());
    add_up(vectors, weights, pool, out);
  }

  struct Distances {
    std::vector<bool> usable;  // of each client
    Vector squared;            // n rows; infinite unless both vectors are usable
  };

  /// One pass over the vectors in memory, and n^2 / 2 passes in the cache.
  [[nodiscard]] Distances distances_of(std::span<const View> vectors, std::size_t dim,
                                       ThreadPool& pool) const {
    const std::size_t n = clients();
    const Vector sums = sums_of_blocks(dim, n * (n + 1) / 2, pool, [&](Range range, MutView terms) {
      std::size_t at = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const View of_i = part(vectors[i], range);
        terms[at++] = norm_sq(of_i);
        for (std::size_t j = i + 1; j < n; ++j) terms[at++] = distance_sq(of_i, part(vectors[j], range));
      }
    });
    Distances distances{std::vector<bool>(n), Vector(n * n, std::numeric_limits<double>::infinity())};
    const auto row = [&](std::size_t i) { return i * n - i * (i + 1) / 2; };  // sums[row(i) + j], j >= i
    for (std::size_t i = 0; i < n; ++i) distances.usable[i] = is_usable(sums[row(i) + i]);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        if (!distances.usable[i] || !distances.usable[j]) continue;
        distances.squared[i * n + j] = distances.squared[j * n + i] = sums[row(i) + j];
      }
    }
    return distances;
  }

  [[nodiscard]] double score(const Distances& distances, std::size_t i) const {
    const auto begin = distances.squared.begin() + static_cast<std::ptrdiff_t>(i * clients());
    Vector others(begin, begin + static_cast<std::ptrdiff_t>(clients()));
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    std::sort(others.begin(), others.end());
    return std::accumulate(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(neighbours_), 0.0);
  }

  std::size_t neighbours_, selected_;
};

/// F, the number of liars.
std::size_t liars_of(Arguments& arguments, std::size_t clients, const char* example) {
  arguments.required("f", 0, example);
  const std::size_t liars = arguments.whole("f", 0, 0, 0);
  if (clients < 3 || liars > clients - 3)
    arguments.fail(
        fmt::format("f = {}; need n - f - 2 >= 1, where n = {} is the number of vectors", liars, clients));
  return liars;
}

}  // namespace

std::unique_ptr<Aggregator> make_krum(Arguments& arguments, std::size_t clients) {
  return std::make_unique<Krum>(clients, liars_of(arguments, clients, "krum(2)"), 1);
}

std::unique_ptr<Aggregator> make_multi_krum(Arguments& arguments, std::size_t clients) {
  const std::size_t liars = liars_of(arguments, clients, "multi-krum(2, 5)");
  arguments.required("m", 1, "multi-krum(2, 5)");
  const std::size_t selected = arguments.whole("m", 1, 1, 1);
  if (selected > clients - liars)
    arguments.fail(fmt::format("m = {}; need m <= n - f = {}", selected, clients - liars));
  return std::make_unique<Krum>(clients, liars, selected);
}

}  // namespace laconic
