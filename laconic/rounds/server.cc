// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/server.h"

#include <utility>

#include "laconic/message/message.h"
#include "laconic/rounds/senders_mean.h"

namespace laconic {
namespace {

class SummingServer final : public Server {
 public:
  SummingServer(std::size_t dim, const Rates& rates, bool all_heard)
      : Server(dim),
        rates_(rates),
        in_place_(rates.server == 1 && rates.estimate == 1 && all_heard),
        has_shift_(rates.server != 0 && !in_place_) {
    if (has_shift_) shift_.assign(dim, 0.0);
  }

  void open(bool restart) override {
    restart_ = restart;
    counted_.clear();
    if (restart || !in_place_) fill(estimate_, 0.0);
  }

  void hear(Fleet& fleet, Board& board) override { fleet.fold(board, counted_, estimate_); }

  void close(Fleet& fleet, const Key& /*round*/, double heard) override {
    fleet.settle(counted_, estimate_);
    if (!has_shift_) return;
    for (std::size_t j = 0; j < estimate_.size(); ++j) {
      const double d = estimate_[j];
      estimate_[j] = restart_ ? d : shift_[j] + rates_.estimate * d;
      shift_[j] = restart_ ? d : shift_[j] + rates_.server * heard * d;
    }
  }

  std::vector<MutView> memory() override { return {estimate_, shift_}; }

 private:
  Rates rates_;
  bool in_place_;  // adds to the estimate, which is the shift
  bool has_shift_;
  bool restart_ = false;
  Vector shift_;
  SignCount counted_;  // the messages of the round that are signs only
};

class SendersServer final : public Server {
 public:
  explicit SendersServer(std::size_t dim) : Server(dim) {}

  void open(bool /*restart*/) override { mean_.open(estimate_.size()); }
  void hear(Fleet& fleet, Board& board) override { mean_.hear(fleet, board); }
  void close(Fleet& /*fleet*/, const Key& /*round*/, double /*heard*/) override { mean_.close(estimate_); }
  std::vector<MutView> memory() override { return {estimate_}; }

 private:
  SendersMean mean_;
};

class RememberingServer final : public Server {
 public:
  RememberingServer(std::size_t dim, const Rates& rates, std::size_t clients, Aggregation aggregation)
      : Server(dim),
        rates_(rates),
        aggregation_(std::move(aggregation)),
        has_memories_(rates.client != 0 && rates.server != 0),
        memories_are_vectors_(has_memories_ && rates.server == 1 && rates.estimate == 1) {
    if (has_memories_) memories_.assign(clients, Vector(dim, 0.0));
    if (!memories_are_vectors_) vectors_.assign(clients, Vector(dim, 0.0));
    if (aggregation_.attack) lies_.assign(aggregation_.attack->liars(), Vector(dim, 0.0));
    if (aggregation_.rule) rule_memory_.assign(aggregation_.rule->memory(), Vector(dim, 0.0));
  }

  void open(bool restart) override {
    restart_ = restart;
    for (std::size_t i = 0; i < vectors_.size(); ++i) {
      if (has_memories_) copy(memories_[i], vectors_[i]);
      if (adds_to_estimate()) copy(estimate_, vectors_[i]);
    }
  }

  void hear(Fleet& fleet, Board& board) override {
    fleet.for_each_message(board, [&](const Entry& entry, const Message& message) {
      const std::uint32_t i = entry.key.client;
      const bool starts_over = restart_ || laconic::starts_over(message);
      if (!vectors_.empty()) {
        if (starts_over || is_direct()) fill(vectors_[i], 0.0);
        decode_add(entry.key, message, starts_over ? 1 : rates_.estimate, vectors_[i]);
      }
      if (has_memories_) {
        if (starts_over) fill(memories_[i], 0.0);
        decode_add(entry.key, message, starts_over ? 1 : rates_.server, memories_[i]);
      }
    });
  }

  void close(Fleet& fleet, const Key& round, double /*heard*/) override {
    std::vector<MutView> vectors = vectors_to_aggregate();
    if (aggregation_.attack) aggregation_.attack->lie(round, vectors, fleet.pool());
    if (aggregation_.rule) {
      const std::vector<View> views(vectors.begin(), vectors.end());
      aggregation_.rule->aggregate(views, round.common(), fleet.pool(), rule_memory_, estimate_);
      return;
    }
    fill(estimate_, 0.0);
    for (const View v : vectors) axpy(1.0 / static_cast<double>(vectors.size()), v, estimate_);
  }

  std::vector<MutView> memory() override {
    std::vector<MutView> vectors = {estimate_};
    vectors.insert(vectors.end(), memories_.begin(), memories_.end());
    if (is_direct()) vectors.insert(vectors.end(), vectors_.begin(), vectors_.end());
    vectors.insert(vectors.end(), rule_memory_.begin(), rule_memory_.end());
    return vectors;
  }

 private:
  [[nodiscard]] bool adds_to_estimate() const { return !has_memories_ && rates_.server == 1; }
  [[nodiscard]] bool is_direct() const { return !has_memories_ && !adds_to_estimate(); }

  /// Those of liars are copies, because a lie must not change a memory.
  [[nodiscard]] std::vector<MutView> vectors_to_aggregate() {
    std::vector<Vector>& of_clients = memories_are_vectors_ ? memories_ : vectors_;
    std::vector<MutView> vectors(of_clients.begin(), of_clients.end());
    const std::size_t honest = vectors.size() - lies_.size();
    for (std::size_t k = 0; k < lies_.size(); ++k) {
      copy(vectors[honest + k], lies_[k]);
      vectors[honest + k] = lies_[k];
    }
    return vectors;
  }

  Rates rates_;
  Aggregation aggregation_;
  bool has_memories_;
  bool memories_are_vectors_;  // v_i = h_i after the round
  bool restart_ = false;
  std::vector<Vector> memories_;  // h_i
  std::vector<Vector> vectors_;   // v_i
  std::vector<Vector> lies_;      // v_i of the liars
  std::vector<Vector> rule_memory_;
};

}  // namespace

std::unique_ptr<Server> summing_server(std::size_t dim, const Rates& rates, bool all_heard) {
  return std::make_unique<SummingServer>(dim, rates, all_heard);
}

std::unique_ptr<Server> senders_server(std::size_t dim) { return std::make_unique<SendersServer>(dim); }

std::unique_ptr<Server> remembering_server(std::size_t dim, const Rates& rates, std::size_t clients,
                                           Aggregation aggregation) {
  return std::make_unique<RememberingServer>(dim, rates, clients, std::move(aggregation));
}

}  // namespace laconic
