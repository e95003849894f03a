// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/exchange.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

#include "laconic/core/error.h"

namespace laconic {

template <class Value>
Exchange<Value>::Exchange(const ClientPlan& plan, std::size_t dim, std::size_t clients, std::uint32_t own,
                          std::uint64_t seed)
    : plan_(plan), dim_(dim), clients_(clients), own_(own), seed_(seed) {
  check(plan_.mechanism != nullptr && dim >= 1 && own < clients, "an exchange needs a mechanism and clients");
  check(!plan_.looks_back(), "an exchange has gradients at one point only");
  const Mechanism& mechanism = *plan_.mechanism;
  client_.start(plan_, dim);
  server_ = mechanism.replaces() ? remembering_server<Value>(dim, mechanism.rates(), clients, {})
                                 : summing_server<Value>(dim, mechanism.rates(), true);
}

template <class Value>
void Exchange<Value>::require_use() const {
  if (is_broken_)
    throw RunError(
        fmt::format("the exchange failed in round {}; restore a state, or make a new one", round_));
}

template <class Value>
void Exchange<Value>::send(ViewOf<Value> g, Message& out) {
  require_use();
  check(g.size() == dim_, "a gradient of another length");
  if (has_sent_) throw InputError(fmt::format("send: round {} has its message; finish it first", round_));
  if (!all_finite(g)) throw InputError(fmt::format("the gradient is not finite in round {}", round_));
  is_broken_ = true;
  const auto look_back = []() -> ViewOf<Value> { return {}; };
  client_.send(plan_, key(), g, look_back, plan_.mechanism->restarts(key()), out, round_ <= 1);
  if (plan_.keeps_gradient()) std::copy(g.begin(), g.end(), client_.y.begin());
  has_sent_ = true;
  is_broken_ = false;
}

template <class Value>
void Exchange<Value>::receive(std::uint32_t client, const Message& message) {
  require_use();
  if (client != next_ || next_ == clients_) {
    throw InputError(
        next_ == clients_
            ? fmt::format("receive: worker = {}; round {} has all messages, finish it", client, round_)
            : fmt::format("receive: worker = {}; need {}, the next one", client, next_));
  }
  is_broken_ = true;
  if (next_ == 0) server_->open(plan_.mechanism->restarts(key()));
  Key sender = key();
  sender.client = client;
  server_->hear(pool_, sender, 1 / static_cast<double>(clients_), message);
  checksum_ = static_cast<std::uint32_t>(crc32_z(checksum_, message.bytes.data(), message.bytes.size()));
  ++next_;
  is_broken_ = false;
}

template <class Value>
void Exchange<Value>::finish(MutViewOf<Value> out) {
  require_use();
  check(out.size() == dim_, "an estimate of another length");
  if (next_ < clients_) {
    throw InputError(
        fmt::format("finish: round {} has the messages of {} of {} workers", round_, next_, clients_));
  }
  server_->close(pool_, key(), 1);
  const ViewOf<Value> estimate = server_->estimate();
  std::copy(estimate.begin(), estimate.end(), out.begin());
  ++round_;
  next_ = 0;
  has_sent_ = false;
}

template <class Value>
typename Exchange<Value>::State Exchange<Value>::state() {
  if (!is_broken_ && (has_sent_ || next_ > 0))
    throw InputError(fmt::format("state: round {} is open; finish it first", round_));
  return {client_.vectors(), server_->memory(), client_.memory.numbers};
}

template <class Value>
void Exchange<Value>::resume(std::uint32_t round, std::uint32_t checksum) {
  round_ = round;
  checksum_ = checksum;
  next_ = 0;
  has_sent_ = is_broken_ = false;
}

template class Exchange<double>;
template class Exchange<float>;

}  // namespace laconic
