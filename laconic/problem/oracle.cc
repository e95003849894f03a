// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/oracle.h"

#include <cmath>
#include <utility>
#include <vector>

#include "laconic/core/error.h"

namespace laconic {
namespace {

class FullGradients final : public Oracle {
 public:
  explicit FullGradients(const Problem& problem) : problem_(problem) {}

  Measured gradient(const Key& key, View x, MutView g) const override {
    return problem_.value_gradient(key.client, Rows::everything(), x, g);
  }
  void hessian_vector(const Key& key, View x, View v, MutView out) const override {
    problem_.hessian_vector(key.client, Rows::everything(), x, v, out);
  }
  std::size_t calls(const Key& key) const override { return problem_.rows(key.client); }
  bool exact() const override { return true; }
  const Problem* problem() const override { return &problem_; }

 private:
  const Problem& problem_;
};

class Minibatches final : public Oracle {
 public:
  Minibatches(const Problem& problem, std::size_t batch) : problem_(problem), batch_(batch) {
    check(batch >= 1, "a minibatch needs batch >= 1");
  }

  Measured gradient(const Key& key, View x, MutView g) const override {
    return problem_.value_gradient(key.client, draw(key), x, g);
  }
  void hessian_vector(const Key& key, View x, View v, MutView out) const override {
    problem_.hessian_vector(key.client, draw(key), x, v, out);
  }
  std::size_t calls(const Key& /*key*/) const override { return batch_; }
  bool exact() const override { return false; }
  const Problem* problem() const override { return &problem_; }

 private:
  /// Valid until this thread draws again.
  [[nodiscard]] Rows draw(const Key& key) const {
    thread_local std::vector<std::uint32_t> rows;  // scratch, so that a round allocates nothing
    rows.resize(batch_);
    Stream stream = key.stream(Purpose::batch);
    const std::size_t shard_rows = problem_.rows(key.client);
    for (std::uint32_t& row : rows) row = static_cast<std::uint32_t>(stream.below(shard_rows));
    return Rows::listed(rows);
  }

  const Problem& problem_;
  std::size_t batch_;
};

class Noisy final : public Oracle {
 public:
  Noisy(std::unique_ptr<Oracle> oracle, double deviation)
      : oracle_(std::move(oracle)), deviation_(deviation) {}

  Measured gradient(const Key& key, View x, MutView g) const override {
    thread_local Vector noise;  // scratch, so that a round allocates nothing
    noise.resize(g.size());
    fill_normal(key.stream(Purpose::noise), noise);
    const Measured measured = oracle_->gradient(key, x, g);
    axpy(deviation_, noise, g);
    return measured;
  }
  void hessian_vector(const Key& key, View x, View v, MutView out) const override {
    oracle_->hessian_vector(key, x, v, out);
  }
  std::size_t calls(const Key& key) const override { return oracle_->calls(key); }
  bool exact() const override { return false; }
  const Problem* problem() const override { return oracle_->problem(); }

 private:
  std::unique_ptr<Oracle> oracle_;
  double deviation_;
};

std::unique_ptr<Oracle> through_noise(const Problem& problem, double samples,
                                      std::unique_ptr<Oracle> oracle) {
  if (problem.noise() == 0) return oracle;
  const double deviation = problem.noise() / std::sqrt(static_cast<double>(problem.dim()) * samples);
  return std::make_unique<Noisy>(std::move(oracle), deviation);
}

class OnCoin final : public Oracle {
 public:
  OnCoin(SharedCoin coin, std::shared_ptr<const Oracle> heads, std::shared_ptr<const Oracle> tails)
      : coin_(coin), heads_(std::move(heads)), tails_(std::move(tails)) {
    check(heads_ != nullptr && tails_ != nullptr, "on_coin needs an oracle for heads and one for tails");
    check(heads_->problem() == tails_->problem(), "on_coin has oracles of two problems");
  }

  Measured gradient(const Key& key, View x, MutView g) const override {
    return chosen(key).gradient(key, x, g);
  }
  void hessian_vector(const Key& key, View x, View v, MutView out) const override {
    chosen(key).hessian_vector(key, x, v, out);
  }
  std::size_t calls(const Key& key) const override { return chosen(key).calls(key); }
  bool exact() const override { return heads_->exact() && tails_->exact(); }
  const Problem* problem() const override { return heads_->problem(); }

 private:
  const Oracle& chosen(const Key& key) const { return coin_.heads(key) ? *heads_ : *tails_; }

  SharedCoin coin_;
  std::shared_ptr<const Oracle> heads_;
  std::shared_ptr<const Oracle> tails_;
};

class Coded final : public Oracle {
 public:
  Coded(std::shared_ptr<const Oracle> each, Code code) : each_(std::move(each)), code_(std::move(code)) {
    check(each_ != nullptr, "coded needs an oracle");
    const Problem* const of = each_->problem();
    check(of == nullptr || of->shards() == code_.clients(), "a code for another number of clients");
  }

  Measured gradient(const Key& key, View x, MutView g) const override {
    combine(key, g, [&](const Key& of_subset, MutView out) { each_->gradient(of_subset, x, out); });
    return {};
  }
  void hessian_vector(const Key& key, View x, View v, MutView out) const override {
    combine(key, out,
            [&](const Key& of_subset, MutView part) { each_->hessian_vector(of_subset, x, v, part); });
  }
  std::size_t calls(const Key& key) const override {
    std::size_t sum = 0;
    for (const Term& term : code_.row(key.client)) sum += each_->calls(of(key, term));
    return sum;
  }
  bool exact() const override { return false; }
  const Problem* problem() const override { return each_->problem(); }

 private:
  static Key of(Key key, const Term& term) {
    key.client = term.subset;
    return key;
  }

  template <class Look>
  void combine(const Key& key, MutView sum, Look&& look) const {
    thread_local Vector part;  // scratch, so that a round allocates nothing
    part.resize(sum.size());
    fill(sum, 0.0);
    for (const Term& term : code_.row(key.client)) {
      look(of(key, term), part);
      axpy(term.coefficient, part, sum);
    }
  }

  std::shared_ptr<const Oracle> each_;
  Code code_;
};

}  // namespace

std::unique_ptr<Oracle> full_gradients(const Problem& problem) {
  return through_noise(problem, 1, std::make_unique<FullGradients>(problem));
}

std::unique_ptr<Oracle> minibatches(const Problem& problem, std::size_t batch) {
  return through_noise(problem, static_cast<double>(batch), std::make_unique<Minibatches>(problem, batch));
}

std::unique_ptr<Oracle> on_coin(SharedCoin coin, std::shared_ptr<const Oracle> heads,
                                std::shared_ptr<const Oracle> tails) {
  return std::make_unique<OnCoin>(coin, std::move(heads), std::move(tails));
}

std::unique_ptr<Oracle> coded(std::shared_ptr<const Oracle> each, Code code) {
  return std::make_unique<Coded>(std::move(each), std::move(code));
}

}  // namespace laconic
