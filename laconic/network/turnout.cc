// SPDX-License-Identifier: Apache-2.0
#include "laconic/network/turnout.h"

#include <algorithm>

#include "laconic/core/error.h"

namespace laconic {
namespace {

std::vector<Share> all_of(std::size_t workers) {
  check(workers >= 1, "a turnout of no workers");
  const double weight = 1.0 / static_cast<double>(workers);
  std::vector<Share> shares(workers);
  for (std::size_t i = 0; i < workers; ++i) shares[i] = {static_cast<std::uint32_t>(i), weight, 0};
  return shares;
}

class Everyone final : public Turnout {
 public:
  explicit Everyone(std::size_t workers) : shares_(all_of(workers)) {}

  const std::vector<Share>& draw(const Key& /*common*/) override { return shares_; }
  std::size_t workers() const override { return shares_.size(); }
  bool complete() const override { return true; }
  std::optional<double> weight() const override { return shares_[0].weight; }

 private:
  std::vector<Share> shares_;
};

class SampleUnless final : public Turnout {
 public:
  SampleUnless(SharedCoin coin, std::size_t workers, std::size_t sample)
      : coin_(coin), everyone_(all_of(workers)), sampled_(sample) {
    check(sample >= 1, "a turnout needs sample >= 1");
  }

  const std::vector<Share>& draw(const Key& common) override {
    if (coin_.heads(common)) return everyone_;
    Stream stream = common.stream(Purpose::turnout);
    for (Share& share : sampled_) share.worker = static_cast<std::uint32_t>(stream.below(everyone_.size()));
    std::sort(sampled_.begin(), sampled_.end(),
              [](const Share& a, const Share& b) { return a.worker < b.worker; });
    for (std::size_t s = 0; s < sampled_.size(); ++s) {
      const bool again = s > 0 && sampled_[s].worker == sampled_[s - 1].worker;
      sampled_[s].copy = again ? sampled_[s - 1].copy + 1 : 0;
      sampled_[s].weight = 1.0 / static_cast<double>(sampled_.size());
    }
    return sampled_;
  }
  std::size_t workers() const override { return everyone_.size(); }
  bool complete() const override { return coin_.p == 1; }
  std::optional<double> weight() const override {
    return complete() ? std::optional(everyone_[0].weight) : std::nullopt;
  }

 private:
  SharedCoin coin_;
  std::vector<Share> everyone_;
  std::vector<Share> sampled_;
};

class Sampled final : public Turnout {
 public:
  Sampled(std::size_t workers, std::size_t sample)
      : workers_(workers), shares_(sample, {.weight = 1.0 / static_cast<double>(sample)}) {
    check(sample >= 1 && sample <= workers, "a turnout needs 1 <= sample <= workers");
  }

  const std::vector<Share>& draw(const Key& common) override {
    Stream stream = common.stream(Purpose::turnout);
    draw_distinct(stream, workers_, shares_.size(), drawn_);
    for (std::size_t s = 0; s < shares_.size(); ++s) shares_[s].worker = drawn_[s];
    return shares_;
  }
  std::size_t workers() const override { return workers_; }
  bool complete() const override { return shares_.size() == workers_; }
  std::optional<double> weight() const override { return shares_[0].weight; }

 private:
  std::size_t workers_;
  std::vector<Share> shares_;
  std::vector<std::uint32_t> drawn_;
};

}  // namespace

std::unique_ptr<Turnout> sampled(std::size_t workers, std::size_t sample) {
  return std::make_unique<Sampled>(workers, sample);
}

std::unique_ptr<Turnout> everyone(std::size_t workers) { return std::make_unique<Everyone>(workers); }

std::unique_ptr<Turnout> sample_unless(SharedCoin coin, std::size_t workers, std::size_t sample) {
  return std::make_unique<SampleUnless>(coin, workers, sample);
}

}  // namespace laconic
