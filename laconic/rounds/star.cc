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
        x_(problem.dim()),
        server_(problem.dim(), rates_.server),
        workers_(problem.shards()) {
    problem_.start(x_);
    for (Worker& worker : workers_) {
      if (rates_.worker > 0) worker.h.assign(problem.dim(), 0.0);
      if (parts_.mechanism->uses_previous()) worker.y.assign(problem.dim(), 0.0);
    }
  }

  void start(Fleet& fleet, Evaluation* watch) override { converse(fleet, 0, watch); }

  void round(Fleet& fleet, std::size_t t, Evaluation* watch) override {
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
    Vector h;  // memory
    Vector y;  // gradient of the round before
  };
  /// What one entry of the turnout needs while it is being heard.
  struct Slot {
    Measured measured;
    Vector gradient;
    Message message;
  };

  /// Everything about x_t: gradients, messages, the fold.
  void converse(Fleet& fleet, std::size_t t, Evaluation* watch) {
    const Key round{options_.seed, static_cast<std::uint32_t>(t)};
    const std::vector<Share>& shares = parts_.turnout->draw(round.common());
    const bool restart = parts_.mechanism->restarts(round);
    const bool watch_here = watch != nullptr && parts_.oracle->exact() && shares.size() == workers_.size();
    if (watch_here) watch->clear(x_.size());

    slots_.resize(std::min(fleet.window(shares.size(), x_.size()), shares.size()));
    ledger_.open_round();
    server_.open(restart);
    for (std::size_t first = 0; first < shares.size(); first += slots_.size()) {
      const std::size_t last = std::min(first + slots_.size(), shares.size());
      fleet.for_each(first, last, [&](std::size_t entry) {
        Slot& slot = slots_[entry - first];
        const Key key = key_of(round, shares[entry]);
        speak(key, slot);
        apply_own(key, slot.message, restart);
      });
      for (std::size_t entry = first; entry < last; ++entry) {
        const Slot& slot = slots_[entry - first];
        const Share& share = shares[entry];
        server_.hear(key_of(round, share), slot.message, share.weight);
        ledger_.hear(slot.message, x_.size());
        ledger_.oracle_calls += parts_.oracle->calls(share.worker);
        if (watch_here) watch->add(slot.measured, gradient_of(share.worker, slot), workers_.size());
      }
    }
    server_.close();
    if (watch != nullptr && !watch_here) evaluate(problem_, x_, fleet, *watch);
  }

  static Key key_of(const Key& round, const Share& share) { return {round.seed, round.round, share.worker}; }

  void speak(const Key& key, Slot& slot) {
    Worker& worker = workers_[key.worker];
    slot.gradient.resize(x_.size());
    slot.measured = parts_.oracle->gradient(key, x_, slot.gradient);
    if (!all_finite(slot.gradient)) {
      throw Diverged(
          key.round == 0
              ? "a gradient at the start is not finite; the data need another scale"
              : fmt::format("diverged: a gradient is not finite in round {}; try a smaller step", key.round));
    }
    parts_.mechanism->encode(key, worker.h, worker.y, slot.gradient, slot.message);
    if (parts_.mechanism->uses_previous()) worker.y.swap(slot.gradient);
  }

  /// The gradient of this round, which speak() has moved to where the next round looks for it.
  View gradient_of(std::size_t worker, const Slot& slot) const {
    return parts_.mechanism->uses_previous() ? workers_[worker].y : slot.gradient;
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
  Vector x_;
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
