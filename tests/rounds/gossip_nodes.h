// SPDX-License-Identifier: Apache-2.0
// Runs without a server. A test can read and change their nodes.
#pragma once

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "laconic/problem/distributed_ls.h"
#include "tests/support.h"

namespace laconic::testing {

using Vectors = std::vector<Vector>;

inline std::unique_ptr<Problem> unlike_clients(double zeta = 10) {
  return make_distributed_ls({.clients = 10, .d = 6, .zeta = zeta});
}

/// The point at which the mean of the clients' gradients is 0: all Hessians of distributed-ls are multiples
/// of I.
inline Vector solution_of(const Problem& problem) {
  ThreadPool pool(1);
  Fleet fleet(pool);
  Vector x(problem.dim());
  Vector g(problem.dim());
  const Vector zero(problem.dim());
  for (std::size_t i = 0; i < problem.shards(); ++i) {
    problem.value_gradient(i, Rows::everything(), zero, g);
    axpy(-1.0 / static_cast<double>(problem.shards()), g, x);
  }
  scale(1 / problem.constants(fleet).value().L_minus, x);
  return x;
}

/// A run that gives access to its models.
class Nodes {
 public:
  Nodes(const Problem& problem, const Job& job) : Nodes(problem, experiment_on(problem, job)) {}
  Nodes(const Problem& problem, const Experiment& experiment)
      : Nodes(problem, experiment.assembly(), experiment.step()) {}
  Nodes(const Problem& problem, Assembly assembly, double step)
      : problem_(problem),
        pool_(1),
        fleet_(pool_),
        assembly_(std::move(assembly)),
        method_(make_method(assembly_, step)) {
    method_->start(fleet_, nullptr);
  }

  void round() { method_->round(fleet_, ++t_, &evaluation_); }
  void rounds(std::size_t count) {
    for (std::size_t k = 0; k < count; ++k) round();
  }
  [[nodiscard]] const MixingPlan& plan() const { return *assembly_.mixing; }
  /// The number of vectors that a node keeps, and the k-th of node i: x first.
  std::size_t vectors() { return method_->state(fleet_).clients.at(0).size(); }
  MutView vector(std::size_t i, std::size_t k) { return method_->state(fleet_).clients.at(i).at(k); }
  MutView x(std::size_t i) { return method_->state(fleet_).clients.at(i)[0]; }
  MutView c(std::size_t i) { return method_->state(fleet_).clients.at(i)[1]; }
  Vectors all_x() {
    Vectors all;
    for (std::size_t i = 0; i < problem_.shards(); ++i) all.emplace_back(x(i).begin(), x(i).end());
    return all;
  }
  [[nodiscard]] View mean() const { return method_->point(); }
  [[nodiscard]] const Evaluation& evaluation() const { return evaluation_; }
  [[nodiscard]] const Ledger& ledger() const { return method_->ledger(); }
  /// (1/n) sum |x_i - y|^2
  double error(View y) {
    double sum = 0;
    for (std::size_t i = 0; i < problem_.shards(); ++i) sum += distance_sq(x(i), y);
    return sum / static_cast<double>(problem_.shards());
  }

 private:
  const Problem& problem_;
  ThreadPool pool_;
  Fleet fleet_;
  Assembly assembly_;
  std::unique_ptr<Method> method_;
  std::size_t t_ = 0;
  Evaluation evaluation_;
};

inline Vectors zeros_like(const Vectors& x) { return {x.size(), Vector(x[0].size())}; }

inline Vectors mixed(const Mixing& w, const Vectors& x) {
  Vectors out = zeros_like(x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (const Neighbour& j : w.row(i)) axpy(j.weight, x[j.node], out[i]);
  }
  return out;
}

inline Vectors gradients(const Problem& problem, const Vectors& x) {
  Vectors g = zeros_like(x);
  for (std::size_t i = 0; i < x.size(); ++i) problem.value_gradient(i, Rows::everything(), x[i], g[i]);
  return g;
}

inline void add(double a, const Vectors& x, Vectors& y) {
  for (std::size_t i = 0; i < x.size(); ++i) axpy(a, x[i], y[i]);
}

inline Vectors starts_of(const Problem& problem) {
  Vectors x(problem.shards(), Vector(problem.dim()));
  for (Vector& each : x) problem.start(each);
  return x;
}

inline void expect_near(const Vectors& found, const Vectors& expected, double tolerance) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LE(std::sqrt(distance_sq(found[i], expected[i])), tolerance * std::sqrt(norm_sq(expected[i])))
        << i;
  }
}

class GossipOn : public ::testing::Test {
 protected:
  /// Twelve clients with labels of mostly one kind.
  std::shared_ptr<const Problem> logistic() const {
    return problem_of({.problem = fmt::format("logistic(\"{}\", lambda=0.05)",
                                              folder_.write("classes", two_classes(97, 7))),
                       .method = "gd",
                       .clients = 12,
                       .split = "by-label"});
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace laconic::testing
