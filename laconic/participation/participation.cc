// SPDX-License-Identifier: Apache-2.0
#include "laconic/participation/participation.h"

#include <algorithm>
#include <utility>

#include "laconic/core/error.h"

namespace laconic {
namespace {

std::vector<Share> all_of(std::size_t clients) {
  check(clients >= 1, "a participation of no clients");
  const double weight = 1.0 / static_cast<double>(clients);
  std::vector<Share> shares(clients);
  for (std::size_t i = 0; i < clients; ++i) shares[i] = {static_cast<std::uint32_t>(i), weight, 0};
  return shares;
}

class Everyone final : public Participation {
 public:
  explicit Everyone(std::vector<Share> shares) : shares_(std::move(shares)) {}

  void draw(const Key& /*common*/, std::vector<Share>& out) const override { out = shares_; }
  std::size_t clients() const override { return shares_.size(); }
  bool complete() const override { return true; }
  std::optional<double> weight() const override {
    const double first = shares_[0].weight;
    for (const Share& share : shares_) {
      if (share.weight != first) return {};
    }
    return first;
  }

 private:
  std::vector<Share> shares_;
};

class SampleUnless final : public Participation {
 public:
  SampleUnless(SharedCoin coin, std::size_t clients, std::size_t sample)
      : coin_(coin), everyone_(all_of(clients)), sample_(sample) {
    check(sample >= 1, "a participation needs sample >= 1");
  }
  bool repeats() const override { return true; }

  void draw(const Key& common, std::vector<Share>& out) const override {
    if (coin_.heads(common)) {
      out = everyone_;
      return;
    }
    Stream stream = common.stream(Purpose::participation);
    out.resize(sample_);
    for (Share& share : out) share.client = static_cast<std::uint32_t>(stream.below(everyone_.size()));
    std::sort(out.begin(), out.end(), [](const Share& a, const Share& b) { return a.client < b.client; });
    for (std::size_t s = 0; s < out.size(); ++s) {
      const bool again = s > 0 && out[s].client == out[s - 1].client;
      out[s].copy = again ? out[s - 1].copy + 1 : 0;
      out[s].weight = 1.0 / static_cast<double>(out.size());
    }
  }
  std::size_t clients() const override { return everyone_.size(); }
  bool complete() const override { return coin_.p == 1; }
  std::optional<double> weight() const override {
    return complete() ? std::optional(everyone_[0].weight) : std::nullopt;
  }

 private:
  SharedCoin coin_;
  std::vector<Share> everyone_;
  std::size_t sample_;
};

class Sampled final : public Participation {
 public:
  Sampled(std::size_t clients, std::size_t sample)
      : clients_(clients), sample_(sample), weight_(1.0 / static_cast<double>(sample)) {
    check(sample >= 1 && sample <= clients, "a participation needs 1 <= sample <= clients");
  }

  void draw(const Key& common, std::vector<Share>& out) const override {
    thread_local std::vector<std::uint32_t> drawn;
    Stream stream = common.stream(Purpose::participation);
    draw_distinct(stream, clients_, sample_, drawn);
    out.clear();
    for (const std::uint32_t client : drawn) out.push_back({.client = client, .weight = weight_});
  }
  std::size_t clients() const override { return clients_; }
  bool complete() const override { return sample_ == clients_; }
  std::optional<double> weight() const override { return weight_; }

 private:
  std::size_t clients_;
  std::size_t sample_;
  double weight_;
};

/// Everyone in round 0, later those that `choose(common, drawn)` draws.
template <class Choose>
class AfterStart final : public Participation {
 public:
  AfterStart(std::size_t clients, bool complete, Choose choose)
      : everyone_(all_of(clients)), complete_(complete), choose_(std::move(choose)) {}

  void draw(const Key& common, std::vector<Share>& out) const override {
    if (common.round == 0 || complete_) {
      out = everyone_;
      return;
    }
    thread_local std::vector<std::uint32_t> drawn;
    choose_(common, drawn);
    out.clear();
    for (const std::uint32_t client : drawn) out.push_back(everyone_[client]);
  }
  std::size_t clients() const override { return everyone_.size(); }
  bool complete() const override { return complete_; }
  std::optional<double> weight() const override { return everyone_[0].weight; }

 private:
  std::vector<Share> everyone_;
  bool complete_;
  Choose choose_;
};

}  // namespace

std::unique_ptr<Participation> sampled_after_start(std::size_t clients, std::size_t sample) {
  check(sample >= 1 && sample <= clients, "a participation needs 1 <= sample <= clients");
  auto choose = [clients, sample](const Key& common, std::vector<std::uint32_t>& drawn) {
    Stream stream = common.stream(Purpose::participation);
    draw_distinct(stream, clients, sample, drawn);
  };
  return std::make_unique<AfterStart<decltype(choose)>>(clients, sample == clients, choose);
}

std::unique_ptr<Participation> joining(std::size_t clients, double p) {
  check(p > 0 && p <= 1, "a participation needs 0 < p <= 1");
  auto choose = [clients, p](const Key& common, std::vector<std::uint32_t>& drawn) {
    drawn.clear();
    for (std::uint32_t i = 0; i < clients; ++i) {
      Key own = common;
      own.client = i;
      if (own.stream(Purpose::participation).uniform() < p) drawn.push_back(i);
    }
  };
  return std::make_unique<AfterStart<decltype(choose)>>(clients, p == 1, choose);
}

std::unique_ptr<Participation> sampled(std::size_t clients, std::size_t sample) {
  return std::make_unique<Sampled>(clients, sample);
}

std::unique_ptr<Participation> everyone(std::size_t clients) {
  return std::make_unique<Everyone>(all_of(clients));
}

std::unique_ptr<Participation> everyone_weighted(const std::vector<double>& weights) {
  std::vector<Share> shares = all_of(weights.size());
  for (std::size_t i = 0; i < shares.size(); ++i) shares[i].weight = weights[i];
  return std::make_unique<Everyone>(std::move(shares));
}

std::unique_ptr<Participation> sample_unless(SharedCoin coin, std::size_t clients, std::size_t sample) {
  return std::make_unique<SampleUnless>(coin, clients, sample);
}

}  // namespace laconic
