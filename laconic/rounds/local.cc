// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/local.h"

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "laconic/core/blocks.h"
#include "laconic/core/error.h"
#include "laconic/local/local_steps.h"
#include "laconic/mechanism/client_memory.h"
#include "laconic/message/deal.h"
#include "laconic/message/wire.h"
#include "laconic/rounds/collector.h"
#include "laconic/rounds/senders_mean.h"

namespace laconic {
namespace {

/// The kinds of messages. The kind is part of the address of the random draws. The messages of fragment p
/// have the number p: a method with fragments has no other messages.
enum Part : std::uint32_t { kModel = 0, kMemory = 1, kStatistic = 2 };

/// What happens in a round after some of the local steps.
struct Event {
  enum class Kind { say, apply };
  Kind kind = Kind::say;
  std::size_t fragment = 0;
  std::size_t step = 0;   // after so many steps
  std::size_t since = 0;  // say: the steps at the previous message
  bool late = false;      // apply: the fragment was sent in the round before
};

constexpr std::size_t kAllSteps = std::numeric_limits<std::size_t>::max();

/// The events of a round, in order. Without fragments all is sent and applied after the last step.
std::vector<Event> events_of(const std::optional<FragmentPlan>& plan, std::size_t steps) {
  if (!plan) return {{.step = kAllSteps}, {.kind = Event::Kind::apply, .step = kAllSteps}};
  std::vector<Event> events;
  std::size_t since = 0;
  for (std::size_t p = 0; p < plan->count; ++p) {
    const std::size_t offset = (p + 1) * steps / plan->count;
    const std::size_t due = offset + plan->delay;
    events.push_back({.fragment = p, .step = offset, .since = since});
    events.push_back({.kind = Event::Kind::apply,
                      .fragment = p,
                      .step = due > steps ? due - steps : due,
                      .late = due > steps});
    since = offset;
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.step < b.step; });
  return events;
}

class Local final : public Method {
 public:
  Local(const Problem& problem, const LocalParts& parts, const LocalOptions& options)
      : problem_(problem),
        parts_(parts),
        options_(options),
        fragments_(parts.fragments ? parts.fragments->count : 1),
        events_(events_of(parts.fragments, parts.steps.least())),
        x_(start_of(problem)),
        direction_(problem.dim()),
        downlink_(parts.downlink, start_of(problem), problem.shards(), options.wire, false),
        collector_(problem.shards(), 2) {
    for (std::size_t p = 0; p < fragments_; ++p) {
      for (std::size_t k = 0; k < parts_.outer->memory(); ++k)
        outer_memory_.emplace_back(range_of(p).size(), parts_.outer->first(k));
    }
    if (averages_memory()) {
      memory_.resize(x_.size());
      next_memory_.resize(x_.size());
    }
    if (parts_.split) variate_.resize(x_.size());
    if (!scales() || parts_.scaling->local) return;
    D_.assign(x_.size(), parts_.scaling->first());
    statistic_.resize(x_.size());
  }

  void start(Fleet& fleet, Evaluation* watch) override {
    take_on_clients(fleet);
    if (scales() && parts_.scaling->refresh_at_start) {
      ledger_.open_round();
      refresh(fleet, 0);
    }
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
    const Key key{options_.seed, static_cast<std::uint32_t>(t)};
    ledger_.open_round();
    tell_clients(t);
    parts_.participation->draw(key.common(), shares_);
    const std::size_t participants = shares_.size();
    if (parts_.split) step_alone(key);

    steps_taken_ = 0;
    for (const Event& event : events_) {
      if (event.kind == Event::Kind::say) {
        gather(fleet, key, event);  // clients step and send; the server adds up
      } else if (!event.late || t > 1) {
        step_to(fleet, key, event.step);
        apply(fleet, key, event.fragment);  // the server steps, and clients adapt what they keep
      }
    }
    if (scales() && parts_.scaling->refreshes_after(t)) refresh(fleet, t);
    ledger_.participants = participants;  // independent of the number of vectors that each client sent
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  void evaluate(Fleet& fleet, Evaluation& out) override { laconic::evaluate(problem_, x_, fleet, out); }

  State state(Fleet& fleet) override {
    take_on_clients(fleet);
    State state{.ledger = &ledger_, .shared = {x_, D_, memory_, variate_}};
    // Between rounds it holds the mean of the clients' memories, or fragments that are not applied yet.
    if (server_remembers() || (parts_.fragments && parts_.fragments->delay > 0))
      state.shared.emplace_back(direction_);
    for (const MutView vector : outer_memory_) state.shared.push_back(vector);
    for (const MutView vector : downlink_.memory()) state.shared.push_back(vector);
    for (std::size_t own = 0; own < clients_.size(); ++own) {
      Client& client = clients_[own];
      std::vector<MutView>& vectors = state.clients.emplace_back();
      vectors = {client.D, client.control, client.model};
      for (const MutView vector : client.memory) vectors.push_back(vector);
      for (Vector* vector : {&client.said.h, &client.said.e, &client.said.numbers})
        vectors.emplace_back(*vector);
      for (const MutView vector : downlink_.memory_of(own)) vectors.push_back(vector);
    }
    return state;
  }

  const Problem& problem() const override { return problem_; }
  View point() const override { return x_; }
  const Ledger& ledger() const override { return ledger_; }
  double step() const override { return options_.step; }

 private:
  /// What a client keeps from round to round; empty vectors where its method does not.
  struct Client {
    Vector D;                    // for local scaling
    Vector control;              // h_i
    Vector model;                // y_i
    std::vector<Vector> memory;  // of the inner rule
    ClientMemory<double> said;   // of the mechanism
  };
  /// Scratch of a client until it has written its messages.
  struct Scratch {
    Vector y;
    Vector moved;  // y_i - x
    Vector gradient;
    std::vector<Vector> memory;  // of the inner rule, unless the client keeps it
    Vector scale;
    StatisticScratch statistic;
  };
  static Scratch& scratch() {
    thread_local Scratch of_thread;
    return of_thread;
  }

  [[nodiscard]] bool scales() const { return parts_.scaling.has_value(); }
  [[nodiscard]] bool averages_memory() const { return parts_.inner->between_rounds() == Between::averaged; }
  [[nodiscard]] bool keeps_models() const { return parts_.split || parts_.fragments; }
  [[nodiscard]] bool server_remembers() const {
    return parts_.mechanism && parts_.mechanism->rates().server != 0;
  }
  [[nodiscard]] Range range_of(std::size_t fragment) const {
    return block_of(problem_.dim(), fragment, fragments_);
  }

  void take_on_clients(Fleet& fleet) {
    const Range own = fleet.owned(problem_.shards());
    if (clients_.size() == own.size()) return;
    first_client_ = own.begin;
    downlink_.take_on(own);
    Client fresh;
    if (scales() && parts_.scaling->local) fresh.D.assign(x_.size(), parts_.scaling->first());
    if (parts_.control) fresh.control.assign(x_.size(), 0.0);
    if (keeps_models()) fresh.model = x_;
    if (parts_.inner->between_rounds() == Between::kept)
      fresh.memory.resize(parts_.inner->memory(), Vector(x_.size(), 0.0));
    if (parts_.mechanism) fresh.said.start(*parts_.mechanism, x_.size());
    clients_.resize(own.size(), fresh);
  }

  Client& client(const Key& key) { return clients_[key.client - first_client_]; }
  /// Where a client starts its round.
  [[nodiscard]] View point_of(const Key& key) const {
    return parts_.downlink.clients_at_x() ? View(x_) : downlink_.point(key.client);
  }

  // What the server sends.

  /// Counts a vector that the server sends to all clients.
  void tell(View v) {
    ledger_.tell(static_cast<double>(8 * bytes_of(options_.wire) * v.size()), static_cast<double>(v.size()));
  }

  void tell_clients(std::size_t t) {
    if (parts_.downlink.kind == DownlinkPlan::Kind::direction) tell(x_);
    if (averages_memory()) tell(memory_);
    if (!scales() || parts_.scaling->local) return;
    if (parts_.scaling->refreshes_after(t - 1)) tell(D_);
    scale_.resize(D_.size());
    parts_.scaling->scaling.clip(D_, scale_);
  }

  // Clients step and send.

  /// The clients take their steps up to that of the event and send their messages. The server adds up the
  /// fragment of direction_.
  void gather(Fleet& fleet, const Key& key, const Event& event) {
    std::vector<MutView>& sums = sums_;
    sums.assign(1, part(MutView(direction_), range_of(event.fragment)));
    if (averages_memory()) sums.emplace_back(next_memory_);
    fill(next_memory_, 0.0);
    if (!server_remembers()) fill(sums[0], 0.0);
    const auto speak = [&](std::span<Entry* const> said) { return step_and_speak(said, event); };
    const auto first_part = static_cast<std::uint32_t>(event.fragment);
    if (parts_.senders) {
      senders_.open(sums[0].size());
      collector_.collect(fleet, key, first_part, shares_, sums.size(), sums[0].size(), ledger_, speak,
                         [&](std::size_t /*p*/, Board& board) {
                           fleet.for_each_message(board, [&](const Entry& entry, const Message& message) {
                             senders_.hear(entry.key, message);
                           });
                         });
      senders_.close(sums[0]);
    } else {
      collector_.collect(fleet, key, first_part, shares_, sums, ledger_, speak);
    }
    memory_.swap(next_memory_);
    steps_taken_ = std::max(steps_taken_, event.step);
  }

  /// The clients take their steps up to this one, without a message. Only where they keep their models.
  void step_to(Fleet& fleet, const Key& key, std::size_t step) {
    if (steps_taken_ >= step) return;
    fleet.for_each(fleet.owned(problem_.shards()), [&](std::size_t i) {
      Key own = key;
      own.client = static_cast<std::uint32_t>(i);
      Client& c = client(own);
      take_steps(own, step, c, memory_of(c, scratch()), c.model, c.model);
    });
    steps_taken_ = step;
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

  /// y moves from `from` by the client's steps that are not taken yet, up to the number `until`.
  void take_steps(const Key& key, std::size_t until, const Client& c, std::span<Vector> memory, View from,
                  MutView y) {
    Scratch& s = scratch();
    InnerStep step{.length = options_.step, .scale = scale_, .start = from};
    if (scales() && parts_.scaling->local) {
      s.scale.resize(x_.size());
      parts_.scaling->scaling.clip(c.D, s.scale);
      step.scale = s.scale;
    }
    const std::size_t steps = parts_.steps.of(key);
    take_local_steps(*parts_.oracle, key, Range{steps_taken_, std::min(until, steps)}, from, y, s.gradient,
                     [&](std::size_t k, View at, MutView g, MutView to) {
                       if (parts_.split) axpy(-parts_.split->ridge / 2, at, g);
                       if (parts_.control) axpy(-1, c.control, g);
                       step.number = (key.round - std::size_t{1}) * steps + k + 1;
                       parts_.inner->step(step, g, memory, at, to);
                     });
  }

  bool step_and_speak(std::span<Entry* const> said, const Event& event) {
    Scratch& s = scratch();
    const Key key = key_of_steps(said[0]->key);
    Client& c = client(key);
    const std::span<Vector> memory = memory_of(c, s);
    s.y.resize(x_.size());
    const View x = point_of(key);
    const MutView y = keeps_models() ? MutView(c.model) : MutView(s.y);
    take_steps(key, event.step, c, memory, keeps_models() ? View(y) : x, y);
    said[0]->envelope.calls =
        (std::min(event.step, parts_.steps.of(key)) - event.since) * parts_.oracle->calls(key);
    if (!all_finite(y)) return false;
    const Range range = range_of(event.fragment);
    speak(*said[0], c, part(View(y), range), part(x, range));
    if (averages_memory()) parts_.compressor->compress(said[kMemory]->key, memory[0], said[kMemory]->message);
    return true;
  }

  /// The address of a client's steps, from that of a message.
  static Key key_of_steps(Key message) {
    message.step = 0;
    return message;
  }

  /// The message about y - x, and what the client keeps of it.
  void speak(Entry& entry, Client& c, View y, View x) {
    Scratch& s = scratch();
    if (parts_.fragments) return speak_whole(entry, y, x);
    if (parts_.mechanism) {
      s.moved.resize(y.size());
      subtract(y, x, s.moved);
      c.said.say(*parts_.mechanism, entry.key, s.moved, {}, false, entry.message);
    } else {
      parts_.compressor->compress_difference(entry.key, y, x, entry.message);
    }
    if (parts_.control)
      decode_add(entry.key, entry.message, -control_rate(), c.control);  // the rest: adapt()
  }

  /// The message about a fragment: all values of y - x.
  void speak_whole(Entry& entry, View y, View x) const {
    Scratch& s = scratch();
    s.moved.resize(y.size());
    subtract(y, x, s.moved);
    write_dense(options_.wire, s.moved, entry.message);
  }

  // The server steps, and clients adapt what they keep.

  /// x <- x + eta_s d, or by the outer rule, on the coordinates of the fragment.
  void apply(Fleet& fleet, const Key& key, std::size_t fragment) {
    const Range range = range_of(fragment);
    View d = part(View(direction_), range);
    if (parts_.downlink.kind == DownlinkPlan::Kind::ef21) d = downlink_.direction(key, d, ledger_);
    if (parts_.control) adapt(fleet, key);
    if (parts_.downlink.kind == DownlinkPlan::Kind::marina_p) before_ = x_;
    const double eta_s = options_.outer_step * (parts_.split ? parts_.split->follow : 1);
    const std::size_t vectors = parts_.outer->memory();
    parts_.outer->move(eta_s, d, std::span(outer_memory_).subspan(fragment * vectors, vectors),
                       part(MutView(x_), range));
    downlink_.send(fleet, key, before_, x_, ledger_);
    if (parts_.fragments) merge(fleet, range);
  }

  [[nodiscard]] double control_rate() const { return parts_.control->rate / options_.step; }

  /// h_i <- h_i + (rate / gamma) d on the coordinates that the client sent; it has subtracted its message
  /// already. With a split the models y_i and the variate of the server follow too.
  void adapt(Fleet& fleet, const Key& key) {
    fleet.for_each(fleet.owned(problem_.shards()), [&](std::size_t i) {
      Key own = key;
      own.client = static_cast<std::uint32_t>(i);
      Client& c = client(own);
      if (const std::size_t owners = parts_.control->owners; owners > 0) {
        for (const std::uint32_t k : owned_coordinates(own, x_.size(), problem_.shards(), owners))
          c.control[k] += control_rate() * direction_[k];
      } else {
        axpy(control_rate(), direction_, c.control);
      }
      if (!parts_.split) return;
      const double follow = parts_.split->follow;
      for (std::size_t j = 0; j < x_.size(); ++j)
        c.model[j] = (1 - follow) * c.model[j] + follow * (x_[j] + direction_[j]);
    });
    if (parts_.split) axpy(control_rate(), direction_, variate_);
  }

  /// x <- x - gamma ((ridge/2) x - v), as often as the clients step.
  void step_alone(const Key& key) {
    const double half = parts_.split->ridge / 2;
    const std::size_t steps = parts_.steps.of(key);
    for (std::size_t k = 0; k < steps; ++k) {
      for (std::size_t j = 0; j < x_.size(); ++j) x_[j] -= options_.step * (half * x_[j] - variate_[j]);
    }
  }

  /// y_ip <- mix y_ip + (1 - mix) x_p
  void merge(Fleet& fleet, Range range) {
    const double mix = parts_.fragments->mix;
    const View x = part(View(x_), range);
    fleet.for_each(fleet.owned(problem_.shards()), [&](std::size_t i) {
      const MutView y = part(MutView(clients_[i - first_client_].model), range);
      if (mix == 0) return copy(x, y);
      for (std::size_t j = 0; j < y.size(); ++j) y[j] = mix * y[j] + (1 - mix) * x[j];
    });
  }

  // Scaling.

  /// Updates D by the clients' statistics at x.
  void refresh(Fleet& fleet, std::size_t t) {
    const ScalingPlan& plan = *parts_.scaling;
    const std::size_t before = plan.refreshes_before(t);
    const Key key{options_.seed, static_cast<std::uint32_t>(t)};
    if (plan.local) {
      const Vector calls = fleet.numbers(problem_.shards(), [&](std::size_t i) {
        Key own = key;
        own.client = static_cast<std::uint32_t>(i);
        std::size_t asked = 0;
        plan.scaling.update(before, statistic(own, before, asked), client(own).D);
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
      const View S = statistic(said[0]->key, before, asked);
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

  /// The statistic of a client where it starts its rounds.
  View statistic(Key key, std::size_t before, std::size_t& asked) {
    key.step = static_cast<std::uint32_t>(parts_.steps.most());  // its own draw, after those of the steps
    return statistic_of(*parts_.scaling, *parts_.oracle, key, point_of(key), before, asked,
                        scratch().statistic);
  }

  const Problem& problem_;
  LocalParts parts_;
  LocalOptions options_;
  std::size_t fragments_;
  std::vector<Event> events_;  // of each round
  Vector x_;
  Vector direction_;                  // d
  Vector variate_;                    // v of a split
  Vector before_;                     // x of the round before, for marina-p
  Vector memory_, next_memory_;       // of the inner rule, if it is averaged
  Vector D_, scale_, statistic_;      // for global scaling
  std::vector<Vector> outer_memory_;  // of each fragment
  Downlink downlink_;
  std::size_t first_client_ = 0;
  std::vector<Client> clients_;  // the clients that this rank owns
  std::size_t steps_taken_ = 0;  // in this round, by clients that keep their models
  std::vector<Share> shares_;    // of the round
  std::vector<MutView> sums_;
  SendersMean senders_;
  Collector collector_;
  Ledger ledger_;
};

void require_scaling(const Problem& problem, const ScalingPlan& scaling) {
  check(scaling.scaling.row != nullptr, "a scaling needs its rule");
  check(scaling.refresh >= 1 && scaling.start_probes >= 1,
        "a scaling needs refresh >= 1 and start_probes >= 1");
  check(!scaling.scaling.row->curvature || problem.has_curvature(),
        "a scaling by curvature needs a problem that has it");
}

void require_mechanism(const LocalParts& parts, double n) {
  const Mechanism& mechanism = *parts.mechanism;
  const auto [client, server, estimate] = mechanism.rates();
  check(!mechanism.uses_previous() && !mechanism.replaces() && mechanism.coin_bits() == 0 &&
            !mechanism.restarts({}),
        "clients with local steps need a mechanism without restarts, coins and previous estimates");
  check(server == 0 || (server == 1 && client == 1 && estimate == 1),
        "clients with local steps need a mechanism that moves all memories by the whole message, or none");
  check(server == 0 || (!parts.senders && !parts.control),
        "a server with a memory takes the mean of all messages");
  check(!parts.participation->repeats(), "a mechanism needs clients that take part at most once in a round");
  check(server == 0 || parts.participation->complete() || parts.participation->weight() == 1 / n,
        "the mean of the memories needs a participation that is complete or weighs 1/n");
}

void require_fragments(const Problem& problem, const LocalParts& parts) {
  const auto [count, delay, mix] = *parts.fragments;
  const std::size_t steps = parts.steps.least();
  check(count >= 1 && count <= steps && count <= problem.dim() && delay < steps && mix >= 0 && mix <= 1,
        "fragments need 1 <= count <= steps and dimension, delay < steps and 0 <= mix <= 1");
  check(parts.steps.is_fixed() && steps == parts.steps.most() && !parts.mechanism && !parts.scaling &&
            !parts.control && !parts.senders,
        "fragments need the same steps of all clients, and no other vectors between rounds");
  check(parts.inner->memory() == 0 || parts.inner->between_rounds() == Between::kept,
        "fragments need an inner rule with a memory that stays at its client");
}

void require_local(const Problem& problem, const LocalParts& parts) {
  check(parts.participation && parts.compressor && parts.inner && parts.outer,
        "a local method needs a participation, a compressor, an inner rule and an outer rule");
  check(parts.participation->clients() == problem.shards(),
        "the participation is of another number of clients than the problem's");
  check(parts.steps.least() >= 1 && parts.steps.least() <= parts.steps.most(),
        "a local method needs steps >= 1");
  const bool complete = parts.participation->complete();
  const bool averages = parts.inner->between_rounds() == Between::averaged;
  check(complete || (!parts.scaling && parts.inner->memory() == 0 && !parts.control && !parts.fragments),
        "all clients must take part where steps are scaled, or the inner rule or they keep vectors");
  check(!parts.scaling || parts.inner->takes_scale(), "the inner rule takes no scale");
  check(!averages || parts.inner->memory() == 1, "an inner rule averages one vector");
  check(!parts.outer->adds_term(), "an outer rule of local steps adds no term to f");
  check(parts.steps.is_fixed() || (!parts.scaling && parts.inner->memory() == 0),
        "a random number of steps needs an inner rule without memory, and no scaling");
  check(!parts.senders || !averages, "the mean over the senders needs one message of a client");
  check(!parts.control || (parts.control->rate > 0 && parts.downlink.kind == DownlinkPlan::Kind::direction),
        "control variates need a rate > 0, and a server that sends x");
  check(!parts.control || parts.control->owners <= problem.shards(), "a coordinate has too many owners");
  check(!parts.control || !parts.senders, "control variates need the mean over all clients");
  check((!parts.split && !parts.fragments) || !parts.inner->uses_start(),
        "clients that keep their models have no point at which they start a round");
  check(!parts.split || (parts.control && parts.split->ridge > 0 && parts.split->follow > 0 &&
                         parts.split->follow <= 1 && !parts.mechanism),
        "a split needs control variates, ridge > 0 and 0 < follow <= 1");
  check(!parts.fragments || parts.downlink.kind == DownlinkPlan::Kind::direction,
        "fragments need a server that sends x");
  if (parts.scaling) require_scaling(problem, *parts.scaling);
  if (parts.mechanism) require_mechanism(parts, static_cast<double>(problem.shards()));
  if (parts.fragments) require_fragments(problem, parts);
}

}  // namespace

std::unique_ptr<Method> make_local(const Problem& problem, const LocalParts& parts,
                                   const LocalOptions& options) {
  require_problem(problem, parts.oracle.get());
  require_local(problem, parts);
  require_step(options.step);
  require_outer_step(options.outer_step);
  return std::make_unique<Local>(problem, parts, options);
}

}  // namespace laconic
