// SPDX-License-Identifier: Apache-2.0
#include "laconic/message/slice.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "laconic/core/error.h"
#include "laconic/message/bits.h"
#include "laconic/message/formats.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/message/slice.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {

namespace {

/// A message is read in groups of kLanes values; the sums of kFours groups are in registers.
constexpr std::size_t kFours = 4;
// Bytes that are fetched ahead of use: the hardware does not fetch across pages by itself.
constexpr std::size_t kAhead = 1024;

template <class Value>
Doubles four_values(const std::uint8_t* from) {
  if constexpr (std::is_same_v<Value, float> && std::endian::native == std::endian::little)
    return widened(load<Floats>(from));
  Doubles four;
  for (std::size_t l = 0; l < kLanes; ++l)
    four[l] = static_cast<double>(load_le<Value>(from + l * sizeof(Value)));
  return four;
}

/// Whether the sum starts from the content of acc or from zero.
enum class From { acc, zero };

/// Adds kFours * kLanes coordinates, starting at coordinate `first`.
template <class Value, From from>
void add_fours(std::span<const Summand> sum, std::size_t first, double* acc) {
  Doubles total[kFours]{};
  if (from == From::acc) {
    for (std::size_t k = 0; k < kFours; ++k) total[k] = load<Doubles>(acc + kLanes * k);
  }
  __builtin_prefetch(acc + kAhead / sizeof(double), 1);
  __builtin_prefetch(acc + kAhead / sizeof(double) + 8, 1);
  for (const Summand& one : sum) {
    const std::uint8_t* values = one.message->bytes.data() + 1 + first * sizeof(Value);
    __builtin_prefetch(values + kAhead);
    for (std::size_t k = 0; k < kFours; ++k)
      total[k] += one.weight * four_values<Value>(values + kLanes * k * sizeof(Value));
  }
  std::memcpy(acc, total, sizeof(total));
}

template <class Value, From from>
void add_one(std::span<const Summand> sum, std::size_t coordinate, double& acc) {
  if (from == From::zero) acc = 0;
  for (const Summand& one : sum) {
    const std::uint8_t* values = one.message->bytes.data() + 1;
    acc += one.weight * static_cast<double>(load_le<Value>(values + coordinate * sizeof(Value)));
  }
}

template <From from>
void add(Wire wire, std::span<const Summand> sum, std::size_t first, MutView acc) {
  with_value_type(wire, [&]<class Value>(Value) {
    std::size_t j = 0;
    for (; j + kFours * kLanes <= acc.size(); j += kFours * kLanes)
      add_fours<Value, from>(sum, first + j, acc.data() + j);
    for (; j < acc.size(); ++j) add_one<Value, from>(sum, first + j, acc[j]);
  });
}

}  // namespace

void add_values(Wire wire, std::span<const Summand> sum, std::size_t first, MutView acc) {
  add<From::acc>(wire, sum, first, acc);
}

void sum_values(Wire wire, std::span<const Summand> sum, std::size_t first, MutView acc) {
  add<From::zero>(wire, sum, first, acc);
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {

std::size_t dense_value_bytes(std::uint8_t first_byte) {
  if (first_byte == laconic::first_byte(Format::dense, Wire::f32)) return bytes_of(Wire::f32);
  if (first_byte == laconic::first_byte(Format::dense, Wire::f64)) return bytes_of(Wire::f64);
  return 0;
}

std::uint8_t* cut_dense(const Message& dense, Range coordinates, std::uint8_t* to) {
  const std::size_t width = dense_value_bytes(dense.bytes.at(0));
  check(width > 0 && dense_bytes(coordinates.end, width) <= dense.bytes.size(),
        "only dense messages can be cut");
  *to++ = dense.bytes[0];
  const std::uint8_t* values = dense.bytes.data() + 1;
  return std::copy(values + coordinates.begin * width, values + coordinates.end * width, to);
}

namespace {

HWY_EXPORT(add_values);
HWY_EXPORT(sum_values);

/// The width of the values of dense messages that reach `coordinates`.
Wire width_of(std::span<const Summand> sum, Range coordinates) {
  const std::uint8_t first_byte =
      sum.empty() ? laconic::first_byte(Format::dense, Wire::f32) : sum[0].message->bytes.at(0);
  const std::size_t width = dense_value_bytes(first_byte);
  for (const Summand& one : sum) {
    const std::vector<std::uint8_t>& bytes = one.message->bytes;
    check(width > 0 && bytes.at(0) == first_byte && dense_bytes(coordinates.end, width) <= bytes.size(),
          "only dense messages of one width can be added by slices");
  }
  return width == bytes_of(Wire::f32) ? Wire::f32 : Wire::f64;
}

}  // namespace

void add_slices(std::span<const Summand> sum, Range coordinates, MutView acc) {
  HWY_DYNAMIC_DISPATCH(add_values)(width_of(sum, coordinates), sum, coordinates.begin, acc);
}

void sum_slices(std::span<const Summand> sum, Range coordinates, MutView acc) {
  HWY_DYNAMIC_DISPATCH(sum_values)(width_of(sum, coordinates), sum, coordinates.begin, acc);
}

}  // namespace laconic
#endif
