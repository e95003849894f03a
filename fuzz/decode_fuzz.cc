// SPDX-License-Identifier: Apache-2.0
// A libFuzzer target: any bytes either decode as a message or cause a RunError, and do so every time.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "fuzz/input.h"
#include "laconic/core/error.h"

namespace laconic {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// The decoded vector of a message; unset if it is not one.
std::optional<Vector> decoded(const FuzzInput& input) {
  Vector acc(input.dim);
  try {
    decode_add(input.key, input.message, 1, acc);
  } catch (const RunError&) {
    return {};
  }
  return acc;
}

bool same_bits(const Vector& a, const Vector& b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

/// The most floats that a message can count. Those of most formats take their bits on the wire. Sparse levels
/// count as in the dense form, so up to 16 bits a coordinate, and have 12 bytes at least; a pair may contain
/// them.
double most_floats(const FuzzInput& input) {
  const auto bits = static_cast<double>(input.message.bits());
  const unsigned format = input.message.bytes.empty() ? 0 : input.message.bytes[0] & 0x7fU;
  const bool may_be_sparse_levels = format == 0x0b || format == 0x11 || format == 0x12;
  return bits / 32 + (may_be_sparse_levels ? bits / (8 * 12) * static_cast<double>(input.dim) / 2 : 0);
}

void check_decoding(const FuzzInput& input) {
  const bool anew = starts_over(input.message);  // accepts any bytes
  const std::optional<Vector> first = decoded(input);
  const std::optional<Vector> second = decoded(input);
  require(first.has_value() == second.has_value());
  try {
    const double floats = counted_floats(input.message, input.dim);
    require(floats >= 0 && floats <= most_floats(input));
  } catch (const RunError&) {
    require(!first);  // a message that can be decoded can be counted
  }
  if (first) require(same_bits(*first, *second));
  // A message that starts a memory over contains all of its coordinates.
  if (first && anew) require(counted_floats(input.message, input.dim) >= static_cast<double>(input.dim));
}

}  // namespace
}  // namespace laconic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {  // NOLINT: libFuzzer's name
  if (size >= laconic::FuzzInput::kPrefix) laconic::check_decoding(laconic::FuzzInput({data, size}));
  return 0;
}
