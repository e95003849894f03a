// SPDX-License-Identifier: Apache-2.0
#include "laconic/message/message.h"

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/message/formats.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

template <SignPlane (*read)(const Incoming&), class Real>
void add_read_signs(const Incoming& message, double weight, std::span<Real> acc) {
  const WeightedSigns signs{read(message), weight};
  add_signs({&signs, 1}, {0, acc.size()}, acc);
}

struct FormatRow {
  Format format;
  std::string_view name;
  void (*add)(const Incoming&, double weight, MutView acc);
  void (*add_to_floats)(const Incoming&, double weight, MutFloatView acc);
  double (*floats)(const Incoming&);
  SignPlane (*signs)(const Incoming&) = nullptr;  // null for formats without signs
};

constexpr FormatRow kFormats[] = {
    {Format::dense, "dense", add_dense, add_dense, floats_dense},
    {Format::seeded_subset, "seeded subset", add_seeded_subset, add_seeded_subset, floats_seeded_subset},
    {Format::permutation_block, "permutation block", add_permutation_block, add_permutation_block,
     floats_permutation_block},
    {Format::sparse, "sparse", add_sparse, add_sparse, floats_sparse},
    {Format::bitmap, "bitmap", add_bitmap, add_bitmap, floats_bitmap},
    {Format::natural, "natural", add_natural, add_natural, floats_natural},
    {Format::nothing, "nothing", add_nothing, add_nothing, floats_nothing},
    {Format::sign, "sign", add_read_signs<read_sign>, add_read_signs<read_sign>, floats_sign, read_sign},
    {Format::uniform_levels, "uniform levels", add_uniform_levels, add_uniform_levels, floats_uniform_levels},
    {Format::power_levels, "power levels", add_power_levels, add_power_levels, floats_power_levels},
    {Format::pair, "pair", add_pair, add_pair, floats_pair},
    {Format::reset, "reset", add_dense_behind, add_dense_behind, floats_reset},
    {Format::uncounted, "uncounted", add_dense_behind, add_dense_behind, floats_uncounted},
    {Format::known_sign, "known sign", add_read_signs<read_known_sign>, add_read_signs<read_known_sign>,
     floats_known_sign, read_known_sign},
    {Format::block_sign, "block sign", add_read_signs<read_block_sign>, add_read_signs<read_block_sign>,
     floats_block_sign, read_block_sign},
    {Format::low_rank, "low rank", add_low_rank, add_low_rank, floats_low_rank},
    {Format::sketch, "sketch", add_sketch, add_sketch, floats_sketch},
    {Format::owned, "owned", add_owned, add_owned, floats_owned},
    {Format::clustered, "clustered", add_clustered, add_clustered, floats_clustered},
    {Format::registered, "registered", add_registered, add_registered, floats_registered},
    {Format::sparse_levels, "sparse levels", add_sparse_levels, add_sparse_levels, floats_sparse_levels},
    {Format::sparse_power_levels, "sparse power levels", add_sparse_power_levels, add_sparse_power_levels,
     floats_sparse_power_levels},
};

const FormatRow& format_of(std::span<const std::uint8_t> bytes, std::size_t dim) {
  if (bytes.empty()) throw RunError("a message is empty; need at least its first byte, the format");
  if (dim >= kDimLimit)
    throw RunError(fmt::format("a message for {} coordinates; need fewer than 2^32", dim));
  const auto format = static_cast<Format>(bytes[0] & ~kWideValues);
  for (const FormatRow& row : kFormats) {
    if (row.format == format) return row;
  }
  throw RunError(
      fmt::format("a message of {} bytes begins with 0x{:02x}, which is no format", bytes.size(), bytes[0]));
}

Incoming incoming(const Key& key, const FormatRow& row, std::span<const std::uint8_t> bytes,
                  std::size_t dim) {
  const Wire wire = (bytes[0] & kWideValues) != 0 ? Wire::f64 : Wire::f32;
  return {key, row.name, wire, bytes, dim};
}

}  // namespace

void Incoming::fail(std::string_view problem) const {
  throw RunError(fmt::format("a {} message ({}, {} bytes, for {} coordinates): {}", format,
                             wire == Wire::f32 ? "f32" : "f64", bytes.size(), dim, problem));
}

void Incoming::need_length(std::size_t need) const {
  if (bytes.size() != need) fail(fmt::format("need {} bytes", need));
}

std::size_t Incoming::header_count() const {
  if (bytes.size() < 4) fail("truncated in its header of 4 bytes");
  return bytes[1] | std::size_t{bytes[2]} << 8 | std::size_t{bytes[3]} << 16;
}

std::size_t Incoming::read_number(std::size_t& at) const {
  std::size_t number = 0;
  for (unsigned shift = 0; at < bytes.size(); shift += 7) {
    const std::size_t group = bytes[at++];
    number |= (group & 0x7f) << shift;
    if (number >= kDimLimit) break;
    if (group >= 0x80) {
      if (shift == 28) break;
      continue;
    }
    if (group == 0 && shift > 0) fail("a number of its layout has more bytes than it needs");
    return number;
  }
  fail("a number of its layout is truncated or too large");
}

double Incoming::value_at(std::size_t at) const {
  return with_value_type(wire,
                         [&]<class Value>(Value) -> double { return load_le<Value>(bytes.data() + at); });
}

double floats_of_bytes(const Key& key, std::span<const std::uint8_t> bytes, std::size_t dim) {
  const FormatRow& row = format_of(bytes, dim);
  return row.floats(incoming(key, row, bytes, dim));
}

std::optional<SignPlane> signs_in_bytes(const Key& key, std::span<const std::uint8_t> bytes,
                                        std::size_t dim) {
  const FormatRow& row = format_of(bytes, dim);
  if (row.signs == nullptr) return {};
  return row.signs(incoming(key, row, bytes, dim));
}

void decode_add(const Key& key, std::span<const std::uint8_t> bytes, double weight, MutView acc) {
  const FormatRow& row = format_of(bytes, acc.size());
  row.add(incoming(key, row, bytes, acc.size()), weight, acc);
}

void decode_add(const Key& key, std::span<const std::uint8_t> bytes, double weight, MutFloatView acc) {
  const FormatRow& row = format_of(bytes, acc.size());
  row.add_to_floats(incoming(key, row, bytes, acc.size()), weight, acc);
}

double counted_floats(const Message& message, std::size_t dim) {
  return floats_of_bytes(Key{}, message.bytes, dim);
}

}  // namespace laconic
