// SPDX-License-Identifier: Apache-2.0
#include "laconic/local/outer_rule.h"

#include <cmath>

namespace laconic {
namespace {

class Plain final : public OuterRule {
 public:
  void move(double step, View moved, std::span<Vector> /*memory*/, MutView x) const override {
    axpy(step, moved, x);
  }
};

class Adam final : public OuterRule {
 public:
  explicit Adam(const ServerAdam& options) : options_(options) {}
  std::size_t memory() const override { return 2; }
  double first(std::size_t k) const override { return k == 0 ? 0 : options_.tau * options_.tau; }
  void move(double step, View moved, std::span<Vector> memory, MutView x) const override {
    const auto [beta1, beta2, tau] = options_;
    Vector& m = memory[0];
    Vector& v = memory[1];
    for (std::size_t j = 0; j < x.size(); ++j) {
      m[j] = beta1 * m[j] + (1 - beta1) * moved[j];
      v[j] = beta2 * v[j] + (1 - beta2) * moved[j] * moved[j];
      x[j] += step * m[j] / (std::sqrt(v[j]) + tau);
    }
  }

 private:
  ServerAdam options_;
};

class Nesterov final : public OuterRule {
 public:
  explicit Nesterov(double mu) : mu_(mu) {}
  std::size_t memory() const override { return 1; }
  void move(double step, View moved, std::span<Vector> memory, MutView x) const override {
    Vector& b = memory[0];
    for (std::size_t j = 0; j < x.size(); ++j) {
      b[j] = mu_ * b[j] + moved[j];
      x[j] += step * (moved[j] + mu_ * b[j]);
    }
  }

 private:
  double mu_;
};

}  // namespace

std::unique_ptr<OuterRule> plain_outer() { return std::make_unique<Plain>(); }
std::unique_ptr<OuterRule> server_adam(const ServerAdam& options) { return std::make_unique<Adam>(options); }
std::unique_ptr<OuterRule> nesterov(double mu) { return std::make_unique<Nesterov>(mu); }

}  // namespace laconic
