// SPDX-License-Identifier: Apache-2.0
#include "laconic/participation/decoder.h"

#include <mutex>
#include <unordered_map>
#include <utility>

#include <Eigen/Dense>

#include "laconic/core/error.h"

namespace laconic {
namespace {

class ByExpectation final : public Decoder {
 public:
  ByExpectation(std::shared_ptr<const Stragglers> stragglers, std::size_t clients, double factor)
      : stragglers_(std::move(stragglers)), n_(static_cast<double>(clients)), factor_(factor) {
    check(stragglers_ != nullptr && stragglers_->clients() == clients,
          "by_expectation needs a model of as many stragglers as there are clients");
  }

  void weigh(std::vector<Share>& answered) const override {
    for (Share& share : answered) share.weight = factor_ / (n_ * (1 - stragglers_->late(share.client)));
  }
  std::optional<std::size_t> clients() const override { return stragglers_->clients(); }

 private:
  std::shared_ptr<const Stragglers> stragglers_;
  double n_;
  double factor_;
};

class ByCount final : public Decoder {
 public:
  explicit ByCount(double factor) : factor_(factor) {}

  void weigh(std::vector<Share>& answered) const override {
    for (Share& share : answered) share.weight = factor_ / static_cast<double>(answered.size());
  }

 private:
  double factor_;
};

class Equally final : public Decoder {
 public:
  explicit Equally(double weight) : weight_(weight) {}

  void weigh(std::vector<Share>& answered) const override {
    for (Share& share : answered) share.weight = weight_;
  }
  std::optional<double> weight() const override { return weight_; }

 private:
  double weight_;
};

class OneOfEachGroup final : public Decoder {
 public:
  OneOfEachGroup(const Allocation& fractional, bool exact)
      : weight_(1 / static_cast<double>(fractional.clients())), exact_(exact) {
    // The lowest subset that a group holds identifies the group.
    for (std::size_t i = 0; i < fractional.clients(); ++i) {
      group_.push_back(fractional.held(i).front());
      if (i == 0 || group_[i] != group_[i - 1]) ++groups_;
    }
  }

  void weigh(std::vector<Share>& answered) const override {
    std::size_t heard = 0;
    for (std::size_t s = 0; s < answered.size(); ++s) {
      const bool first =
          // clients of a group are consecutive
          s == 0 || group_[answered[s].client] != group_[answered[s - 1].client];
      answered[s].weight = first ? weight_ : 0;
      heard += first ? 1 : 0;
    }
    if (!exact_ || heard == groups_) return;
    for (Share& share : answered) share.weight = 0;
  }
  std::optional<std::size_t> clients() const override { return group_.size(); }

 private:
  double weight_;
  bool exact_;
  std::vector<std::uint32_t> group_;
  std::size_t groups_ = 0;
};

class ByLeastSquares final : public Decoder {
 public:
  ByLeastSquares(const Code& code, bool exact)
      : B_(Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(code.clients()),
                                 static_cast<Eigen::Index>(code.clients()))),
        exact_(exact) {
    for (std::size_t i = 0; i < code.clients(); ++i) {
      for (const Term& term : code.row(i)) B_(static_cast<Eigen::Index>(i), term.subset) = term.coefficient;
    }
  }

  void weigh(std::vector<Share>& answered) const override {
    if (answered.empty()) return;
    std::vector<bool> pattern(static_cast<std::size_t>(B_.rows()), false);
    for (const Share& share : answered) pattern[share.client] = true;
    const std::lock_guard lock(mutex_);
    auto known = known_.find(pattern);
    if (known == known_.end()) {
      if (known_.size() == kMostKnown) known_.clear();
      known = known_.emplace(std::move(pattern), solve(answered)).first;
    }
    for (std::size_t s = 0; s < answered.size(); ++s) answered[s].weight = known->second[s];
  }
  std::optional<std::size_t> clients() const override { return static_cast<std::size_t>(B_.rows()); }

 private:
  static constexpr std::size_t kMostKnown = 256;

  [[nodiscard]] std::vector<double> solve(const std::vector<Share>& answered) const {
    Eigen::MatrixXd rows(B_.cols(), static_cast<Eigen::Index>(answered.size()));  // B_R'
    for (std::size_t s = 0; s < answered.size(); ++s)
      rows.col(static_cast<Eigen::Index>(s)) = B_.row(answered[s].client).transpose();
    const Eigen::VectorXd ones = Eigen::VectorXd::Ones(B_.cols());
    const Eigen::VectorXd a = rows.completeOrthogonalDecomposition().solve(ones);
    std::vector<double> weights(answered.size(), 0.0);
    constexpr double kExact = 1e-7;  // above the rounding error of random codes for up to 100 clients
    if (exact_ && !((rows * a - ones).lpNorm<Eigen::Infinity>() <= kExact)) return weights;
    for (std::size_t s = 0; s < weights.size(); ++s)
      weights[s] = a[static_cast<Eigen::Index>(s)] / static_cast<double>(B_.rows());
    return weights;
  }

  Eigen::MatrixXd B_;
  bool exact_;
  mutable std::mutex mutex_;
  // solutions, by the set of clients that answered
  mutable std::unordered_map<std::vector<bool>, std::vector<double>> known_;
};

class Answers final : public Participation {
 public:
  Answers(std::shared_ptr<const Stragglers> stragglers, std::unique_ptr<Decoder> decoder)
      : stragglers_(std::move(stragglers)), decoder_(std::move(decoder)) {
    check(stragglers_ != nullptr && decoder_ != nullptr, "answers needs stragglers and a decoder");
    check(decoder_->clients().value_or(clients()) == clients(), "a decoder for another number of clients");
  }

  void draw(const Key& common, std::vector<Share>& out) const override {
    thread_local std::vector<std::uint32_t> answering;
    stragglers_->draw(common, answering);
    out.clear();
    for (const std::uint32_t client : answering) out.push_back({.client = client});
    decoder_->weigh(out);
  }
  std::size_t clients() const override { return stragglers_->clients(); }
  bool complete() const override { return false; }
  std::optional<double> weight() const override { return decoder_->weight(); }

 private:
  std::shared_ptr<const Stragglers> stragglers_;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace

std::unique_ptr<Decoder> by_expectation(std::shared_ptr<const Stragglers> stragglers, std::size_t clients,
                                        double factor) {
  return std::make_unique<ByExpectation>(std::move(stragglers), clients, factor);
}

std::unique_ptr<Decoder> by_count(double factor) { return std::make_unique<ByCount>(factor); }

std::unique_ptr<Decoder> equally(double weight) { return std::make_unique<Equally>(weight); }

std::unique_ptr<Decoder> one_of_each_group(const Allocation& fractional, bool exact) {
  return std::make_unique<OneOfEachGroup>(fractional, exact);
}

std::unique_ptr<Decoder> by_least_squares(const Code& code, bool exact) {
  return std::make_unique<ByLeastSquares>(code, exact);
}

std::unique_ptr<Participation> answers(std::shared_ptr<const Stragglers> stragglers,
                                       std::unique_ptr<Decoder> decoder) {
  return std::make_unique<Answers>(std::move(stragglers), std::move(decoder));
}

}  // namespace laconic
