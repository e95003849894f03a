// SPDX-License-Identifier: Apache-2.0
// The client's side of a star, without a problem: from a gradient to a message. StarClients
// (rounds/star_clients.h) has one for each client; an Exchange (rounds/exchange.h) has one, for gradients that
// its caller computes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "laconic/core/vec.h"
#include "laconic/mechanism/client_memory.h"
#include "laconic/rounds/star.h"

namespace laconic {

/// What a client sends about its gradients. The parts are those of StarParts.
struct ClientPlan {
  std::vector<Estimate> estimates = {};
  std::shared_ptr<const Mechanism> mechanism = {};
  /// Whether the gradient of this round serves as the previous one in the next: every client computes it in
  /// every round, and it is the gradient of the same function.
  bool gradients_repeat = true;

  /// Whether a client keeps its gradient until the next round.
  [[nodiscard]] bool keeps_gradient() const {
    return mechanism->uses_previous() && estimates.empty() && gradients_repeat;
  }
  /// Whether a client needs the gradient at its previous point too.
  [[nodiscard]] bool looks_back() const {
    if (!estimates.empty()) return estimates[0].at_previous;
    return mechanism->uses_previous() && !gradients_repeat;
  }
};

/// What a client keeps from round to round. Value is the width of its vectors: double, or float, where each
/// new entry is computed in doubles and rounded once. One vector for a memory h, a previous gradient y and an
/// accumulated error e, if the mechanism has them, and one for each estimate; send() needs no other memory,
/// but for methods with estimates and y.
template <class Value>
struct ClientSide {
  ClientMemory<Value> memory;              // of the mechanism
  VectorOf<Value> y;                       // the gradient of the round before
  std::vector<VectorOf<Value>> estimates;  // one for each of the plan's

  /// All vectors at 0.
  void start(const ClientPlan& plan, std::size_t dim) {
    memory.start(*plan.mechanism, dim);
    if (plan.keeps_gradient()) y.assign(dim, 0);
    estimates.assign(plan.estimates.size(), VectorOf<Value>(dim, 0));
  }

  /// out = the message about the gradient g of round key.round, and all that the client keeps moves on. The
  /// caller then sets y to g if the plan keeps_gradient(). look_back() returns the gradient at the previous
  /// point; it is called at most once, and only if the plan looks_back(). `restart`: Mechanism::restarts of
  /// the round. `twice`: as for ClientMemory::say(). Cost: one pass for each estimate, and those of the
  /// mechanism.
  template <class LookBack>
  void send(const ClientPlan& plan, const Key& key, ViewOf<Value> g, LookBack&& look_back, bool restart,
            Message& out, bool twice = false) {
    const bool compares = plan.mechanism->uses_previous();
    ViewOf<Value> x = g;
    KeptOf<Value> before = y;
    thread_local VectorOf<Value> next;  // the last estimate, as long as its old value serves as y
    for (std::size_t k = 0; k < estimates.size(); ++k) {
      const bool is_last = k + 1 == estimates.size();
      VectorOf<Value>& to = is_last && compares ? next : estimates[k];
      to.resize(g.size());
      estimate(plan.estimates[k], key, x, estimates[k], look_back, to);
      x = to;
      if (is_last) before = estimates[k];
    }
    if (compares && !restart) {
      if (key.round == 0) {
        before = x;  // no previous round: the point has not moved
      } else if (estimates.empty() && !plan.gradients_repeat) {
        before = look_back();
      }
    }
    memory.say(*plan.mechanism, key, x, before, restart, out, twice);
    if (compares && !estimates.empty()) estimates.back().swap(next);
  }

  /// The vectors, to be read or restored.
  [[nodiscard]] std::vector<MutViewOf<Value>> vectors() {
    std::vector<MutViewOf<Value>> all = {memory.h, y};
    if (!memory.e.empty()) all.emplace_back(memory.e);
    for (VectorOf<Value>& estimate : estimates) all.emplace_back(estimate);
    return all;
  }

 private:
  /// to = the estimate that follows v, where g is the gradient, or the estimate before it in the chain. `to`
  /// may be v.
  template <class LookBack>
  static void estimate(const Estimate& plan, const Key& key, ViewOf<Value> g, ViewOf<Value> v,
                       LookBack&& look_back, MutViewOf<Value> to) {
    const auto& [keep, at_previous, stretch, whole] = plan;
    if (whole.heads(key)) {
      std::copy(g.begin(), g.end(), to.begin());
      return;
    }
    const ViewOf<Value> other = at_previous ? look_back() : g;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const double old = v[j];
      const double moved = g[j] + keep * (old - other[j]);
      to[j] = static_cast<Value>(stretch == 1 ? moved : old + stretch * (moved - old));
    }
  }
};

}  // namespace laconic
