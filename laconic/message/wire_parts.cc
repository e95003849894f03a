// SPDX-License-Identifier: Apache-2.0
// Messages that contain other messages: pair, reset, uncounted.
#include <algorithm>

#include "laconic/message/formats.h"
#include "laconic/message/slice.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

using ByteView = std::span<const std::uint8_t>;

// In the header of a pair, a count of 0 means that the length of the first message does not fit into the
// count and follows in eight bytes.
constexpr std::size_t kLongHeader = kCountHeader + 8;
// A pair nested in k others has a step from 2^k - 1 to 2^(k+1) - 2 (key_of_part).
constexpr std::uint32_t kStepTooDeep = (1U << kPairDepth) - 1;

struct Parts {
  ByteView first, second;
};

Parts parts_of(const Incoming& message) {
  if (message.wire != Wire::f32) message.fail("a pair has no values of its own, and so no width");
  if (message.key.step >= kStepTooDeep) message.fail("pairs in pairs in pairs, too deep");
  std::uint64_t length = message.header_count();
  std::size_t header = kCountHeader;
  if (length == 0) {
    if (message.bytes.size() < kLongHeader) message.fail("truncated in its header of 12 bytes");
    length = load_le<std::uint64_t>(message.bytes.data() + kCountHeader);
    if (length < kHeaderCountLimit) message.fail("a short length in a long header");
    header = kLongHeader;
  }
  if (length >= message.bytes.size() - header) message.fail("its first message leaves no room for a second");
  return {message.bytes.subspan(header, length), message.bytes.subspan(header + length)};
}

/// The message after the first byte of reset and uncounted, which must be dense.
ByteView dense_in(const Incoming& message) {
  if (message.wire != Wire::f32) message.fail("the width is that of the dense message in it");
  const ByteView inner = message.bytes.subspan(kHeader);
  if (inner.empty() || dense_value_bytes(inner[0]) == 0)
    message.fail("need a dense message after its first byte");
  return inner;
}

void write_dense_behind(Format format, Wire wire, View x, Message& out) {
  const std::size_t values = dense_bytes(x.size(), bytes_of(wire));
  std::uint8_t* to = begin_message(format, Wire::f32, kHeader + values, out);
  *to = first_byte(Format::dense, wire);
  store_values(wire, x, to + kHeader);
}

}  // namespace

void write_pair(const Message& first, const Message& second, Message& out) {
  const std::size_t length = first.bytes.size();
  const bool is_long = length >= kHeaderCountLimit;
  std::uint8_t* to = begin_message(
      Format::pair, Wire::f32, (is_long ? kLongHeader : kCountHeader) + length + second.bytes.size(), out);
  to = store_count(is_long ? 0 : length, to);
  if (is_long) {
    store_le<std::uint64_t>(length, to);
    to += 8;
  }
  to = std::copy(first.bytes.begin(), first.bytes.end(), to);
  std::copy(second.bytes.begin(), second.bytes.end(), to);
}

void write_reset(Wire wire, View x, Message& out) { write_dense_behind(Format::reset, wire, x, out); }

void write_uncounted(Wire wire, View x, Message& out) { write_dense_behind(Format::uncounted, wire, x, out); }

bool starts_over(const Message& message) {
  const std::vector<std::uint8_t>& bytes = message.bytes;
  const auto has = [&](std::size_t at, Format format) {
    return at < bytes.size() && bytes[at] == first_byte(format, Wire::f32);
  };
  std::size_t at = 0;
  while (has(at, Format::pair) && bytes.size() - at >= kCountHeader) {
    const bool is_long = bytes[at + 1] == 0 && bytes[at + 2] == 0 && bytes[at + 3] == 0;
    at += is_long ? kLongHeader : kCountHeader;
  }
  return has(at, Format::reset);
}

template <class Real>
void add_pair(const Incoming& message, double weight, std::span<Real> acc) {
  const Parts parts = parts_of(message);
  decode_add(key_of_part(message.key, 0), parts.first, weight, acc);
  decode_add(key_of_part(message.key, 1), parts.second, weight, acc);
}

template <class Real>
void add_dense_behind(const Incoming& message, double weight, std::span<Real> acc) {
  decode_add(message.key, dense_in(message), weight, acc);
}

double floats_pair(const Incoming& message) {
  const Parts parts = parts_of(message);
  return floats_of_bytes(key_of_part(message.key, 0), parts.first, message.dim) +
         floats_of_bytes(key_of_part(message.key, 1), parts.second, message.dim);
}

double floats_reset(const Incoming& message) {
  return floats_of_bytes(message.key, dense_in(message), message.dim);
}

double floats_uncounted(const Incoming& message) {
  dense_in(message);
  return 0;
}

template void add_pair(const Incoming&, double, MutView);
template void add_pair(const Incoming&, double, MutFloatView);
template void add_dense_behind(const Incoming&, double, MutView);
template void add_dense_behind(const Incoming&, double, MutFloatView);

}  // namespace laconic
