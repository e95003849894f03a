// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/scaffold.h"

#include <span>
#include <utility>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/message/wire.h"
#include "laconic/participation/participation.h"
#include "laconic/rounds/collector.h"

namespace laconic {
namespace {

class Scaffold final : public Method {
 public:
  Scaffold(const Problem& problem, const ScaffoldParts& parts, const ScaffoldOptions& options)
      : problem_(problem),
        parts_(parts),
        options_(options),
        x_(start_of(problem)),
        c_(problem.dim()),
        dx_(problem.dim()),
        dc_(problem.dim()),
        everyone_(everyone(problem.shards())->draw({})),
        collector_(problem.shards(), 2) {}

  void start(Fleet& fleet, Evaluation* watch) override {
    take_on_clients(fleet);
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
    ledger_.open_round();
    const std::size_t values = 2 * x_.size();  // x and c
    ledger_.tell(static_cast<double>(8 * bytes_of(options_.wire) * values), static_cast<double>(values));
    fill(dx_, 0.0);
    fill(dc_, 0.0);
    const Key key{options_.seed, static_cast<std::uint32_t>(t)};
    const MutView sums[] = {dx_, dc_};
    collector_.collect(fleet, key, 0, everyone_, sums, ledger_,
                       [&](std::span<Entry* const> said) { return step_and_speak(*said[0], *said[1]); });
    ledger_.participants = problem_.shards();
    axpy(options_.outer_step, dx_, x_);
    axpy(1, dc_, c_);
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  void evaluate(Fleet& fleet, Evaluation& out) override { laconic::evaluate(problem_, x_, fleet, out); }

  State state(Fleet& fleet) override {
    take_on_clients(fleet);
    State state{.ledger = &ledger_, .shared = {x_, c_}};
    for (Vector& c_i : clients_) state.clients.push_back({c_i});
    return state;
  }

  const Problem& problem() const override { return problem_; }
  View point() const override { return x_; }
  const Ledger& ledger() const override { return ledger_; }
  double step() const override { return options_.step; }

 private:
  /// Scratch of a client until it has written its messages.
  struct Scratch {
    Vector y;
    Vector correction;
    LocalScratch steps;
  };

  void take_on_clients(Fleet& fleet) {
    const Range own = fleet.owned(problem_.shards());
    first_client_ = own.begin;
    clients_.resize(own.size(), Vector(problem_.dim(), 0.0));
  }

  bool step_and_speak(Entry& moved, Entry& learnt) {
    thread_local Scratch scratch;
    Vector& c_i = clients_[moved.key.client - first_client_];
    scratch.y.resize(x_.size());
    scratch.correction = c_;
    axpy(-1, c_i, scratch.correction);
    local_steps(*parts_.oracle, moved.key, {parts_.steps, options_.step}, scratch.correction, x_, scratch.y,
                Sample::mean, scratch.steps);
    moved.envelope.calls = parts_.steps * parts_.oracle->calls(moved.key);
    if (!all_finite(scratch.y) || !all_finite(scratch.steps.sample)) return false;
    axpy(-1, x_, scratch.y);              // y_i - x
    axpy(-1, c_i, scratch.steps.sample);  // c_i+ - c_i
    write_dense(options_.wire, scratch.y, moved.message);
    write_dense(options_.wire, scratch.steps.sample, learnt.message);
    decode_add(learnt.key, learnt.message, 1, c_i);  // as the server decodes it
    return true;
  }

  const Problem& problem_;
  ScaffoldParts parts_;
  ScaffoldOptions options_;
  Vector x_;
  Vector c_;
  Vector dx_;
  Vector dc_;
  std::size_t first_client_ = 0;
  std::vector<Vector> clients_;  // c_i of the clients that this rank owns
  std::vector<Share> everyone_;
  Collector collector_;
  Ledger ledger_;
};

}  // namespace

std::unique_ptr<Method> make_scaffold(const Problem& problem, const ScaffoldParts& parts,
                                      const ScaffoldOptions& options) {
  require_problem(problem, parts.oracle.get());
  check(parts.steps >= 1, "scaffold needs steps >= 1");
  require_step(options.step);
  require_outer_step(options.outer_step);
  return std::make_unique<Scaffold>(problem, parts, options);
}

}  // namespace laconic
