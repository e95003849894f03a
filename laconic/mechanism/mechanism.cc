// SPDX-License-Identifier: Apache-2.0
#include "laconic/mechanism/mechanism.h"

#include <utility>

#include "laconic/core/error.h"

namespace laconic {
namespace {

class Direct final : public Mechanism {
 public:
  explicit Direct(std::unique_ptr<Compressor> compressor) : compressor_(std::move(compressor)) {}

  void encode(const Key& key, View /*h*/, View /*y*/, View x, Message& out) const override {
    compressor_->compress(key, x, out);
  }
  Rates rates() const override { return {0, 0}; }

 private:
  std::unique_ptr<Compressor> compressor_;
};

class Memory final : public Mechanism {
 public:
  Memory(std::unique_ptr<Compressor> compressor, double rate)
      : compressor_(std::move(compressor)), rate_(rate) {}

  void encode(const Key& key, View h, View /*y*/, View x, Message& out) const override {
    compressor_->compress_difference(key, x, h, out);
  }
  Rates rates() const override { return {rate_, rate_}; }

 private:
  std::unique_ptr<Compressor> compressor_;
  double rate_;
};

class Difference final : public Mechanism {
 public:
  Difference(std::unique_ptr<Compressor> compressor, std::unique_ptr<Compressor> whole, SharedCoin coin)
      : compressor_(std::move(compressor)), whole_(std::move(whole)), coin_(coin) {}

  void encode(const Key& key, View /*h*/, View y, View x, Message& out) const override {
    if (restarts(key)) {
      whole_->compress(key, x, out);
    } else {
      compressor_->compress_difference(key, x, y, out);
    }
  }
  Rates rates() const override { return {0, 1}; }
  bool restarts(const Key& key) const override { return coin_.heads(key); }
  bool uses_previous() const override { return true; }
  unsigned coin_bits() const override { return 1; }

 private:
  std::unique_ptr<Compressor> compressor_;
  std::unique_ptr<Compressor> whole_;
  SharedCoin coin_;
};

}  // namespace

std::unique_ptr<Mechanism> direct(std::unique_ptr<Compressor> compressor) {
  return std::make_unique<Direct>(std::move(compressor));
}

std::unique_ptr<Mechanism> memory(std::unique_ptr<Compressor> compressor, double rate) {
  check(rate > 0 && rate <= 1, "memory: need 0 < rate <= 1");
  return std::make_unique<Memory>(std::move(compressor), rate);
}

std::unique_ptr<Mechanism> difference(std::unique_ptr<Compressor> compressor,
                                      std::unique_ptr<Compressor> whole, SharedCoin coin) {
  check(coin.p > 0 && coin.p <= 1, "difference: need 0 < p <= 1");
  return std::make_unique<Difference>(std::move(compressor), std::move(whole), coin);
}

}  // namespace laconic
