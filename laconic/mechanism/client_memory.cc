// SPDX-License-Identifier: Apache-2.0
#include "laconic/mechanism/client_memory.h"

#include <algorithm>
#include <type_traits>

#include "laconic/core/error.h"

namespace laconic {

template <class Value>
void ClientMemory<Value>::start(const Mechanism& mechanism, std::size_t dim) {
  if (mechanism.rates().client != 0) h.assign(dim, 0);
  if (mechanism.accumulates_error()) e.assign(dim, 0);
  numbers.assign(mechanism.keeps(), 0.0);
}

template <class Value>
void ClientMemory<Value>::say(const Mechanism& mechanism, const Key& key, ViewOf<Value> x, KeptOf<Value> y,
                              bool restart, Message& out, bool twice) {
  take_in(mechanism, x);
  const MemoriesOf<Value> kept{h, y, e, numbers};
  const auto encode = [&](Message& message) {
    if constexpr (std::is_same_v<Value, float>) {
      mechanism.encode_floats(key, kept, x, message);
    } else {
      mechanism.encode(key, kept, x, message);
    }
  };
  encode(out);
  if (twice) {
    thread_local Message again;
    encode(again);
    check(again.bytes == out.bytes,
          "a mechanism answers the same question in two ways: it or its compressor hides state");
  }
  move(mechanism, key, x, restart, out);
}

/// h <- b h + a x.
template <class Value>
void ClientMemory<Value>::take_in(const Mechanism& mechanism, ViewOf<Value> x) {
  const double a = mechanism.takes_in();
  const double b = mechanism.decay();
  if (a == 0) return;
  for (std::size_t j = 0; j < h.size(); ++j) h[j] = static_cast<Value>(b * h[j] + a * x[j]);
}

template <class Value>
void ClientMemory<Value>::move(const Mechanism& mechanism, const Key& key, ViewOf<Value> x, bool restart,
                               const Message& message) {
  if (!e.empty() && restart) std::fill(e.begin(), e.end(), Value{0});
  if (!e.empty() && !restart) {  // e += x - h - m
    for (std::size_t j = 0; j < e.size(); ++j)
      e[j] = static_cast<Value>(static_cast<double>(e[j]) + x[j] - h[j]);
    decode_add(key, message, -1, MutViewOf<Value>(e));
  }
  if (!restart && !numbers.empty()) mechanism.keep(message, numbers);
  if (h.empty()) return;
  if (restart || starts_over(message)) std::fill(h.begin(), h.end(), Value{0});
  decode_add(key, message, restart ? 1.0 : mechanism.rates().client, MutViewOf<Value>(h));
}

template struct ClientMemory<double>;
template struct ClientMemory<float>;

}  // namespace laconic
