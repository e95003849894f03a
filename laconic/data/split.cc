// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/split.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"

namespace laconic {
namespace {

using Order = std::vector<std::uint32_t>;

Order file_order(const SplitInput& input) {
  Order order(input.labels.size());
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  return order;
}

/// floor(N/n) rows for each client, in order; the last N mod n rows of the order are dropped.
Shards equal_blocks(const Order& order, std::size_t clients) {
  const auto share = static_cast<std::ptrdiff_t>(order.size() / clients);
  Shards shards;
  for (auto first = order.begin(); shards.size() < clients; first += share)
    shards.emplace_back(first, first + share);
  return shards;
}

Shards deal_contiguous(Arguments& /*arguments*/, const SplitInput& input) {
  return equal_blocks(file_order(input), input.clients);
}

Shards deal_shuffled(Arguments& /*arguments*/, const SplitInput& input) {
  Order order = file_order(input);
  Stream stream = Key{.seed = input.seed}.stream(Purpose::split);
  for (std::size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1], order[stream.below(left)]);
  return equal_blocks(order, input.clients);
}

Shards deal_by_label(Arguments& /*arguments*/, const SplitInput& input) {
  Order order = file_order(input);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return input.labels[a] < input.labels[b]; });
  return equal_blocks(order, input.clients);
}

constexpr Split kSplits[] = {
    {"contiguous", "contiguous", "equal blocks of rows in file order", deal_contiguous},
    {"shuffled", "shuffled", "equal blocks of rows permuted by split-seed", deal_shuffled},
    {"by-label", "by-label", "equal blocks of rows sorted by label: clients as unlike as can be",
     deal_by_label},
};

}  // namespace

std::span<const Split> splits() { return kSplits; }

Shards split_rows(const Spec& split, const std::vector<double>& labels, std::size_t clients,
                  std::uint64_t split_seed) {
  const Split& row = row_named(split, "split", splits());
  Arguments arguments(split);
  if (labels.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw InputError(fmt::format("{} rows; need fewer than 2^32", labels.size()));
  }
  if (clients < 1) throw InputError("clients = 0; need clients >= 1");
  if (clients > labels.size()) {
    throw InputError(
        fmt::format("clients = {}; need clients <= {}, the rows of the data", clients, labels.size()));
  }
  Shards shards = row.deal(arguments, {labels, clients, split_seed});
  arguments.done();
  return shards;
}

}  // namespace laconic
