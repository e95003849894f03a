// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/gossip.h"

#include <span>
#include <utility>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/message/slice.h"
#include "laconic/message/wire.h"
#include "laconic/participation/participation.h"
#include "laconic/rounds/collector.h"

namespace laconic {
namespace {

class Gossip final : public Method {
 public:
  Gossip(const Problem& problem, GossipParts parts, const GossipOptions& options)
      : problem_(problem),
        parts_(std::move(parts)),
        options_(options),
        tracks_(parts_.tracked.has_value()),
        mean_(problem.dim()),
        board_(problem.shards()) {}

  void start(Fleet& fleet, Evaluation* watch) override {
    take_on_nodes(fleet);
    if (parts_.average_start) average_start(fleet);
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
    const Mixing& w = parts_.mixing->of_round(t);
    open_board(static_cast<std::uint32_t>(t));
    const Range own = fleet.owned(problem_.shards());
    fleet.for_each(own, [&](std::size_t i) { step_and_speak(i); });
    fleet.exchange(w, board_);
    fleet.for_each(own, [&](std::size_t i) { hear(w.row(i), i); });
    count(w);
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  void evaluate(Fleet& fleet, Evaluation& out) override {
    const std::size_t n = problem_.shards();
    fleet.mean(
        n, [&](std::size_t i, MutView v) { copy(node(i).x, v); }, mean_);
    laconic::evaluate(problem_, mean_, fleet, out);
    const Vector distances = fleet.numbers(n, [&](std::size_t i) { return distance_sq(node(i).x, mean_); });
    for (const double distance : distances) out.consensus += distance / static_cast<double>(n);
  }

  State state(Fleet& fleet) override {
    take_on_nodes(fleet);
    State state{.ledger = &ledger_};
    for (Node& node : nodes_) state.clients.push_back({node.x, node.c});
    return state;
  }

  const Problem& problem() const override { return problem_; }
  View point() const override { return mean_; }
  const Ledger& ledger() const override { return ledger_; }
  double step() const override { return options_.step; }

 private:
  struct Node {
    Vector x;
    Vector c;  // correction; empty without tracking
  };
  /// Scratch of a node until it has written its messages.
  struct Scratch {
    Vector y;
    LocalScratch steps;
  };
  static Scratch& scratch() {
    thread_local Scratch of_thread;
    return of_thread;
  }

  Node& node(std::size_t i) { return nodes_[i - first_node_]; }
  /// The board entries of u_i, and of z_i where there is one.
  [[nodiscard]] std::size_t u_of(std::size_t i) const { return (tracks_ ? 2 : 1) * i; }
  [[nodiscard]] std::size_t z_of(std::size_t i) const { return 2 * i + 1; }

  void take_on_nodes(Fleet& fleet) {
    const Range own = fleet.owned(problem_.shards());
    if (nodes_.size() == own.size()) return;
    first_node_ = own.begin;
    nodes_.resize(own.size());
    for (Node& node : nodes_) {
      node.x.resize(problem_.dim());
      problem_.start(node.x);
      if (tracks_) node.c.assign(problem_.dim(), 0.0);
    }
  }

  /// c_i = mean_j g_j - g_i at x_0, with one gradient of each node, as decoded from its message.
  void average_start(Fleet& fleet) {
    ledger_.open_round();
    Vector mean(problem_.dim());
    const MutView sums[] = {mean};
    const Key key{options_.seed};
    Collector collector(problem_.shards(), 1);
    collector.collect(fleet, key, 0, everyone(problem_.shards())->draw(key.common()), sums, ledger_,
                      [&](std::span<Entry* const> said) {
                        Entry& entry = *said[0];
                        Node& own = node(entry.key.client);
                        Vector& g = scratch().y;
                        g.resize(problem_.dim());
                        parts_.oracle->gradient(entry.key, own.x, g);
                        write_dense(options_.wire, g, entry.message);
                        entry.envelope.calls = parts_.oracle->calls(entry.key);
                        decode_add(entry.key, entry.message, -1, own.c);
                        return true;  // the first evaluation detects non-finite values
                      });
    for (Node& node : nodes_) axpy(1, mean, node.c);
  }

  void open_board(std::uint32_t t) {
    board_.clear();
    for (std::uint32_t i = 0; i < problem_.shards(); ++i) {
      for (std::uint32_t part = 0; part < (tracks_ ? 2 : 1); ++part) {
        board_.add({options_.seed, t, i, 0, part}, 0);
        // The length of a dense message is known, so it need not be sent.
        board_[board_.size() - 1].envelope.bytes = dense_bytes(problem_.dim(), bytes_of(options_.wire));
      }
    }
  }

  void step_and_speak(std::size_t i) {
    const Node& own = node(i);
    Vector& y = scratch().y;
    y.resize(problem_.dim());
    local_steps(*parts_.oracle, board_[u_of(i)].key, {parts_.steps, options_.step}, own.c, own.x, y,
                parts_.tracked.value_or(Sample::last), scratch().steps);
    if (options_.outer_step != 1) {  // u_i = x_i + eta_s (y_i - x_i)
      for (std::size_t j = 0; j < y.size(); ++j) y[j] = own.x[j] + options_.outer_step * (y[j] - own.x[j]);
    }
    write_dense(options_.wire, y, board_[u_of(i)].message);
    if (tracks_) write_dense_sum(options_.wire, own.c, scratch().steps.sample, board_[z_of(i)].message);
  }

  /// Uses the decoded messages, including the node's own, so that rounding z to the wire format does not
  /// change the sum of the c_i.
  void hear(std::span<const Neighbour> row, std::size_t i) {
    thread_local std::vector<Summand> sum;
    const Range all{0, problem_.dim()};
    sum.clear();
    for (const Neighbour& j : row) sum.push_back({&board_[u_of(j.node)].message, j.weight});
    sum_slices(sum, all, node(i).x);
    if (!tracks_) return;
    sum.clear();
    for (const Neighbour& j : row)
      sum.push_back({&board_[z_of(j.node)].message, j.weight - (j.node == i ? 1 : 0)});
    add_slices(sum, all, node(i).c);
  }

  /// Every directed edge counts as a message; each node counts as one participant.
  void count(const Mixing& w) {
    const std::size_t n = problem_.shards();
    const std::size_t parts = board_.size() / n;
    const std::size_t messages = w.edges() * parts;
    const double bits = static_cast<double>(8 * parts * board_[0].envelope.bytes);  // on an edge
    ledger_.open_round();
    ledger_.participants = n;
    ledger_.uplink_floats += static_cast<double>(messages) * static_cast<double>(problem_.dim());
    ledger_.uplink_bits += 8 * messages * board_[0].envelope.bytes;
    Turn& turn = ledger_.turns.back();
    turn.among_clients = true;
    for (std::size_t i = 0; i < n; ++i)
      ledger_.compute(static_cast<std::uint32_t>(i),
                      parts_.steps * parts_.oracle->calls(board_[u_of(i)].key));
    for (std::size_t i = 0; i < n; ++i) {
      for (const Neighbour& j : w.row(i)) {
        if (j.node == i) continue;
        turn.clients[j.node].bits_out += bits;
        turn.clients[i].bits_in += bits;
      }
    }
  }

  const Problem& problem_;
  GossipParts parts_;
  GossipOptions options_;
  bool tracks_;
  Vector mean_;  // of the x_i, at the last evaluation
  std::size_t first_node_ = 0;
  std::vector<Node> nodes_;  // the nodes that this rank owns
  Board board_;
  Ledger ledger_;
};

}  // namespace

std::unique_ptr<Method> make_gossip(const Problem& problem, const GossipParts& parts,
                                    const GossipOptions& options) {
  require_problem(problem, parts.oracle.get());
  check(parts.mixing != nullptr && parts.mixing->nodes() == problem.shards(),
        "a gossip method needs a mixing of as many nodes as the problem has shards");
  check(parts.steps >= 1, "a gossip method needs steps >= 1");
  require_step(options.step);
  require_outer_step(options.outer_step);
  return std::make_unique<Gossip>(problem, parts, options);
}

}  // namespace laconic
