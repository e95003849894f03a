// SPDX-License-Identifier: Apache-2.0
#include "laconic/participation/code.h"

#include <algorithm>

#include <Eigen/Dense>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"

namespace laconic {
namespace {

template <class Coefficient>
Code weighed(const Allocation& allocation, Coefficient&& coefficient) {
  std::vector<std::vector<Term>> rows(allocation.clients());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const std::uint32_t k : allocation.held(i)) rows[i].push_back({k, coefficient(k)});
  }
  return Code(std::move(rows));
}

}  // namespace

Code share_code(const Allocation& allocation) {
  return weighed(allocation, [&](std::uint32_t k) { return 1 / static_cast<double>(allocation.copies(k)); });
}

Code sum_code(const Allocation& allocation) {
  return weighed(allocation, [](std::uint32_t) { return 1.0; });
}

Code cyclic_code(std::size_t clients, std::size_t tolerated, std::uint64_t seed) {
  check(tolerated < clients, "a code tolerates fewer stragglers than there are clients");
  const auto n = static_cast<Eigen::Index>(clients);
  const auto s = static_cast<Eigen::Index>(tolerated);
  Eigen::MatrixXd H(s, n);
  for (Eigen::Index r = 0; r < s; ++r) {
    Stream stream = Key{.seed = seed, .client = static_cast<std::uint32_t>(r)}.stream(Purpose::allocation);
    for (Eigen::Index k = 0; k + 1 < n; ++k) H(r, k) = 2 * stream.uniform() - 1;
    H(r, n - 1) = -H.row(r).head(n - 1).sum();
  }
  std::vector<std::vector<Term>> rows(clients);
  for (Eigen::Index i = 0; i < n; ++i) {
    auto& row = rows[static_cast<std::size_t>(i)];
    row.push_back({static_cast<std::uint32_t>(i), 1});
    if (s == 0) continue;
    Eigen::MatrixXd of_others(s, s);  // columns i + 1 .. i + s of H
    for (Eigen::Index c = 0; c < s; ++c) of_others.col(c) = H.col((i + 1 + c) % n);
    const Eigen::VectorXd others = of_others.colPivHouseholderQr().solve(-H.col(i));
    for (Eigen::Index c = 0; c < s; ++c)
      row.push_back({static_cast<std::uint32_t>((i + 1 + c) % n), others[c]});
    std::sort(row.begin(), row.end(), [](const Term& a, const Term& b) { return a.subset < b.subset; });
  }
  return Code(std::move(rows));
}

}  // namespace laconic
