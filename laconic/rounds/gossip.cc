// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/gossip.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

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
        mixes_(parts_.rule->mixes(options.step)),
        mean_(problem.dim()),
        board_(problem.shards()) {}

  void start(Fleet& fleet, Evaluation* watch) override {
    take_on_nodes(fleet);
    if (parts_.average_start) average_start(fleet);
    if (parts_.rule->gradients(0) > 0) {
      ledger_.open_round();
      fleet.for_each(fleet.owned(problem_.shards()),
                     [&](std::size_t i) { parts_.rule->start(at(i, 0), node(i).own); });
      count_gradients(0);
    }
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
    const Mixing& w = parts_.mixing->of_round(t);
    const Range own = fleet.owned(problem_.shards());
    const bool communicates = parts_.rule->communicates(t);
    ledger_.open_round();
    open_board(t);
    fleet.for_each(own, [&](std::size_t i) { compute_and_send(i, t, communicates); });
    count_gradients(t);
    if (communicates) {
      if (parts_.copies) share_lengths(fleet, t);
      fleet.exchange(w, board_);
      if (parts_.copies) {
        fleet.for_each(own, [&](std::size_t i) { follow_and_mix(w.row(i), i); });
      } else {
        mix_whole_vectors(fleet, w, own);
      }
      count_messages(w);
    }
    if (watch != nullptr) evaluate(fleet, *watch);
  }

  void evaluate(Fleet& fleet, Evaluation& out) override {
    const std::size_t n = problem_.shards();
    fleet.mean(
        n, [&](std::size_t i, MutView v) { copy(node(i).x(), v); }, mean_);
    laconic::evaluate(problem_, mean_, fleet, out);
    const Vector distances = fleet.numbers(n, [&](std::size_t i) { return distance_sq(node(i).x(), mean_); });
    for (const double distance : distances) out.consensus += distance / static_cast<double>(n);
  }

  State state(Fleet& fleet) override {
    take_on_nodes(fleet);
    State state{.ledger = &ledger_};
    for (Node& node : nodes_) {
      std::vector<MutView>& vectors = state.clients.emplace_back(node.own.begin(), node.own.end());
      for (Copy& copy : node.copies) {
        vectors.emplace_back(copy.v);
        vectors.emplace_back(copy.sum);
      }
    }
    return state;
  }

  const Problem& problem() const override { return problem_; }
  View point() const override { return mean_; }
  const Ledger& ledger() const override { return ledger_; }
  double step() const override { return options_.step; }

 private:
  /// The public copy of a vector v of a node, and sum_j w_ij of those of its neighbours and itself.
  struct Copy {
    Vector v;
    Vector sum;
  };
  struct Node {
    std::vector<Vector> own;   // the vectors of the rule; x first
    std::vector<Copy> copies;  // one for each part, with public copies
    [[nodiscard]] View x() const { return own[0]; }
  };
  /// Scratch of a node until it has written its messages, and while it reads those of others.
  struct Scratch {
    std::vector<Vector> said;
    std::vector<Vector> drifts;
    Vector moved;      // of the node's own copy
    Vector sum_moved;  // of the sum of copies
    Vector drift;
  };
  static Scratch& scratch() {
    thread_local Scratch of_thread;
    return of_thread;
  }

  Node& node(std::size_t i) { return nodes_[i - first_node_]; }
  [[nodiscard]] Key key_of(std::size_t i, std::size_t t) const {
    return {options_.seed, static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(i)};
  }
  [[nodiscard]] NodeRound at(std::size_t i, std::size_t t) const {
    return {*parts_.oracle, key_of(i, t), options_.step, options_.outer_step};
  }
  [[nodiscard]] std::size_t parts() const { return parts_.rule->parts(); }
  /// The board entry of what node i sends as a part.
  Entry& entry(std::size_t i, std::size_t part) { return board_[parts() * i + part]; }

  void take_on_nodes(Fleet& fleet) {
    const Range own = fleet.owned(problem_.shards());
    if (nodes_.size() == own.size()) return;
    first_node_ = own.begin;
    const Vector zero(problem_.dim(), 0.0);
    Node fresh;
    fresh.own.assign(parts_.rule->vectors(), zero);
    problem_.start(fresh.own[0]);
    if (parts_.copies) fresh.copies.assign(parts(), {zero, zero});
    nodes_.assign(own.size(), fresh);
  }

  /// own[1] = mean_j g_j - g_i at x_0, with one gradient of each node, as decoded from its message.
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
                        Vector& g = scratch().drift;
                        g.resize(problem_.dim());
                        parts_.oracle->gradient(entry.key, own.x(), g);
                        write_dense(options_.wire, g, entry.message);
                        entry.envelope.calls = parts_.oracle->calls(entry.key);
                        decode_add(entry.key, entry.message, -1, own.own[1]);
                        return true;  // the first evaluation detects non-finite values
                      });
    for (Node& node : nodes_) axpy(1, mean, node.own[1]);
  }

  void open_board(std::size_t t) {
    board_.clear();
    for (std::size_t i = 0; i < problem_.shards(); ++i) {
      for (std::uint32_t part = 0; part < parts(); ++part) {
        Key key = key_of(i, t);
        key.copy = part;
        board_.add(key, 0);
        // What all ranks know of a whole vector. Of compressed messages they learn it from share().
        Envelope& envelope = board_[board_.size() - 1].envelope;
        envelope.bytes = dense_bytes(problem_.dim(), bytes_of(options_.wire));
        envelope.floats = static_cast<double>(problem_.dim());
      }
    }
  }

  void compute_and_send(std::size_t i, std::size_t t, bool communicates) {
    Node& own = node(i);
    std::vector<Vector>& said = scratch().said;
    said.resize(parts());
    for (Vector& v : said) v.resize(problem_.dim());
    NodeRound here = at(i, t);
    if (parts_.rule->mixes_first()) here.drifts = drifts_before(own);
    parts_.rule->compute(here, own.own, said);
    if (communicates) {
      for (std::size_t part = 0; part < parts(); ++part) write(said[part], own, entry(i, part), part);
    }
    if (communicates && !parts_.copies) return;  // the mix of whole vectors uses v as decoded
    for (const Mix& mix : mixes_) {
      if (mix.replaces) copy(said[mix.part], own.own[mix.into]);
    }
  }

  /// gamma (W - I) of the public copies between rounds.
  std::span<const Vector> drifts_before(const Node& own) const {
    std::vector<Vector>& drifts = scratch().drifts;
    drifts.resize(parts());
    for (std::size_t part = 0; part < parts(); ++part) {
      const Copy& copy = own.copies[part];
      drifts[part].resize(problem_.dim());
      for (std::size_t k = 0; k < copy.v.size(); ++k)
        drifts[part][k] = parts_.copies->gamma * (copy.sum[k] - copy.v[k]);
    }
    return drifts;
  }

  void write(View v, const Node& own, Entry& entry, std::size_t part) const {
    if (!parts_.copies) return write_dense(options_.wire, v, entry.message);
    entry.envelope.finite = all_finite(v);
    if (!entry.envelope.finite) return;
    parts_.copies->compressor->compress_difference(entry.key, v, own.copies[part].v, entry.message);
    entry.envelope.describe(entry.message, v.size());
  }

  void share_lengths(Fleet& fleet, std::size_t t) {
    fleet.share(board_);
    for (std::size_t e = 0; e < board_.size(); ++e) {
      if (!board_[e].envelope.finite)
        throw Diverged(fmt::format("diverged: a vector of a node is not finite in round {}", t));
    }
  }

  /// For factor 1: own[into] = sum_j w_ij v_j, or += sum_j w_ij v_j - v_i. All v are used as decoded, the
  /// node's own too, so that rounding to the wire format does not change a mean. By slices of coordinates: what
  /// a node has read is still in the cache when its neighbours read it.
  void mix_whole_vectors(Fleet& fleet, const Mixing& w, Range own) {
    constexpr std::size_t kSlice = 16384;
    for (const Mix& mix : mixes_) {
      for (std::size_t first = 0; first < problem_.dim(); first += kSlice) {
        const Range slice{first, std::min(first + kSlice, problem_.dim())};
        fleet.for_each(own, [&](std::size_t i) { mix_slice(mix, slice, w.row(i), i); });
      }
    }
  }

  void mix_slice(const Mix& mix, Range slice, std::span<const Neighbour> row, std::size_t i) {
    thread_local std::vector<Summand> sum;
    sum.clear();
    for (const Neighbour& j : row) {
      const double own_weight = j.node != i ? 0 : mix.replaces ? 1 - mix.factor : -mix.factor;
      sum.push_back({&entry(j.node, mix.part).message, mix.factor * j.weight + own_weight});
    }
    const MutView to = MutView(node(i).own[mix.into]).subspan(slice.begin, slice.size());
    if (mix.replaces) {
      sum_slices(sum, slice, to);
    } else {
      add_slices(sum, slice, to);
    }
  }

  /// Moves the copies by the messages, and mixes.
  void follow_and_mix(std::span<const Neighbour> row, std::size_t i) {
    const auto& [compressor, gamma, scale, rate] = *parts_.copies;
    Node& own = node(i);
    Scratch& s = scratch();
    for (std::size_t part = 0; part < parts(); ++part) {
      s.moved.assign(problem_.dim(), 0.0);
      s.sum_moved.assign(problem_.dim(), 0.0);
      s.drift.resize(problem_.dim());
      for (const Neighbour& j : row) {
        const Entry& said = entry(j.node, part);
        decode_add(said.key, said.message, scale * j.weight, s.sum_moved);
        if (j.node == i) decode_add(said.key, said.message, scale, s.moved);
      }
      Copy& copy = own.copies[part];
      for (std::size_t k = 0; k < s.drift.size(); ++k) {
        s.drift[k] = gamma * ((copy.sum[k] + s.sum_moved[k]) - (copy.v[k] + s.moved[k]));
        copy.sum[k] += rate * s.sum_moved[k];
        copy.v[k] += rate * s.moved[k];
      }
      for (const Mix& mix : mixes_) {  // where a mix replaces, own[into] is v already
        if (mix.part == part) axpy(mix.factor, s.drift, own.own[mix.into]);
      }
    }
  }

  void count_gradients(std::size_t t) {
    for (std::size_t i = 0; i < problem_.shards(); ++i)
      ledger_.compute(static_cast<std::uint32_t>(i),
                      parts_.rule->gradients(t) * parts_.oracle->calls(key_of(i, t)));
  }

  /// Every directed edge counts as a message for each part; each node counts as one participant. Call it after
  /// count_gradients().
  void count_messages(const Mixing& w) {
    const std::size_t n = problem_.shards();
    ledger_.participants = n;
    Turn& turn = ledger_.turns.back();
    turn.among_clients = true;
    for (std::size_t i = 0; i < n; ++i) {
      for (const Neighbour& j : w.row(i)) {
        if (j.node == i) continue;
        for (std::size_t part = 0; part < parts(); ++part) {
          const Envelope& envelope = entry(j.node, part).envelope;
          const std::uint64_t bits = 8 * envelope.bytes;
          ledger_.uplink_floats += envelope.floats;
          ledger_.uplink_bits += bits;
          turn.clients[j.node].bits_out += static_cast<double>(bits);
          turn.clients[i].bits_in += static_cast<double>(bits);
        }
      }
    }
  }

  const Problem& problem_;
  GossipParts parts_;
  GossipOptions options_;
  std::vector<Mix> mixes_;
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
  check(parts.rule != nullptr, "a gossip method needs a rule of its nodes");
  const std::size_t vectors = parts.rule->vectors();
  check(vectors >= 1 && parts.rule->parts() >= 1, "a node keeps x, and sends something");
  for (const Mix& mix : parts.rule->mixes(1))
    check(mix.part < parts.rule->parts() && mix.into < vectors, "a mix of a vector that does not exist");
  check(!parts.average_start || vectors >= 2, "an average start is of a second vector");
  check(parts.copies || !parts.rule->mixes_first(), "nodes that mix first need public copies");
  if (parts.copies) {
    const auto& [compressor, gamma, scale, rate] = *parts.copies;
    check(compressor != nullptr && compressor->keeps() == 0,
          "public copies need a compressor that keeps no numbers");
    check(gamma > 0 && scale > 0 && rate > 0 && rate <= 1,
          "public copies need gamma > 0, scale > 0 and 0 < rate <= 1");
    check(parts.mixing->period() == 1, "public copies need one mixing for all rounds");
  }
  require_step(options.step);
  require_outer_step(options.outer_step);
  return std::make_unique<Gossip>(problem, parts, options);
}

}  // namespace laconic
