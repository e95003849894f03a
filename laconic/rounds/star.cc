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
        // The gradient of this round is the previous one of the next, if everyone computes it and it is exact.
        keeps_gradient_(compares_ && parts_.oracle->exact() && parts_.turnout->complete()),
        x_(problem.dim()),
        server_(problem.dim(), rates_.server),
        workers_(problem.shards()) {
    problem_.start(x_);
    if (compares_ && !keeps_gradient_) x_before_.resize(problem.dim());
    if (parts_.anchor) anchor_.resize(problem.dim());
    for (Worker& worker : workers_) {
      if (rates_.worker > 0) worker.h.assign(problem.dim(), 0.0);
      if (keeps_gradient_) worker.y.assign(problem.dim(), 0.0);
      if (parts_.anchor) worker.at_anchor.assign(problem.dim(), 0.0);
    }
  }

  void start(Fleet& fleet, Evaluation* watch) override { converse(fleet, 0, watch); }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
    if (!x_before_.empty()) copy(x_, x_before_);
    axpy(-options_.step, server_.estimate(), x_);
    ledger_.downlink_bits +=
        static_cast<double>(8 * bytes_of(options_.wire) * x_.size() + parts_.mechanism->coin_bits());
    converse(fleet, t, watch);
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
  /// What one entry of the turnout needs while it is being heard.
  struct Slot {
    Measured measured;
    Vector gradient;  // at x_t
    Vector other;     // by the same rows, at x_{t-1} or at the anchor
    Message message;
    std::size_t calls = 0;
  };

  /// Everything about x_t: gradients, messages, the fold.
  void converse(Fleet& fleet, std::size_t t, Evaluation* watch) {
    const Key round{options_.seed, static_cast<std::uint32_t>(t)};
    const std::vector<Share>& shares = parts_.turnout->draw(round.common());
    const bool restart = parts_.mechanism->restarts(round);
    const bool watch_here =
        watch != nullptr && parts_.oracle->exact() && parts_.turnout->complete() && !parts_.anchor;
    if (watch_here) watch->clear(x_.size());

    const std::size_t window = std::min(fleet.window(shares.size(), x_.size()), shares.size());
    if (slots_.size() < window) slots_.resize(window);
    ledger_.open_round();
    server_.open(restart);
    for (std::size_t first = 0; first < shares.size(); first += window) {
      const std::size_t last = std::min(first + window, shares.size());
      fleet.for_each(first, last, [&](std::size_t entry) {
        Slot& slot = slots_[entry - first];
        const Key key = key_of(round, shares[entry]);
        look(key, slot);
        speak(key, slot, restart);
        apply_own(key, slot.message, restart);
      });
      for (std::size_t entry = first; entry < last; ++entry) {
        const Slot& slot = slots_[entry - first];
        const Share& share = shares[entry];
        server_.hear(key_of(round, share), slot.message, share.weight);
        ledger_.hear(slot.message, x_.size());
        ledger_.oracle_calls += slot.calls;
        if (watch_here) watch->add(slot.measured, gradient_of(share.worker, slot), workers_.size());
      }
    }
    server_.close();
    if (parts_.anchor && parts_.anchor->heads(round)) copy(x_, anchor_);
    if (watch != nullptr && !watch_here) evaluate(problem_, x_, fleet, *watch);
  }

  static Key key_of(const Key& round, const Share& share) {
    return {round.seed, round.round, share.worker, 0, share.copy};
  }

  /// slot.gradient = the worker's gradient at x_t, or its estimate.
  void look(const Key& key, Slot& slot) {
    slot.gradient.resize(x_.size());
    slot.calls = 0;
    if (parts_.anchor) {
      look_through_anchor(key, slot);
    } else {
      slot.measured = ask(key, x_, slot.gradient, slot);
    }
    if (!all_finite(slot.gradient)) {
      throw Diverged(
          fmt::format("diverged: a gradient is not finite in round {}; try a smaller step", key.round));
    }
  }

  Measured ask(const Key& key, View x, MutView g, Slot& slot) {
    slot.calls += parts_.oracle->calls(key);
    return parts_.oracle->gradient(key, x, g);
  }

  /// g = grad f_ij(x) - grad f_ij(w) + grad f_i(w), then w <- x if the coin says so (the anchor itself moves when all
  /// workers have looked). At the start w = x_0 and g is exact.
  void look_through_anchor(const Key& key, Slot& slot) {
    Vector& at_anchor = workers_[key.worker].at_anchor;
    if (key.round > 0) {
      slot.other.resize(x_.size());
      ask(key, x_, slot.gradient, slot);
      ask(key, anchor_, slot.other, slot);
      for (std::size_t j = 0; j < x_.size(); ++j) slot.gradient[j] += at_anchor[j] - slot.other[j];
    }
    if (parts_.anchor->heads(key)) {
      slot.measured = problem_.value_gradient(key.worker, Rows::everything(), x_, at_anchor);
      slot.calls += problem_.rows(key.worker);
    }
    if (key.round == 0) copy(at_anchor, slot.gradient);
  }

  void speak(const Key& key, Slot& slot, bool restart) {
    Worker& worker = workers_[key.worker];
    View y = worker.y;
    if (compares_ && !keeps_gradient_ && !restart) {
      slot.other.resize(x_.size());
      ask(key, x_before_, slot.other, slot);
      y = slot.other;
    }
    parts_.mechanism->encode(key, worker.h, y, slot.gradient, slot.message);
    if (keeps_gradient_) worker.y.swap(slot.gradient);
  }

  /// The gradient of this round, which speak() may have moved to where the next round looks for it.
  View gradient_of(std::size_t worker, const Slot& slot) const {
    return keeps_gradient_ ? workers_[worker].y : slot.gradient;
  }

  void apply_own(const Key& key, const Message& message, bool restart) {
    if (rates_.worker == 0) return;
    Vector& h = workers_[key.worker].h;
    if (restart) fill(h, 0.0);
    decode_add(key, message, restart ? 1.0 : rates_.worker, h);
  }

  const Problem& problem_;
  StarParts parts_;
  StarOptions options_;
  Rates rates_;
  bool compares_;
  bool keeps_gradient_;
  Vector x_;
  Vector x_before_;
  Vector anchor_;
  Server server_;
  std::vector<Worker> workers_;
  std::vector<Slot> slots_;
  Ledger ledger_;
};

}  // namespace

std::unique_ptr<Method> make_star(const Problem& problem, StarParts parts, const StarOptions& options) {
  return std::make_unique<Star>(problem, std::move(parts), options);
}

}  // namespace laconic
