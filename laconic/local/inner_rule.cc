// SPDX-License-Identifier: Apache-2.0
#include "laconic/local/inner_rule.h"

#include <cmath>

#include "laconic/core/error.h"
#include "laconic/core/power.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/local/inner_rule.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

/// Calls take(V, j) for vectors of coordinates from j on, and then take(double, j) for the last ones.
template <class Take>
void for_each_vector(Range range, Take&& take) {
  std::size_t j = range.begin;
  for (; j + kLanesOf<MostDoubles> <= range.end; j += kLanesOf<MostDoubles>) take(MostDoubles{}, j);
  for (; j < range.end; ++j) take(double{}, j);
}

}  // namespace

void step_unscaled(View direction, double length, View from, MutView to) {
  for_each_vector({0, to.size()}, [&]<class V>(V, std::size_t j) {
    store(doubles_at<V>(&from[j]) - length * doubles_at<V>(&direction[j]), &to[j]);
  });
}

void step_scaled(View direction, View scale, double length, View from, MutView to) {
  for_each_vector({0, to.size()}, [&]<class V>(V, std::size_t j) {
    store(doubles_at<V>(&from[j]) - length * (doubles_at<V>(&direction[j]) / doubles_at<V>(&scale[j])),
          &to[j]);
  });
}

void step_adamw(const AdamW& options, double length, std::size_t t, Range range, View g, MutView m, MutView v,
                View from, MutView to) {
  const auto [beta1, beta2, epsilon, decay] = options;
  const double first = 1 - power(beta1, t);
  const double second = 1 - power(beta2, t);
  for_each_vector(range, [&, beta1 = beta1, beta2 = beta2, epsilon = epsilon, decay = decay]<class V>(
                             V, std::size_t j) {
    const V gradient = doubles_at<V>(&g[j]);
    const V start = doubles_at<V>(&from[j]);
    const V mean = beta1 * doubles_at<V>(&m[j]) + (1 - beta1) * gradient;
    const V square = beta2 * doubles_at<V>(&v[j]) + (1 - beta2) * gradient * gradient;
    store(mean, &m[j]);
    store(square, &v[j]);
    store(start - length * (mean / first / (square_root(square / second) + epsilon) + decay * start), &to[j]);
  });
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

HWY_EXPORT(step_unscaled);
HWY_EXPORT(step_scaled);
HWY_EXPORT(step_adamw);

void step_along(View direction, const InnerStep& step, View from, MutView to) {
  if (step.scale.empty()) return HWY_DYNAMIC_DISPATCH(step_unscaled)(direction, step.length, from, to);
  HWY_DYNAMIC_DISPATCH(step_scaled)(direction, step.scale, step.length, from, to);
}

class Plain final : public InnerRule {
 public:
  void step(const InnerStep& step, MutView g, std::span<Vector> /*memory*/, View from,
            MutView to) const override {
    step_along(g, step, from, to);
  }
};

class Momentum final : public InnerRule {
 public:
  Momentum(double beta, Between between) : beta_(beta), between_(between) {}
  std::size_t memory() const override { return 1; }
  Between between_rounds() const override { return between_; }

  void step(const InnerStep& step, MutView g, std::span<Vector> memory, View from,
            MutView to) const override {
    Vector& m = memory[0];
    for (std::size_t j = 0; j < m.size(); ++j) m[j] = beta_ * m[j] + (1 - beta_) * g[j];
    step_along(m, step, from, to);
  }

 private:
  double beta_;
  Between between_;
};

class HeavyBall final : public InnerRule {
 public:
  explicit HeavyBall(double beta) : beta_(beta) {}
  std::size_t memory() const override { return 1; }
  Between between_rounds() const override { return Between::reset; }

  void step(const InnerStep& step, MutView g, std::span<Vector> memory, View from,
            MutView to) const override {
    Vector& m = memory[0];
    for (std::size_t j = 0; j < m.size(); ++j) m[j] = beta_ * m[j] + g[j];
    step_along(m, step, from, to);
  }

 private:
  double beta_;
};

class Proximal final : public InnerRule {
 public:
  explicit Proximal(double mu) : mu_(mu) {}
  bool uses_start() const override { return true; }

  void step(const InnerStep& step, MutView g, std::span<Vector> /*memory*/, View from,
            MutView to) const override {
    for (std::size_t j = 0; j < g.size(); ++j) g[j] += mu_ * (from[j] - step.start[j]);
    step_along(g, step, from, to);
  }

 private:
  double mu_;
};

class Adam final : public InnerRule {
 public:
  explicit Adam(const AdamW& options) : options_(options) {}
  std::size_t memory() const override { return 2; }
  bool takes_scale() const override { return false; }

  void step(const InnerStep& step, MutView g, std::span<Vector> memory, View from,
            MutView to) const override {
    adamw_step(options_, step.length, step.number, {0, to.size()}, g, memory[0], memory[1], from, to);
  }

 private:
  AdamW options_;
};

}  // namespace

std::unique_ptr<InnerRule> plain_inner() { return std::make_unique<Plain>(); }

std::unique_ptr<InnerRule> inner_momentum(double beta, Between between) {
  check(beta > 0 && beta < 1, "momentum needs 0 < beta < 1");
  check(between != Between::kept, "momentum is averaged or reset between rounds");
  return std::make_unique<Momentum>(beta, between);
}

std::unique_ptr<InnerRule> inner_heavy_ball(double beta) {
  check(beta > 0 && beta < 1, "momentum needs 0 < beta < 1");
  return std::make_unique<HeavyBall>(beta);
}

double heavy_weight(double beta, std::size_t steps) {
  const double L = static_cast<double>(steps);
  return (L - beta * (1 - power(beta, steps)) / (1 - beta)) / (1 - beta);
}

std::unique_ptr<InnerRule> proximal_inner(double mu) {
  check(mu >= 0, "a proximal term needs mu >= 0");
  return std::make_unique<Proximal>(mu);
}

std::unique_ptr<InnerRule> adamw(const AdamW& options) { return std::make_unique<Adam>(options); }

void adamw_step(const AdamW& options, double length, std::size_t t, Range range, View g, MutView m, MutView v,
                View from, MutView to) {
  HWY_DYNAMIC_DISPATCH(step_adamw)(options, length, t, range, g, m, v, from, to);
}

}  // namespace laconic
#endif
