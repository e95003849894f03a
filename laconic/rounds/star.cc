// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/star.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

class Star final : public Method {
 public:
  Star(const Problem& problem, StarParts parts, const StarOptions& options)
      : problem_(problem),
        parts_(std::move(parts)),
        options_(options),
        rates_(parts_.mechanism->rates()),
        compares_(parts_.mechanism->uses_previous()),
        // The gradient of this round is the previous one of the next, if everyone
        // computes it and it is exact.
        keeps_gradient_(compares_ && parts_.oracle->exact() && parts_.turnout->complete()),
        server_remembers_(parts_.mechanism->replaces()),
        // What it is the mean of moves by 1/n of what a worker says, whatever that weighs.
        shift_is_mean_(rates_.worker > 0 && !server_remembers_ && !parts_.turnout->complete()),
        x_(problem.dim()),
        server_(problem.dim(), rates_.server, !shift_is_mean_, server_remembers_ ? problem.shards() : 0),
        board_(problem.shards()) {
    problem_.start(x_);
    if (compares_ && !keeps_gradient_) x_before_.resize(problem.dim());
    if (parts_.anchor) anchor_.resize(problem.dim());
  }

  void start(Fleet& fleet, Evaluation* watch) override {
    take_on_workers(fleet);
    ledger_.open_round();
    converse(fleet, 0, watch);
  }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
    if (!x_before_.empty()) copy(x_, x_before_);
    axpy(-options_.step, server_.estimate(), x_);
    const std::size_t bits_of_value = parts_.majority ? 1 : 8 * bytes_of(options_.wire);
    ledger_.open_round();
    ledger_.tell(static_cast<double>(bits_of_value * x_.size() + parts_.mechanism->coin_bits()));
    converse(fleet, t, watch);
  }

  void evaluate(Fleet& fleet, Evaluation& out) override { laconic::evaluate(problem_, x_, fleet, out); }

  State state(Fleet& fleet) override {
    take_on_workers(fleet);
    State state{.ledger = &ledger_, .shared = {x_, anchor_}};
    for (const MutView vector : server_.memory()) state.shared.push_back(vector);
    for (Worker& worker : workers_) state.workers.push_back({worker.h, worker.y, worker.at_anchor});
    return state;
  }

  View point() const override { return x_; }
  const Ledger& ledger() const override { return ledger_; }
  double step() const override { return options_.step; }

 private:
  /// What a worker keeps from round to round.
  struct Worker {
    Vector h;          // memory
    Vector y;          // gradient of the round before
    Vector at_anchor;  // full gradient at the anchor
  };
  /// What a worker computes with, until the board has been heard.
  struct Slot {
    Vector gradient;  // at x_t
    Vector other;     // by the same rows, at x_{t-1} or at the anchor
  };

  void take_on_workers(Fleet& fleet) {
    const Range own = fleet.owned(problem_.shards());
    if (workers_.size() == own.size()) return;
    first_worker_ = own.begin;
    workers_.resize(own.size());
    for (Worker& worker : workers_) {
      if (rates_.worker != 0 && !server_remembers_) worker.h.assign(x_.size(), 0.0);
      if (keeps_gradient_) worker.y.assign(x_.size(), 0.0);
      if (parts_.anchor) worker.at_anchor.assign(x_.size(), 0.0);
    }
  }

  /// Everything about x_t: gradients, messages, the fold.
  void converse(Fleet& fleet, std::size_t t, Evaluation* watch) {
    const Key round{options_.seed, static_cast<std::uint32_t>(t)};
    const std::vector<Share>& shares = parts_.turnout->draw(round.common());
    const bool restart = parts_.mechanism->restarts(round);
    const bool watch_here =
        watch != nullptr && parts_.oracle->exact() && parts_.turnout->complete() && !parts_.anchor;
    if (watch_here) watch->clear(x_.size());
    if (std::all_of(shares.begin(), shares.end(), [](const Share& share) { return share.weight == 0; }))
      ++ledger_.unheard_rounds;

    const std::size_t window = fleet.window(shares.size(), x_.size());
    server_.open(restart);
    for (std::size_t first = 0; first < shares.size(); first += window) {
      board_.clear();
      for (std::size_t s = first; s < std::min(first + window, shares.size()); ++s) {
        board_.add({round.seed, round.round, shares[s].worker, 0, shares[s].copy}, shares[s].weight);
      }
      const Range own = fleet.owned(board_);
      if (slots_.size() < own.size()) slots_.resize(own.size());
      fleet.for_each(own, [&](std::size_t e) {
        Slot& slot = slots_[e - own.begin];
        look(board_[e], slot);
        if (!board_[e].envelope.finite) return;
        speak(board_[e], slot, restart);
        apply_own(board_[e], restart);
      });
      fleet.share(board_);
      for (std::size_t e = 0; e < board_.size(); ++e) hear(board_[e], t);
      server_.hear(fleet, board_);
      if (watch_here) watch->add(fleet, board_);
    }
    const double n = static_cast<double>(problem_.shards());
    server_.close(fleet, shift_is_mean_ && !shares.empty() ? 1 / n / shares[0].weight : 1);
    if (parts_.majority && !shares.empty()) server_.take_majority();
    if (parts_.anchor && parts_.anchor->heads(round)) copy(x_, anchor_);
    if (watch != nullptr && !watch_here) evaluate(fleet, *watch);
  }

  Worker& worker_of(const Entry& entry) { return workers_[entry.key.worker - first_worker_]; }

  /// slot.gradient = the worker's gradient at x_t, or its estimate.
  void look(Entry& entry, Slot& slot) {
    slot.gradient.resize(x_.size());
    if (parts_.anchor) {
      look_through_anchor(entry, slot);
    } else {
      entry.envelope.measured = ask(entry, x_, slot.gradient);
    }
    entry.envelope.finite = all_finite(slot.gradient);
  }

  Measured ask(Entry& entry, View x, MutView g) {
    entry.envelope.calls += parts_.oracle->calls(entry.key);
    return parts_.oracle->gradient(entry.key, x, g);
  }

  /// g = grad f_ij(x) - grad f_ij(w) + grad f_i(w), then w <- x if the coin says so (the anchor itself moves
  /// when all workers have looked). At the start w = x_0 and g is exact.
  void look_through_anchor(Entry& entry, Slot& slot) {
    Vector& at_anchor = worker_of(entry).at_anchor;
    if (entry.key.round > 0) {
      slot.other.resize(x_.size());
      ask(entry, x_, slot.gradient);
      ask(entry, anchor_, slot.other);
      for (std::size_t j = 0; j < x_.size(); ++j) slot.gradient[j] += at_anchor[j] - slot.other[j];
    }
    if (parts_.anchor->heads(entry.key)) {
      entry.envelope.measured = problem_.value_gradient(entry.key.worker, Rows::everything(), x_, at_anchor);
      entry.envelope.calls += problem_.rows(entry.key.worker);
    }
    if (entry.key.round == 0) copy(at_anchor, slot.gradient);
  }

  void speak(Entry& entry, Slot& slot, bool restart) {
    Worker& worker = worker_of(entry);
    const View h = server_remembers_ ? server_.memory_of(entry.key.worker) : worker.h;
    View y = worker.y;
    if (compares_ && !restart) {
      if (entry.key.round == 0) {
        y = slot.gradient;  // no round before: the point has not moved
      } else if (!keeps_gradient_) {
        slot.other.resize(x_.size());
        ask(entry, x_before_, slot.other);
        y = slot.other;
      }
    }
    if (const double a = parts_.mechanism->takes_in(); a != 0) axpy(a, slot.gradient, worker.h);
    parts_.mechanism->encode(entry.key, h, y, slot.gradient, entry.message);
    entry.envelope.describe(entry.message, x_.size());
    if (keeps_gradient_) worker.y.swap(slot.gradient);  // where the next round looks for it
    entry.vector = keeps_gradient_ ? worker.y : slot.gradient;
  }

  void apply_own(const Entry& entry, bool restart) {
    if (rates_.worker == 0 || server_remembers_) return;
    Vector& h = worker_of(entry).h;
    if (restart) fill(h, 0.0);
    decode_add(entry.key, entry.message, restart ? 1.0 : rates_.worker, h);
  }

  /// On every rank alike, so that all of them end a run that diverges.
  void hear(const Entry& entry, std::size_t t) {
    if (!entry.envelope.finite) {
      throw Diverged(
          t == 0 ? "a gradient at the start is not finite; the data need another scale"
                 : fmt::format("diverged: a gradient is not finite in round {}; try a smaller step", t));
    }
    ledger_.hear(entry);
  }

  const Problem& problem_;
  StarParts parts_;
  StarOptions options_;
  Rates rates_;
  bool compares_;
  bool keeps_gradient_;
  bool server_remembers_;
  bool shift_is_mean_;
  Vector x_;
  Vector x_before_;
  Vector anchor_;
  Server server_;
  std::size_t first_worker_ = 0;
  std::vector<Worker> workers_;  // those that this rank owns
  Board board_;
  std::vector<Slot> slots_;
  Ledger ledger_;
};

}  // namespace

std::unique_ptr<Method> make_star(const Problem& problem, StarParts parts, const StarOptions& options) {
  return std::make_unique<Star>(problem, std::move(parts), options);
}

}  // namespace laconic
