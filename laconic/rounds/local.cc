// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/local.h"

#include <span>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/local/local_steps.h"
#include "laconic/rounds/collector.h"

namespace laconic {
namespace {

/// The kinds of messages. The kind is part of the address of the random draws.
enum Part : std::uint32_t { kModel = 0, kMemory = 1, kStatistic = 2 };

class Local final : public Method {
 public:
  Local(const Problem& problem, const LocalParts& parts, const LocalOptions& options)
      : problem_(problem),
        parts_(parts),
        options_(options),
        scales_(parts.scaling.has_value()),
        x_(start_of(problem)),
        moved_(problem.dim()),
        downlink_(parts.downlink, start_of(problem), problem.shards(), options.wire, false),
        collector_(problem.shards(), 2) {
    check(parts_.participation->complete() || (!scales_ && parts_.inner->memory() == 0),
          "all clients must take part where steps are scaled or the inner rule has a memory");
    check(!scales_ || parts_.inner->takes_scale(), "the inner rule takes no scale");
    check(!averages_memory() || parts_.inner->memory() == 1, "an inner rule averages one vector");
    check(!parts_.outer->adds_term(), "an outer rule of local steps adds no term to f");
    for (std::size_t k = 0; k < parts_.outer->memory(); ++k)
      outer_memory_.emplace_back(problem.dim(), parts_.outer->first(k));
    if (averages_memory()) {
      memory_.resize(x_.size());
      next_memory_.resize(x_.size());
    }
    if (!scales_) return;
    const double first = parts_.scaling->refresh_at_start ? 0.0 : 1.0;
    if (!parts_.scaling->local) {
      D_.assign(x_.size(), first);
      statistic_.resize(x_.size());
    }
  }

  void start(Fleet& fleet, Evaluation* watch) override {
    take_on_clients(fleet);
    if (scales_ && parts_.scaling->refresh_at_start) {
      ledger_.open_round();
      refresh(fleet, 0);
    }
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
    ledger_.open_round();
    if (parts_.downlink.kind == DownlinkPlan::Kind::direction) tell(x_);
    if (averages_memory()) tell(memory_);
    if (scales_ && !parts_.scaling->local) {
      if (refreshes_after(t - 1)) tell(D_);
      scale_.resize(D_.size());
      parts_.scaling->scaling.clip(D_, scale_);
    }

    fill(moved_, 0.0);
    fill(next_memory_, 0.0);
    const Key key{options_.seed, static_cast<std::uint32_t>(t)};
    std::vector<MutView> sums = {moved_};
    if (averages_memory()) sums.emplace_back(next_memory_);
    parts_.participation->draw(key.common(), shares_);
    const std::size_t participants = shares_.size();
    collector_.collect(fleet, key, kModel, shares_, sums, ledger_,
                       [&](std::span<Entry* const> said) { return step_and_speak(said); });
    const bool compresses_direction = parts_.downlink.kind == DownlinkPlan::Kind::ef21;
    const View direction = compresses_direction ? downlink_.direction(key, moved_, ledger_) : View(moved_);
    if (parts_.downlink.kind == DownlinkPlan::Kind::marina_p) before_ = x_;
    parts_.outer->move(options_.outer_step, direction, outer_memory_, x_);
    downlink_.send(fleet, key, before_, x_, ledger_);
    memory_.swap(next_memory_);

    if (scales_ && refreshes_after(t)) refresh(fleet, t);
    ledger_.participants = participants;  // independent of the number of vectors that each client sent
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  void evaluate(Fleet& fleet, Evaluation& out) override { laconic::evaluate(problem_, x_, fleet, out); }

  State state(Fleet& fleet) override {
    take_on_clients(fleet);
    State state{.ledger = &ledger_, .shared = {x_, D_, memory_}};
    for (const MutView vector : outer_memory_) state.shared.push_back(vector);
    for (const MutView vector : downlink_.memory()) state.shared.push_back(vector);
    for (std::size_t own = 0; own < clients_.size(); ++own) {
      std::vector<MutView>& vectors = state.clients.emplace_back();
      vectors.emplace_back(clients_[own].D);
      for (const MutView vector : clients_[own].memory) vectors.push_back(vector);
      for (const MutView vector : downlink_.memory_of(own)) vectors.push_back(vector);
    }
    return state;
  }

  const Problem& problem() const override { return problem_; }
  View point() const override { return x_; }
  const Ledger& ledger() const override { return ledger_; }
  double step() const override { return options_.step; }

 private:
  /// What a client keeps from round to round.
  struct Client {
    Vector D;                    // for local scaling
    std::vector<Vector> memory;  // what the inner rule keeps
  };
  /// Scratch of a client until it has written its messages.
  struct Scratch {
    Vector y;
    Vector gradient;
    std::vector<Vector> memory;  // of the inner rule, unless the client keeps it
    Vector scale;
    Vector statistic;
    Vector probe;
  };
  static Scratch& scratch() {
    thread_local Scratch of_thread;
    return of_thread;
  }

  [[nodiscard]] bool averages_memory() const { return parts_.inner->between_rounds() == Between::averaged; }

  /// refreshes_after(t): whether D is updated after round t (0: at the start). refreshes_before(t): the
  /// number of updates before that.
  [[nodiscard]] bool refreshes_after(std::size_t t) const {
    return t == 0 ? parts_.scaling->refresh_at_start : t % parts_.scaling->refresh == 0;
  }
  [[nodiscard]] std::size_t refreshes_before(std::size_t t) const {
    if (t == 0) return 0;
    return (parts_.scaling->refresh_at_start ? 1 : 0) + (t - 1) / parts_.scaling->refresh;
  }

  void take_on_clients(Fleet& fleet) {
    const Range own = fleet.owned(problem_.shards());
    if (clients_.size() == own.size()) return;
    first_client_ = own.begin;
    downlink_.take_on(own);
    Client fresh;
    if (scales_ && parts_.scaling->local)
      fresh.D.assign(x_.size(), parts_.scaling->refresh_at_start ? 0.0 : 1.0);
    if (parts_.inner->between_rounds() == Between::kept)
      fresh.memory.resize(parts_.inner->memory(), Vector(x_.size(), 0.0));
    clients_.resize(own.size(), fresh);
  }

  Client& client(const Key& key) { return clients_[key.client - first_client_]; }
  /// Where a client starts its round.
  [[nodiscard]] View point_of(const Key& key) const {
    return parts_.downlink.clients_at_x() ? View(x_) : downlink_.point(key.client);
  }

  /// Counts a vector that the server sends to all clients.
  void tell(View v) {
    ledger_.tell(static_cast<double>(8 * bytes_of(options_.wire) * v.size()), static_cast<double>(v.size()));
  }

  /// The memory of the inner rule at the start of a client's round: its own, or, in the scratch, the mean or
  /// zeros.
  std::span<Vector> memory_of(Client& client, Scratch& s) {
    if (parts_.inner->between_rounds() == Between::kept) return client.memory;
    s.memory.resize(parts_.inner->memory());
    for (Vector& vector : s.memory) {
      if (averages_memory()) {
        vector = memory_;
      } else {
        vector.assign(x_.size(), 0.0);
      }
    }
    return s.memory;
  }

  bool step_and_speak(std::span<Entry* const> said) {
    Scratch& s = scratch();
    const Key& key = said[0]->key;
    InnerStep step{.length = options_.step, .scale = scale_};
    if (scales_ && parts_.scaling->local) {
      s.scale.resize(x_.size());
      parts_.scaling->scaling.clip(client(key).D, s.scale);
      step.scale = s.scale;
    }
    const std::span<Vector> memory = memory_of(client(key), s);
    s.y.resize(x_.size());
    const View x = point_of(key);
    take_local_steps(*parts_.oracle, key, parts_.steps, x, s.y, s.gradient,
                     [&](std::size_t k, View from, MutView g, MutView to) {
                       step.number = (key.round - std::size_t{1}) * parts_.steps + k + 1;
                       parts_.inner->step(step, g, memory, from, to);
                     });
    said[0]->envelope.calls = parts_.steps * parts_.oracle->calls(key);
    if (!all_finite(s.y)) return false;
    parts_.compressor->compress_difference(key, s.y, x, said[kModel]->message);
    if (averages_memory()) parts_.compressor->compress(said[kMemory]->key, memory[0], said[kMemory]->message);
    return true;
  }

  /// Updates D by the clients' statistics at x.
  void refresh(Fleet& fleet, std::size_t t) {
    const ScalingPlan& plan = *parts_.scaling;
    const std::size_t before = refreshes_before(t);
    const Key key{options_.seed, static_cast<std::uint32_t>(t)};
    if (plan.local) {
      const Vector calls = fleet.numbers(problem_.shards(), [&](std::size_t i) {
        Key own = key;
        own.client = static_cast<std::uint32_t>(i);
        std::size_t asked = 0;
        plan.scaling.update(before, statistic_of(own, before, asked), client(own).D);
        return static_cast<double>(asked);
      });
      for (std::size_t i = 0; i < calls.size(); ++i)
        ledger_.compute(static_cast<std::uint32_t>(i), static_cast<std::uint64_t>(calls[i]));
      return;
    }
    if (t > 0) ledger_.tell(0, 0);  // the server sends x_t; its bits are counted in the next round
    fill(statistic_, 0.0);
    const MutView sums[] = {statistic_};
    parts_.participation->draw(key.common(), shares_);
    collector_.collect(fleet, key, kStatistic, shares_, sums, ledger_, [&](std::span<Entry* const> said) {
      std::size_t asked = 0;
      const View S = statistic_of(said[0]->key, before, asked);
      said[0]->envelope.calls = asked;
      if (!all_finite(S)) return false;
      parts_.compressor->compress(said[0]->key, S, said[0]->message);
      return true;
    });
    if (!plan.scaling.row->curvature && !plan.mean_of_squares) {
      for (double& s : statistic_) s *= s;
    }
    plan.scaling.update(before, statistic_, D_);
  }

  /// The statistic of a client at x: the curvature along random signs, the gradient, or its square (if the
  /// squares are taken before the mean, or no mean is taken).
  View statistic_of(Key key, std::size_t before, std::size_t& asked) {
    const ScalingPlan& plan = *parts_.scaling;
    Scratch& s = scratch();
    s.statistic.assign(x_.size(), 0.0);
    key.step = static_cast<std::uint32_t>(parts_.steps);  // its own draw, after those of the local steps
    if (!plan.scaling.row->curvature) {
      asked = parts_.oracle->calls(key);
      parts_.oracle->gradient(key, point_of(key), s.statistic);
      if (plan.local || plan.mean_of_squares) {
        for (double& each : s.statistic) each *= each;
      }
      return s.statistic;
    }
    const std::size_t probes = before == 0 ? plan.start_probes : 1;
    s.probe.resize(x_.size());
    s.gradient.resize(x_.size());
    for (std::size_t p = 0; p < probes; ++p, ++key.step) {
      Key address = plan.shared_probes ? key.common() : key;
      address.step = key.step;
      Stream signs = address.stream(Purpose::probe);
      std::uint32_t word = 0;
      for (std::size_t j = 0; j < s.probe.size(); ++j, word >>= 1) {
        if (j % 32 == 0) word = signs.next32();
        s.probe[j] = (word & 1) != 0 ? 1 : -1;
      }
      parts_.oracle->hessian_vector(key, point_of(key), s.probe, s.gradient);
      asked += parts_.oracle->calls(key);
      for (std::size_t j = 0; j < s.probe.size(); ++j)
        s.statistic[j] += s.probe[j] * s.gradient[j] / static_cast<double>(probes);
    }
    return s.statistic;
  }

  const Problem& problem_;
  LocalParts parts_;
  LocalOptions options_;
  bool scales_;
  Vector x_;
  Vector moved_;
  Vector before_;                 // x of the round before, for marina-p
  Vector memory_, next_memory_;   // of the inner rule, if it is averaged
  Vector D_, scale_, statistic_;  // for global scaling
  std::vector<Vector> outer_memory_;
  Downlink downlink_;
  std::size_t first_client_ = 0;
  std::vector<Client> clients_;  // the clients that this rank owns
  std::vector<Share> shares_;    // of the round
  Collector collector_;
  Ledger ledger_;
};

}  // namespace

std::unique_ptr<Method> make_local(const Problem& problem, const LocalParts& parts,
                                   const LocalOptions& options) {
  require_problem(problem, parts.oracle.get());
  check(parts.participation && parts.compressor && parts.inner && parts.outer,
        "a local method needs a participation, a compressor, an inner rule and an outer rule");
  check(parts.participation->clients() == problem.shards(),
        "the participation is of another number of clients than the problem's");
  check(parts.steps >= 1, "a local method needs steps >= 1");
  if (parts.scaling) {
    check(parts.scaling->scaling.row != nullptr, "a scaling needs its rule");
    check(parts.scaling->refresh >= 1 && parts.scaling->start_probes >= 1,
          "a scaling needs refresh >= 1 and start_probes >= 1");
    check(!parts.scaling->scaling.row->curvature || problem.has_curvature(),
          "a scaling by curvature needs a problem that has it");
  }
  require_step(options.step);
  require_outer_step(options.outer_step);
  return std::make_unique<Local>(problem, parts, options);
}

}  // namespace laconic
