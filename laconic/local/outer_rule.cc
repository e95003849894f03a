// SPDX-License-Identifier: Apache-2.0
#include "laconic/local/outer_rule.h"

#include <cmath>

#include "laconic/core/error.h"

namespace laconic {
namespace {

class PlainOuter final : public OuterRule {
 public:
  void move(double step, View direction, std::span<Vector> /*memory*/, MutView x) const override {
    axpy(step, direction, x);
  }
};

class HeavyBallOuter final : public OuterRule {
 public:
  explicit HeavyBallOuter(double beta) : beta_(beta) {}
  std::size_t memory() const override { return 1; }
  void move(double step, View direction, std::span<Vector> memory, MutView x) const override {
    Vector& b = memory[0];
    for (std::size_t j = 0; j < x.size(); ++j) b[j] = beta_ * b[j] + direction[j];
    axpy(step, b, x);
  }

 private:
  double beta_;
};

class ProxL1 final : public OuterRule {
 public:
  explicit ProxL1(double lambda) : lambda_(lambda) {}
  void move(double step, View direction, std::span<Vector> /*memory*/, MutView x) const override {
    const double threshold = std::abs(step) * lambda_;
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = soft(x[j] + step * direction[j], threshold);
  }
  bool adds_term() const override { return true; }
  void complete(double gamma, View x, double& f, MutView gradient) const override {
    for (std::size_t j = 0; j < x.size(); ++j) {
      f += lambda_ * std::abs(x[j]);
      gradient[j] = (x[j] - soft(x[j] - gamma * gradient[j], gamma * lambda_)) / gamma;
    }
  }

 private:
  static double soft(double value, double threshold) {
    if (value > threshold) return value - threshold;
    return value < -threshold ? value + threshold : 0;
  }

  double lambda_;
};

class AdamOuter final : public OuterRule {
 public:
  explicit AdamOuter(const ServerAdam& options) : options_(options) {}
  std::size_t memory() const override { return 2; }
  double first(std::size_t k) const override { return k == 0 ? 0 : options_.tau * options_.tau; }
  void move(double step, View direction, std::span<Vector> memory, MutView x) const override {
    const auto [beta1, beta2, tau] = options_;
    Vector& m = memory[0];
    Vector& v = memory[1];
    for (std::size_t j = 0; j < x.size(); ++j) {
      m[j] = beta1 * m[j] + (1 - beta1) * direction[j];
      v[j] = beta2 * v[j] + (1 - beta2) * direction[j] * direction[j];
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
  void move(double step, View direction, std::span<Vector> memory, MutView x) const override {
    Vector& b = memory[0];
    for (std::size_t j = 0; j < x.size(); ++j) {
      b[j] = mu_ * b[j] + direction[j];
      x[j] += step * (direction[j] + mu_ * b[j]);
    }
  }

 private:
  double mu_;
};

}  // namespace

std::unique_ptr<OuterRule> plain_outer() { return std::make_unique<PlainOuter>(); }

std::unique_ptr<OuterRule> heavy_ball(double beta) {
  check(beta >= 0 && beta < 1, "heavy_ball needs 0 <= beta < 1");
  return std::make_unique<HeavyBallOuter>(beta);
}

std::unique_ptr<OuterRule> prox_l1(double lambda) {
  check(lambda >= 0, "prox_l1 needs lambda >= 0");
  return std::make_unique<ProxL1>(lambda);
}

std::unique_ptr<OuterRule> server_adam(const ServerAdam& options) {
  return std::make_unique<AdamOuter>(options);
}
std::unique_ptr<OuterRule> nesterov(double mu) { return std::make_unique<Nesterov>(mu); }

}  // namespace laconic
