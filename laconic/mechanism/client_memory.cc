// SPDX-License-Identifier: Apache-2.0
#include "laconic/mechanism/client_memory.h"

namespace laconic {

View ClientMemory::before_message(const Mechanism& mechanism, View x, Vector& scratch) const {
  const double a = mechanism.takes_in();
  if (a == 0) return h;
  scratch.assign(h.begin(), h.end());
  if (mechanism.decay() != 1) scale(mechanism.decay(), scratch);
  axpy(a, x, scratch);
  return scratch;
}

void ClientMemory::update(const Mechanism& mechanism, const Key& key, const Message& message, View x,
                          Vector& scratch, bool restart) {
  if (!e.empty() && restart) fill(e, 0.0);
  if (!e.empty() && !restart) {  // e += x - h - m
    axpy(1, x, e);
    axpy(-1, h, e);
    decode_add(key, message, -1, e);
  }
  if (!restart && !numbers.empty()) mechanism.keep(message, numbers);
  if (h.empty()) return;
  if (mechanism.takes_in() != 0) h.swap(scratch);
  if (restart || starts_over(message)) fill(h, 0.0);
  decode_add(key, message, restart ? 1.0 : mechanism.rates().client, h);
}

}  // namespace laconic
