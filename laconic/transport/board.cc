// SPDX-License-Identifier: Apache-2.0
#include "laconic/transport/board.h"

#include "laconic/message/bits.h"

namespace laconic {

void Envelope::describe(const Message& message, std::size_t dim) {
  bytes = message.bytes.size();
  first_byte = message.bytes.at(0);
  floats = counted_floats(message, dim);
}

void Envelope::store(std::uint8_t* to) const {
  store_le(bytes, to);
  to[8] = first_byte;
  to[9] = finite ? 1 : 0;
  store_le(floats, to + 10);
  store_le(calls, to + 18);
  store_le(measured.value, to + 26);
  store_le(measured.correct, to + 34);
}

Envelope Envelope::load(const std::uint8_t* from) {
  return {.bytes = load_le<std::uint64_t>(from),
          .first_byte = from[8],
          .finite = from[9] != 0,
          .floats = load_le<double>(from + 10),
          .calls = load_le<std::uint64_t>(from + 18),
          .measured = {load_le<double>(from + 26), load_le<double>(from + 34)}};
}

}  // namespace laconic
