// SPDX-License-Identifier: Apache-2.0
// Clustered: values in two bits on a support. A header with their number K; the number of groups and the
// values of each; a shift and four means of each group; then a string of bits: K Golomb-coded gaps, and K
// codes.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/message/formats.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

constexpr std::size_t kNumbers = 5;  // of a group: the shift, and four means
constexpr unsigned kCodeBits = 2;

/// A message with everything checked except its string of bits.
struct GroupLayout {
  std::size_t count = 0;
  std::vector<std::size_t> counts;  // of each group
  std::size_t values = 0;           // where the numbers of the groups begin
  std::size_t string = 0;           // where the string begins
};

/// The returned layout is valid until the next call on this thread.
const GroupLayout& layout_of(const Incoming& message) {
  thread_local GroupLayout layout;  // reused, so that a round does not allocate
  layout.count = message.header_count();
  layout.counts.clear();
  if (layout.count == 0 || layout.count > message.dim)
    message.fail(fmt::format("{} values; need at least 1 and at most {}", layout.count, message.dim));
  std::size_t at = kCountHeader;
  const std::size_t groups = message.read_number(at);
  if (groups == 0 || groups > layout.count)
    message.fail(fmt::format("{} groups; need at least 1 and at most {}", groups, layout.count));
  std::size_t left = layout.count;
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t count = message.read_number(at);
    if (count == 0 || count > left) message.fail(fmt::format("group {} has {} of {} values", g, count, left));
    layout.counts.push_back(count);
    left -= count;
  }
  if (left > 0) message.fail(fmt::format("{} values are in no group", left));
  layout.values = at;
  layout.string = at + groups * kNumbers * bytes_of(message.wire);
  if (message.bytes.size() < layout.string) message.fail("truncated in the numbers of its groups");
  // A gap has a bit at least. So a forged count cannot reserve much memory.
  if (layout.count * (1 + kCodeBits) > 8 * (message.bytes.size() - layout.string))
    message.fail(fmt::format("truncated: {} values do not fit", layout.count));
  return layout;
}

}  // namespace

void write_clustered(Wire wire, std::size_t dim, Indices support, std::span<const std::uint32_t> counts,
                     std::span<const Clusters> clusters, std::span<const std::uint8_t> codes, Message& out) {
  check(!support.empty() && support.size() < kHeaderCountLimit && support.size() <= dim && dim < kDimLimit &&
            codes.size() == support.size() && counts.size() == clusters.size() && !counts.empty(),
        "a clustered message needs as many codes as indices, below 2^24, and the clusters of each group");
  check(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == support.size() &&
            std::all_of(codes.begin(), codes.end(), [](std::uint8_t code) { return code < 4; }),
        "the groups of a clustered message have all of its values, and codes are below 4");
  std::size_t length =
      kCountHeader + number_length(counts.size()) + counts.size() * kNumbers * bytes_of(wire);
  for (const std::uint32_t count : counts) length += number_length(count);
  std::size_t bits = kCodeBits * support.size();
  for_each_gap(dim, support, [&](const GapCode& code, std::uint32_t gap) { bits += code.length(gap); });
  std::uint8_t* to =
      store_count(support.size(), begin_message(Format::clustered, wire, length + (bits + 7) / 8, out));
  to = store_number(counts.size(), to);
  for (const std::uint32_t count : counts) to = store_number(count, to);
  for (const Clusters& group : clusters)
    to = store_values(wire, View(group.mean), store_values(wire, View(&group.shift, 1), to));
  BitWriter writer(to);
  for_each_gap(dim, support, [&](const GapCode& code, std::uint32_t gap) { code.put(writer, gap); });
  for (const std::uint8_t code : codes) writer.put(code, kCodeBits);
  writer.finish();
}

template <class Real>
void add_clustered(const Incoming& message, double weight, std::span<Real> acc) {
  const GroupLayout& layout = layout_of(message);
  thread_local std::vector<std::uint32_t> support;  // reused, so that a round does not allocate
  support.resize(layout.count);
  const auto string = message.bytes.subspan(layout.string);
  BitReader reader(string);
  GapCodes codes(layout.count, message.dim);
  std::uint64_t next = 0;  // the least possible next coordinate
  for (std::size_t i = 0; i < layout.count; ++i) {
    next += codes.next(message.dim - next).get(reader, message.dim);
    if (next >= message.dim || reader.past_end())
      message.fail(fmt::format("index {} is not there or too large", i));
    support[i] = static_cast<std::uint32_t>(next++);
  }
  if ((reader.position() + kCodeBits * layout.count + 7) / 8 != string.size())
    message.fail(fmt::format("{} bytes of indices and codes; need {}", string.size(),
                             (reader.position() + kCodeBits * layout.count + 7) / 8));
  std::size_t i = 0;
  std::size_t at = layout.values;
  const std::size_t width = bytes_of(message.wire);
  for (const std::size_t count : layout.counts) {
    const double shift = message.value_at(at);
    double value[4];
    for (std::size_t c = 0; c < 4; ++c) value[c] = shift + message.value_at(at + (1 + c) * width);
    at += kNumbers * width;
    for (std::size_t end = i + count; i < end; ++i) {
      add_to(acc[support[i]], weight * value[reader.window() & 3]);
      reader.skip(kCodeBits);
    }
  }
  if (reader.window() != 0) message.fail("a padding bit is set");
}

double floats_clustered(const Incoming& message) {
  const GroupLayout& layout = layout_of(message);
  return static_cast<double>(kNumbers * layout.counts.size()) +
         static_cast<double>(kCodeBits * layout.count) / static_cast<double>(8 * bytes_of(message.wire));
}

template void add_clustered(const Incoming&, double, MutView);
template void add_clustered(const Incoming&, double, MutFloatView);

}  // namespace laconic
