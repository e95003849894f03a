// SPDX-License-Identifier: Apache-2.0
// The formats with plain float values: each writer is followed by its reader. The other formats are in
// wire_natural.cc, wire_levels.cc and wire_sign.cc.
#include "laconic/message/wire.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/message/bits.h"
#include "laconic/message/deal.h"
#include "laconic/message/formats.h"
#include "laconic/message/subset.h"

namespace laconic {
namespace {

/// The number of values after a header. They fill the rest of the message.
std::size_t count_values(const Incoming& message, std::size_t header) {
  if (message.bytes.size() < header) message.fail(fmt::format("truncated in its header of {} bytes", header));
  const std::size_t payload = message.bytes.size() - header;
  const std::size_t width = bytes_of(message.wire);
  if (payload % width != 0) {
    message.fail(fmt::format("{} bytes of values; need a multiple of {}", payload, width));
  }
  return payload / width;
}

/// acc[support[i]] += weight * value i.
template <class Real>
void add_values(Wire wire, const std::uint8_t* values, Indices support, double weight, std::span<Real> acc) {
  with_value_type(wire, [&]<class Value>(Value) {
    for (std::size_t i = 0; i < support.size(); ++i) {
      add_to(acc[support[i]], weight * static_cast<double>(load_le<Value>(values + i * sizeof(Value))));
    }
  });
}

}  // namespace

// Dense: header, values.

void write_dense(Wire wire, AnyView values, Message& out) {
  std::uint8_t* const to =
      begin_message(Format::dense, wire, kHeader + size_of(values) * bytes_of(wire), out);
  std::visit([&](auto reals) { store_values(wire, reals, to); }, values);
}

void write_dense_sum(Wire wire, View a, View b, Message& out) {
  std::uint8_t* to = begin_message(Format::dense, wire, kHeader + a.size() * bytes_of(wire), out);
  with_value_type(wire, [&]<class Value>(Value) {
    for (std::size_t j = 0; j < a.size(); ++j)
      store_le(static_cast<Value>(a[j] + b[j]), to + j * sizeof(Value));
  });
}

template <class Real>
void add_dense(const Incoming& message, double weight, std::span<Real> acc) {
  message.need_length(kHeader + acc.size() * bytes_of(message.wire));
  const std::uint8_t* values = message.bytes.data() + kHeader;
  with_value_type(message.wire, [&]<class Value>(Value) {
    for (std::size_t j = 0; j < acc.size(); ++j) {
      add_to(acc[j], weight * static_cast<double>(load_le<Value>(values + j * sizeof(Value))));
    }
  });
}

double floats_dense(const Incoming& message) { return static_cast<double>(count_values(message, kHeader)); }

// Nothing: header.

void write_nothing(Wire wire, Message& out) { begin_message(Format::nothing, wire, kHeader, out); }

template <class Real>
void add_nothing(const Incoming& message, double, std::span<Real>) {
  message.need_length(kHeader);
}

double floats_nothing(const Incoming& message) {
  message.need_length(kHeader);
  return 0;
}

// Seeded subset: header, values in the order of their coordinates. The key determines the coordinates.

void write_seeded_subset(Wire wire, View values, Message& out) {
  check(!values.empty(), "a seeded subset has at least one value");
  store_values(wire, values,
               begin_message(Format::seeded_subset, wire, kHeader + values.size() * bytes_of(wire), out));
}

template <class Real>
void add_seeded_subset(const Incoming& message, double weight, std::span<Real> acc) {
  const std::size_t count = count_values(message, kHeader);
  if (count == 0 || count > message.dim) {
    message.fail(fmt::format("{} values; need at least 1 and at most {}", count, message.dim));
  }
  thread_local std::vector<std::uint32_t> support;  // reused, so that a round does not allocate
  draw_subset(message.key.stream(Purpose::compressor), count, message.dim, support);
  add_values(message.wire, message.bytes.data() + kHeader, support, weight, acc);
}

double floats_seeded_subset(const Incoming& message) {
  return static_cast<double>(count_values(message, kHeader));
}

// Permutation block, or part of one: header with the number of clients, values in the order of their
// coordinates.

void write_permutation_block(Wire wire, std::size_t clients, View values, Message& out) {
  check(clients >= 1 && clients < kDealtClientsLimit, "a permutation block needs 1 <= clients < 2^20");
  check(!values.empty(), "a permutation block has at least one value");
  std::uint8_t* to =
      begin_message(Format::permutation_block, wire, kCountHeader + values.size() * bytes_of(wire), out);
  store_values(wire, values, store_count(clients, to));
}

template <class Real>
void add_permutation_block(const Incoming& message, double weight, std::span<Real> acc) {
  const std::size_t clients = message.header_count();
  if (clients == 0 || clients >= kDealtClientsLimit) {
    message.fail(fmt::format("dealt to {} clients; need at least 1 and fewer than 2^20", clients));
  }
  if (message.key.client >= clients) {
    message.fail(fmt::format("dealt to {} clients; client {} is none of them", clients, message.key.client));
  }
  if (message.dim == 0) message.fail("no coordinates to deal");
  // The length is checked first, because that is cheap and a deal is not.
  const std::size_t count = count_values(message, kCountHeader);
  const std::size_t least = clients > message.dim ? 1 : message.dim / clients;
  if (count == 0 || count > least + 1) {
    message.fail(
        fmt::format("{} values, but blocks for {} clients have {} or one more", count, clients, least));
  }
  const std::size_t block = dealt_block(message.key, message.dim, clients).size();
  if (count > block) message.fail(fmt::format("{} values for a block of {} coordinates", count, block));
  add_values(message.wire, message.bytes.data() + kCountHeader,
             dealt_subset(message.key, message.dim, clients, count), weight, acc);
}

double floats_permutation_block(const Incoming& message) {
  return static_cast<double>(count_values(message, kCountHeader));
}

// Owned: header with the number of clients and that of the owners of a coordinate, in groups of 7 bits;
// values in the order of their coordinates.

void write_owned(Wire wire, std::size_t clients, std::size_t owners, View values, Message& out) {
  check(owners >= 1 && owners <= clients && clients < kDealtClientsLimit,
        "owned coordinates need 1 <= owners <= clients < 2^20");
  std::uint8_t* to = begin_message(
      Format::owned, wire,
      kHeader + number_length(clients) + number_length(owners) + values.size() * bytes_of(wire), out);
  store_values(wire, values, store_number(owners, store_number(clients, to)));
}

template <class Real>
void add_owned(const Incoming& message, double weight, std::span<Real> acc) {
  std::size_t at = kHeader;
  const std::size_t clients = message.read_number(at);
  const std::size_t owners = message.read_number(at);
  if (clients == 0 || clients >= kDealtClientsLimit)
    message.fail(fmt::format("owned by {} clients; need at least 1 and fewer than 2^20", clients));
  if (owners == 0 || owners > clients)
    message.fail(fmt::format("{} owners of a coordinate; need at least 1 and at most {}", owners, clients));
  if (message.key.client >= clients)
    message.fail(fmt::format("owned by {} clients; client {} is none of them", clients, message.key.client));
  // The length is checked first, because that is cheap and a permutation is not.
  const std::size_t count = count_values(message, at);
  const std::size_t least = owners * message.dim / clients;
  if (count < least || count > least + 1)
    message.fail(fmt::format("{} values; a client owns {} or one more", count, least));
  const Indices owned = owned_coordinates(message.key, message.dim, clients, owners);
  if (count != owned.size()) message.fail(fmt::format("{} values; the client owns {}", count, owned.size()));
  add_values(message.wire, message.bytes.data() + at, owned, weight, acc);
}

double floats_owned(const Incoming& message) {
  std::size_t at = kHeader;
  static_cast<void>(message.read_number(at));  // clients
  static_cast<void>(message.read_number(at));  // owners
  return static_cast<double>(count_values(message, at));
}

// Sparse: header with the count, Golomb-coded gaps padded to a byte, values. Bitmap: header, one bit per
// coordinate, values.

namespace {

void write_bitmap(Wire wire, std::size_t dim, Indices support, View values, Message& out) {
  const std::size_t map_bytes = (dim + 7) / 8;
  std::uint8_t* map =
      begin_message(Format::bitmap, wire, kHeader + map_bytes + values.size() * bytes_of(wire), out);
  std::fill_n(map, map_bytes, std::uint8_t{0});
  for (const std::uint32_t j : support) map[j / 8] = static_cast<std::uint8_t>(map[j / 8] | 1U << (j % 8));
  store_values(wire, values, map + map_bytes);
}

}  // namespace

void write_sparse(Wire wire, std::size_t dim, Indices support, View values, Message& out) {
  check(support.size() == values.size() && support.size() <= dim && dim < kDimLimit,
        "a sparse message needs as many values as indices, at most dim");
  std::size_t gap_bits = 0;
  for_each_gap(dim, support, [&](const GapCode& code, std::uint32_t gap) { gap_bits += code.length(gap); });
  const std::size_t gap_bytes = (gap_bits + 7) / 8;
  if (support.size() >= kHeaderCountLimit || kHeader + (dim + 7) / 8 < kCountHeader + gap_bytes) {
    return write_bitmap(wire, dim, support, values, out);
  }
  std::uint8_t* to =
      begin_message(Format::sparse, wire, kCountHeader + gap_bytes + values.size() * bytes_of(wire), out);
  BitWriter writer(store_count(support.size(), to));
  for_each_gap(dim, support, [&](const GapCode& code, std::uint32_t gap) { code.put(writer, gap); });
  store_values(wire, values, writer.finish());
}

namespace {

/// The number of values. Checks that they fit into the message.
std::size_t sparse_count(const Incoming& message) {
  const std::size_t count = message.header_count();
  if (count > message.dim) message.fail(fmt::format("{} indices; need at most {}", count, message.dim));
  if (message.bytes.size() < kCountHeader + count * bytes_of(message.wire)) {
    message.fail(fmt::format("truncated: {} values do not fit", count));
  }
  return count;
}

}  // namespace

template <class Real>
void add_sparse(const Incoming& message, double weight, std::span<Real> acc) {
  const std::size_t count = sparse_count(message);
  const std::size_t index_bytes = message.bytes.size() - kCountHeader - count * bytes_of(message.wire);
  const std::uint8_t* values = message.bytes.data() + kCountHeader + index_bytes;
  BitReader reader(message.bytes.subspan(kCountHeader, index_bytes));
  GapCodes codes(count, message.dim);
  with_value_type(message.wire, [&]<class Value>(Value) {
    // Decodes some indices before their values, so that the cache misses on the entries of a long vector
    // overlap.
    std::array<std::uint64_t, 32> ahead;  // NOLINT: filled before it is read
    std::uint64_t j = 0;                  // the least possible next index
    for (std::size_t first = 0; first < count; first += ahead.size()) {
      const std::size_t block = std::min(ahead.size(), count - first);
      for (std::size_t i = 0; i < block; ++i) {
        j += codes.next(message.dim - j).get(reader, message.dim);
        if (j >= message.dim || reader.past_end())
          message.fail(fmt::format("index {} is not there or too large", first + i));
        __builtin_prefetch(acc.data() + j, 1);
        ahead[i] = j++;
      }
      const std::uint8_t* value = values + first * sizeof(Value);
      for (std::size_t i = 0; i < block; ++i) {
        add_to(acc[ahead[i]], weight * static_cast<double>(load_le<Value>(value + i * sizeof(Value))));
      }
    }
  });
  if ((reader.position() + 7) / 8 != index_bytes) {
    message.fail(fmt::format("{} bytes of indices; need {}", index_bytes, (reader.position() + 7) / 8));
  }
  if (reader.window() != 0) message.fail("a padding bit is set");
}

double floats_sparse(const Incoming& message) { return static_cast<double>(sparse_count(message)); }

template <class Real>
void add_bitmap(const Incoming& message, double weight, std::span<Real> acc) {
  const std::size_t map_bytes = (message.dim + 7) / 8;
  if (message.bytes.size() < kHeader + map_bytes) message.fail("truncated in its bitmap");
  const std::uint8_t* map = message.bytes.data() + kHeader;
  std::size_t count = 0;
  for (std::size_t m = 0; m < map_bytes; ++m) count += static_cast<std::size_t>(std::popcount(map[m]));
  message.need_length(kHeader + map_bytes + count * bytes_of(message.wire));
  if (message.dim % 8 != 0 && map[map_bytes - 1] >> (message.dim % 8) != 0)
    message.fail("a padding bit is set");
  const std::uint8_t* value = map + map_bytes;
  with_value_type(message.wire, [&]<class Value>(Value) {
    for (std::size_t m = 0; m < map_bytes; ++m) {
      for (unsigned bits = map[m]; bits != 0; bits &= bits - 1) {
        add_to(acc[8 * m + static_cast<std::size_t>(std::countr_zero(bits))],
               weight * static_cast<double>(load_le<Value>(value)));
        value += sizeof(Value);
      }
    }
  });
}

double floats_bitmap(const Incoming& message) {
  return static_cast<double>(count_values(message, kHeader + (message.dim + 7) / 8));
}

template void add_dense(const Incoming&, double, MutView);
template void add_dense(const Incoming&, double, MutFloatView);
template void add_nothing(const Incoming&, double, MutView);
template void add_nothing(const Incoming&, double, MutFloatView);
template void add_seeded_subset(const Incoming&, double, MutView);
template void add_seeded_subset(const Incoming&, double, MutFloatView);
template void add_permutation_block(const Incoming&, double, MutView);
template void add_permutation_block(const Incoming&, double, MutFloatView);
template void add_owned(const Incoming&, double, MutView);
template void add_owned(const Incoming&, double, MutFloatView);
template void add_sparse(const Incoming&, double, MutView);
template void add_sparse(const Incoming&, double, MutFloatView);
template void add_bitmap(const Incoming&, double, MutView);
template void add_bitmap(const Incoming&, double, MutFloatView);

}  // namespace laconic
