// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/server.h"

#include <algorithm>
#include <type_traits>

#include "laconic/core/error.h"
#include "laconic/message/sum.h"
#include "laconic/rounds/senders_mean.h"

namespace laconic {
namespace {

template <class Value>
class SummingServer final : public Server<Value> {
 public:
  SummingServer(std::size_t dim, const Rates& rates, bool all_heard)
      : Server<Value>(dim),
        rates_(rates),
        in_place_(rates.server == 1 && rates.estimate == 1 && all_heard),
        has_shift_(rates.server != 0 && !in_place_) {
    if (has_shift_) shift_.assign(dim, 0);
  }

  void open(bool restart) override {
    restart_ = restart;
    counted_.clear();
    if (restart || !in_place_) std::fill(estimate_.begin(), estimate_.end(), Value{0});
  }

  void hear(ThreadPool& pool, const Key& key, double weight, const Message& message) override {
    if constexpr (std::is_same_v<Value, double>) {
      const Addend addend{key, message.bytes, weight};
      decode_add_all(std::span(&addend, 1), counted_, pool, estimate_);
    } else {
      decode_add(key, message, weight, MutViewOf<Value>(estimate_));
    }
  }

  std::optional<typename Server<Value>::Sum> sum() override {
    if constexpr (std::is_same_v<Value, double>) {
      return typename Server<Value>::Sum{counted_, estimate_};
    } else {
      return {};
    }
  }

  void close(ThreadPool& pool, const Key& /*round*/, double heard) override {
    if constexpr (std::is_same_v<Value, double>) counted_.settle(pool, estimate_);
    if (!has_shift_) return;
    for (std::size_t j = 0; j < estimate_.size(); ++j) {
      const double d = estimate_[j];
      const double shift = shift_[j];
      estimate_[j] = static_cast<Value>(restart_ ? d : shift + rates_.estimate * d);
      shift_[j] = static_cast<Value>(restart_ ? d : shift + rates_.server * heard * d);
    }
  }

  std::vector<MutViewOf<Value>> memory() override { return {estimate_, shift_}; }

 private:
  using Server<Value>::estimate_;
  Rates rates_;
  bool in_place_;  // adds to the estimate, which is the shift
  bool has_shift_;
  bool restart_ = false;
  VectorOf<Value> shift_;
  SignCount counted_;  // the messages of the round that are signs only
};

class SendersServer final : public Server<double> {
 public:
  explicit SendersServer(std::size_t dim) : Server(dim) {}

  void open(bool /*restart*/) override { mean_.open(estimate_.size()); }
  void hear(ThreadPool& /*pool*/, const Key& key, double /*weight*/, const Message& message) override {
    mean_.hear(key, message);
  }
  void close(ThreadPool& /*pool*/, const Key& /*round*/, double /*heard*/) override {
    mean_.close(estimate_);
  }
  std::vector<MutView> memory() override { return {estimate_}; }

 private:
  SendersMean mean_;
};

template <class Value>
class RememberingServer final : public Server<Value> {
 public:
  RememberingServer(std::size_t dim, const Rates& rates, std::size_t clients, const Aggregation& aggregation)
      : Server<Value>(dim),
        rates_(rates),
        aggregation_(aggregation),
        has_memories_(rates.client != 0 && rates.server != 0),
        memories_are_vectors_(has_memories_ && rates.server == 1 && rates.estimate == 1) {
    const VectorOf<Value> zeros(dim, 0);
    if (has_memories_) memories_.assign(clients, zeros);
    if (!memories_are_vectors_) vectors_.assign(clients, zeros);
    if (aggregation_.attack) lies_.assign(aggregation_.attack->liars(), zeros);
    if (aggregation_.rule) rule_memory_.assign(aggregation_.rule->memory(), zeros);
    check((std::is_same_v<Value, double> || (!aggregation_.rule && !aggregation_.attack)),
          "rules and attacks are for vectors of doubles");
  }

  void open(bool restart) override {
    restart_ = restart;
    for (std::size_t i = 0; i < vectors_.size(); ++i) {
      if (has_memories_) vectors_[i] = memories_[i];
      if (adds_to_estimate()) vectors_[i] = estimate_;
    }
  }

  void hear(ThreadPool& /*pool*/, const Key& key, double /*weight*/, const Message& message) override {
    const bool starts_over = restart_ || laconic::starts_over(message);
    const auto add = [&](double rate, bool replaces, VectorOf<Value>& to) {
      if (replaces) std::fill(to.begin(), to.end(), Value{0});
      decode_add(key, message, starts_over ? 1 : rate, MutViewOf<Value>(to));
    };
    if (!vectors_.empty()) add(rates_.estimate, starts_over || is_direct(), vectors_[key.client]);
    if (has_memories_) add(rates_.server, starts_over, memories_[key.client]);
  }

  void close(ThreadPool& pool, const Key& round, double /*heard*/) override {
    std::vector<MutViewOf<Value>> vectors = vectors_to_aggregate();
    if constexpr (std::is_same_v<Value, double>) {
      if (aggregation_.attack) aggregation_.attack->lie(round, vectors, pool);
      if (aggregation_.rule) {
        const std::vector<View> views(vectors.begin(), vectors.end());
        aggregation_.rule->aggregate(views, round.common(), pool, rule_memory_, estimate_);
        return;
      }
    }
    std::fill(estimate_.begin(), estimate_.end(), Value{0});
    const double weight = 1.0 / static_cast<double>(vectors.size());
    for (const MutViewOf<Value> v : vectors) {
      for (std::size_t j = 0; j < v.size(); ++j)
        estimate_[j] = static_cast<Value>(estimate_[j] + weight * v[j]);
    }
  }

  std::vector<MutViewOf<Value>> memory() override {
    std::vector<MutViewOf<Value>> vectors = {estimate_};
    vectors.insert(vectors.end(), memories_.begin(), memories_.end());
    if (is_direct()) vectors.insert(vectors.end(), vectors_.begin(), vectors_.end());
    vectors.insert(vectors.end(), rule_memory_.begin(), rule_memory_.end());
    return vectors;
  }

 private:
  [[nodiscard]] bool adds_to_estimate() const { return !has_memories_ && rates_.server == 1; }
  [[nodiscard]] bool is_direct() const { return !has_memories_ && !adds_to_estimate(); }

  /// Those of liars are copies, because a lie must not change a memory.
  [[nodiscard]] std::vector<MutViewOf<Value>> vectors_to_aggregate() {
    std::vector<VectorOf<Value>>& of_clients = memories_are_vectors_ ? memories_ : vectors_;
    std::vector<MutViewOf<Value>> vectors(of_clients.begin(), of_clients.end());
    const std::size_t honest = vectors.size() - lies_.size();
    for (std::size_t k = 0; k < lies_.size(); ++k) {
      lies_[k] = of_clients[honest + k];
      vectors[honest + k] = lies_[k];
    }
    return vectors;
  }

  using Server<Value>::estimate_;
  Rates rates_;
  Aggregation aggregation_;
  bool has_memories_;
  bool memories_are_vectors_;  // v_i = h_i after the round
  bool restart_ = false;
  std::vector<VectorOf<Value>> memories_;  // h_i
  std::vector<VectorOf<Value>> vectors_;   // v_i
  std::vector<VectorOf<Value>> lies_;      // v_i of the liars
  std::vector<VectorOf<Value>> rule_memory_;
};

}  // namespace

template <class Value>
std::unique_ptr<Server<Value>> summing_server(std::size_t dim, const Rates& rates, bool all_heard) {
  return std::make_unique<SummingServer<Value>>(dim, rates, all_heard);
}

std::unique_ptr<Server<double>> senders_server(std::size_t dim) {
  return std::make_unique<SendersServer>(dim);
}

template <class Value>
std::unique_ptr<Server<Value>> remembering_server(std::size_t dim, const Rates& rates, std::size_t clients,
                                                  const Aggregation& aggregation) {
  return std::make_unique<RememberingServer<Value>>(dim, rates, clients, aggregation);
}

template std::unique_ptr<Server<double>> summing_server(std::size_t, const Rates&, bool);
template std::unique_ptr<Server<float>> summing_server(std::size_t, const Rates&, bool);
template std::unique_ptr<Server<double>> remembering_server(std::size_t, const Rates&, std::size_t,
                                                            const Aggregation&);
template std::unique_ptr<Server<float>> remembering_server(std::size_t, const Rates&, std::size_t,
                                                           const Aggregation&);

}  // namespace laconic
