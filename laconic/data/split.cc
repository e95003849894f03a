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

Order shuffled_order(const SplitInput& input) {
  Order order = file_order(input);
  Stream stream = Key{.seed = input.seed}.stream(Purpose::split);
  for (std::size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1], order[stream.below(left)]);
  return order;
}

Shards deal_shuffled(Arguments& /*arguments*/, const SplitInput& input) {
  return equal_blocks(shuffled_order(input), input.clients);
}

/// The recipe of 3PC's autoencoders: n + 1 equal parts of the shuffled rows, D_0 .. D_n. Client i = 1 .. n
/// holds D_0 with probability p, whatever the others do, else D_i. The draws do not know of p: who shares at
/// one p does so at any larger.
Shards share_part(double p, const SplitInput& input) {
  if (input.clients >= input.labels.size()) {
    throw InputError(fmt::format("clients = {}; need clients < {}, the rows of the data, for a part to share",
                                 input.clients, input.labels.size()));
  }
  Shards parts = equal_blocks(shuffled_order(input), input.clients + 1);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const Key key{.seed = input.seed, .worker = static_cast<std::uint32_t>(i - 1), .step = 1};
    if (key.stream(Purpose::split).uniform() < p) parts[i] = parts[0];
  }
  parts.erase(parts.begin());
  return parts;
}

Shards deal_overlap(Arguments& arguments, const SplitInput& input) {
  const auto p = arguments.number("p", std::size_t{0});
  if (!p) {
    arguments.done();
    arguments.fail("its probability is missing, as in overlap(0.5)");
  }
  if (!(*p >= 0 && *p <= 1)) arguments.fail(fmt::format("p = {}; need 0 <= p <= 1", *p));
  return share_part(*p, input);
}

Shards deal_homogeneous(Arguments& /*arguments*/, const SplitInput& input) { return share_part(1, input); }

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
    {"overlap", "overlap(P)",
     "n + 1 equal blocks of permuted rows: with probability P a client holds the first, else one of its own",
     deal_overlap},
    {"homogeneous", "homogeneous", "overlap(1): all clients hold the same rows, 1/(n + 1) of them all",
     deal_homogeneous},
};

}  // namespace

std::span<const Split> splits() { return kSplits; }

std::vector<std::uint32_t> rows_of(const Shards& shards, Range some) {
  std::vector<std::uint32_t> rows;
  for (std::size_t i = some.begin; i < some.end; ++i)
    rows.insert(rows.end(), shards[i].begin(), shards[i].end());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

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
