// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/oracle.h"

#include <vector>

namespace laconic {
namespace {

class FullGradients final : public Oracle {
 public:
  explicit FullGradients(const Problem& problem) : problem_(problem) {}

  Measured gradient(const Key& key, View x, MutView g) const override {
    return problem_.value_gradient(key.worker, Rows::everything(), x, g);
  }
  std::size_t calls(std::size_t worker) const override { return problem_.rows(worker); }
  bool exact() const override { return true; }

 private:
  const Problem& problem_;
};

class Minibatches final : public Oracle {
 public:
  Minibatches(const Problem& problem, std::size_t batch) : problem_(problem), batch_(batch) {}

  Measured gradient(const Key& key, View x, MutView g) const override {
    thread_local std::vector<std::uint32_t> rows;  // scratch, so that a round allocates nothing
    rows.resize(batch_);
    Stream stream = key.stream(Purpose::batch);
    const std::size_t shard_rows = problem_.rows(key.worker);
    for (std::uint32_t& row : rows) row = static_cast<std::uint32_t>(stream.below(shard_rows));
    return problem_.value_gradient(key.worker, Rows::listed(rows), x, g);
  }
  std::size_t calls(std::size_t /*worker*/) const override { return batch_; }
  bool exact() const override { return false; }

 private:
  const Problem& problem_;
  std::size_t batch_;
};

}  // namespace

std::unique_ptr<Oracle> full_gradients(const Problem& problem) {
  return std::make_unique<FullGradients>(problem);
}

std::unique_ptr<Oracle> minibatches(const Problem& problem, std::size_t batch) {
  return std::make_unique<Minibatches>(problem, batch);
}

}  // namespace laconic
