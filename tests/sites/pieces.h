// SPDX-License-Identifier: Apache-2.0
// Messages of the stream between a site and the server, right ones and wrong ones: docs/wire_format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "laconic/message/bits.h"
#include "laconic/sites/protocol.h"
#include "laconic/transport/mailbox.h"

namespace laconic::testing {

inline std::vector<std::uint8_t> piece(Tag tag, const std::vector<std::uint8_t>& rest) {
  std::vector<std::uint8_t> bytes = {static_cast<std::uint8_t>(tag)};
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}
inline std::vector<std::uint8_t> number(std::uint64_t value) {
  std::vector<std::uint8_t> bytes(8);
  store_le(value, bytes.data());
  return bytes;
}
/// The first piece of a parcel that announces a length, with `size` bytes.
inline std::vector<std::uint8_t> first_piece(std::uint64_t length, std::size_t size,
                                             Mailbox::Kind kind = Mailbox::Kind::letter) {
  std::vector<std::uint8_t> rest = {static_cast<std::uint8_t>(kind)};
  const std::vector<std::uint8_t> announced = number(length);
  rest.insert(rest.end(), announced.begin(), announced.end());
  rest.resize(rest.size() + size);
  return piece(Tag::first, rest);
}

}  // namespace laconic::testing
