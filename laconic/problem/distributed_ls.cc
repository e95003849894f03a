// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/distributed_ls.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"
#include "laconic/problem/model.h"

namespace laconic {
namespace {

Vector draw_b(const DistributedLsOptions& options, std::size_t client) {
  Vector b(options.d);
  const Key key{.seed = options.seed, .client = static_cast<std::uint32_t>(client)};
  fill_normal(key.stream(Purpose::data), b);
  scale(options.zeta / static_cast<double>(client + 1), b);
  return b;
}

class DistributedLs final : public Problem {
 public:
  DistributedLs(const DistributedLsOptions& options, const std::optional<IndexSet>& own)
      : clients_(options.clients),
        d_(options.d),
        sigma_(options.sigma),
        b_(options.clients, own, [&](std::size_t i) { return draw_b(options, i); }) {}

  [[nodiscard]] std::size_t dim() const override { return d_; }
  [[nodiscard]] std::size_t shards() const override { return clients_; }
  [[nodiscard]] std::size_t rows(std::size_t) const override { return 1; }
  [[nodiscard]] double noise() const override { return sigma_; }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    check(rows.all || !rows.list.empty(), "the gradient of no rows was asked for");
    const double a = slope(shard);
    const Vector& b = b_[shard];
    for (std::size_t j = 0; j < d_; ++j) g[j] = a * x[j] - b[j];
    const double value = norm_sq(g) / 2;
    scale(a, g);
    return {value, 0};
  }

  [[nodiscard]] bool has_curvature() const override { return true; }
  [[nodiscard]] bool is_convex() const override { return true; }
  void hessian_vector(std::size_t shard, Rows rows, View /*x*/, View v, MutView out) const override {
    check(rows.all || !rows.list.empty(), "the curvature of no rows was asked for");
    copy(v, out);
    scale(slope(shard) * slope(shard), out);
  }

  void start(MutView x) const override { fill(x, 1 / std::sqrt(static_cast<double>(d_))); }

  [[nodiscard]] std::optional<Constants> constants(AllShards& all) const override {
    const auto n = static_cast<double>(clients_);
    Constants constants;
    double squares = 0;  // sum of squares of the L_i = i^2 / n
    for (std::size_t i = 0; i < clients_; ++i) {
      const double L = slope(i) * slope(i);
      constants.L_minus += L / n;
      constants.L_max = std::max(constants.L_max, L);
      squares += L * L / n;
    }
    constants.L_tilde = constants.L_plus = constants.L_sample = std::sqrt(squares);
    // The mean of (L_i - L_minus)^2, which is 0 for one client; rounding must not make it negative.
    constants.L_pm = std::sqrt(std::max(squares - constants.L_minus * constants.L_minus, 0.0));
    constants.mu = constants.L_minus;
    constants.mu_min = slope(0) * slope(0);

    // f(x) = L_minus |x|^2 / 2 - x'm + q, where m is the mean of the a_i b_i and q is the mean of the |b_i|^2
    // / 2.
    Vector m(d_);
    const auto weighted_b = [&](std::size_t i, MutView v) {
      copy(b_[i], v);
      scale(slope(i), v);
    };
    all.mean(clients_, weighted_b, m);
    double q = 0;
    for (const double half : all.numbers(clients_, [&](std::size_t i) { return norm_sq(b_[i]) / 2; }))
      q += half / n;
    constants.f_lower = q - norm_sq(m) / (2 * constants.L_minus);
    return constants;
  }

 private:
  /// A_i = slope(i) I.
  [[nodiscard]] double slope(std::size_t i) const {
    return static_cast<double>(i + 1) / std::sqrt(static_cast<double>(clients_));
  }

  std::size_t clients_;
  std::size_t d_;
  double sigma_;
  OwnShards<Vector> b_;
};

void require_size(const char* name, double value) {
  if (!(value >= 0) || std::isinf(value))
    throw InputError(fmt::format("{} = {}; need a finite {} >= 0", name, value, name));
}

}  // namespace

std::unique_ptr<Problem> make_distributed_ls(const DistributedLsOptions& options,
                                             const std::optional<IndexSet>& own) {
  if (options.clients < 1) throw InputError("clients = 0; need clients >= 1");
  if (options.d < 1) throw InputError("d = 0; need d >= 1");
  require_size("zeta", options.zeta);
  require_size("sigma", options.sigma);
  return std::make_unique<DistributedLs>(options, own);
}

}  // namespace laconic
