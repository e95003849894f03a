// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/split.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"
#include "laconic/data/classes.h"

namespace laconic {
namespace {

using Order = std::vector<std::uint32_t>;

Order file_order(const SplitInput& input) {
  Order order(input.labels.size());
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  return order;
}

/// floor(N/n) rows for each of n parts, in order, without the last N mod n rows of the order.
Shards equal_blocks(const Order& order, std::size_t parts) {
  const auto share = static_cast<std::ptrdiff_t>(order.size() / parts);
  Shards shards;
  for (auto first = order.begin(); shards.size() < parts; first += share)
    shards.emplace_back(first, first + share);
  return shards;
}

/// Gives the last `count` rows of the order, fewer than there are clients, to the first clients, one each.
void spread(const Order& order, std::size_t count, Shards& shards) {
  for (std::size_t client = 0; client < count; ++client)
    shards[client].push_back(order[order.size() - count + client]);
}

Shards equal_shares(const Order& order, const SplitInput& input) {
  Shards shards = equal_blocks(order, input.clients);
  if (input.spreads_rest) spread(order, order.size() % input.clients, shards);
  return shards;
}

Shards deal_contiguous(Arguments& /*arguments*/, const SplitInput& input) {
  return equal_shares(file_order(input), input);
}

Order shuffled_order(const SplitInput& input) {
  Order order = file_order(input);
  Stream stream = Key{.seed = input.seed}.stream(Purpose::split);
  for (std::size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1], order[stream.below(left)]);
  return order;
}

Shards deal_shuffled(Arguments& /*arguments*/, const SplitInput& input) {
  return equal_shares(shuffled_order(input), input);
}

/// The method of 3PC's autoencoders: the shuffled rows are divided into n + 1 equal parts D_0 .. D_n. Client
/// i = 1 .. n holds D_0 with probability p, independently of the others, else D_i. The random draws do not
/// depend on p: a client that holds D_0 for one p also does so for any larger p.
Shards share_part(double p, const SplitInput& input) {
  if (input.clients >= input.labels.size()) {
    throw InputError(fmt::format("clients = {}; need clients < {}, the rows of the data, for a part to share",
                                 input.clients, input.labels.size()));
  }
  const Order order = shuffled_order(input);
  Shards parts = equal_blocks(order, input.clients + 1);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const Key key{.seed = input.seed, .client = static_cast<std::uint32_t>(i - 1), .step = 1};
    if (key.stream(Purpose::split).uniform() < p) parts[i] = parts[0];
  }
  parts.erase(parts.begin());
  if (input.spreads_rest) spread(order, order.size() % (input.clients + 1), parts);
  return parts;
}

Shards deal_overlap(Arguments& arguments, const SplitInput& input) {
  const double p =
      arguments.required_number_in("p", kShare, 0, "its probability is missing, as in overlap(0.5)");
  return share_part(p, input);
}

Shards deal_homogeneous(Arguments& /*arguments*/, const SplitInput& input) { return share_part(1, input); }

Shards deal_by_label(Arguments& /*arguments*/, const SplitInput& input) {
  Order order = file_order(input);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return input.labels[a] < input.labels[b]; });
  return equal_shares(order, input);
}

Classes classes_for(const Arguments& arguments, const SplitInput& input) {
  std::optional<Classes> classes = classes_of(input.labels);
  if (!classes) {
    arguments.fail(fmt::format("the rows have more than {} distinct labels; need classes", kMostClasses));
  }
  return std::move(*classes);
}

/// The rows of each class, in the given order.
std::vector<Order> by_class(const Order& order, const Classes& classes) {
  std::vector<Order> rows(classes.labels.size());
  for (const std::uint32_t row : order) rows[classes.of_row[row]].push_back(row);
  return rows;
}

/// Gives rows, the last one first, to the clients in turn, one row each, for `rounds` rounds or until no row
/// is left.
void give_in_turns(Order& rows, const std::vector<std::size_t>& clients, std::size_t rounds, Shards& shards) {
  for (std::size_t round = 0; round < rounds; ++round) {
    for (const std::size_t client : clients) {
      if (rows.empty()) return;
      shards[client].push_back(rows.back());
      rows.pop_back();
    }
  }
}

/// The rows of the order that are in no shard.
Order untaken(const Order& order, const Shards& shards) {
  std::vector<bool> taken(order.size());
  for (const auto& shard : shards)
    for (const std::uint32_t row : shard) taken[row] = true;
  Order left;
  std::copy_if(order.begin(), order.end(), std::back_inserter(left),
               [&](std::uint32_t row) { return !taken[row]; });
  return left;
}

/// Fills all shards to floor(N/n) rows with the rows of the order that are in no shard yet, and spreads the
/// rest if the split does.
void fill_up(const Order& order, const SplitInput& input, Shards& shards) {
  const std::size_t share = order.size() / input.clients;
  const Order left = untaken(order, shards);
  auto next = left.begin();
  for (auto& shard : shards) {
    while (shard.size() < share) shard.push_back(*next++);
  }
  if (input.spreads_rest) spread(left, order.size() % input.clients, shards);
}

Shards deal_main_class(Arguments& arguments, const SplitInput& input) {
  const double q = arguments.required_number_in(
      "q", kPositive, 0, "the share of its main class is missing, as in main-class(0.5)");
  const Classes classes = classes_for(arguments, input);
  const std::size_t count = classes.labels.size();
  if (!(q >= 1 / static_cast<double>(count) && q <= 1))
    arguments.fail(fmt::format("q = {}; need 1/{} <= q <= 1 of {} classes", q, count, count));

  const std::size_t share = input.labels.size() / input.clients;
  const auto of_main = static_cast<std::size_t>(std::floor(q * static_cast<double>(share) + 0.5));
  const std::size_t others = std::max<std::size_t>(count - 1, 1);
  const std::size_t of_each_other = (share - of_main) / others;
  const std::size_t uneven = (share - of_main) % others;  // number of classes that give one row more

  const Order order = shuffled_order(input);
  std::vector<Order> rows = by_class(order, classes);
  Shards shards(input.clients);
  for (std::size_t c = 0; c < count; ++c) {
    std::vector<std::size_t> mains;
    std::vector<std::size_t> rest;
    // clients of `rest` with at most `uneven` classes from their main class to c
    std::vector<std::size_t> one_more;
    for (std::size_t client = 0; client < input.clients; ++client) {
      const std::size_t after_main = (c + count - client % count) % count;
      (after_main == 0 ? mains : rest).push_back(client);
      if (after_main >= 1 && after_main <= uneven) one_more.push_back(client);
    }
    give_in_turns(rows[c], mains, of_main, shards);
    give_in_turns(rows[c], rest, of_each_other, shards);
    give_in_turns(rows[c], one_more, 1, shards);
  }
  fill_up(order, input, shards);
  return shards;
}

/// A random class with rows left, with probability proportional to its weight.
std::size_t draw_class(std::span<const double> weights, const std::vector<Order>& rows, Stream& stream) {
  double total = 0;
  for (std::size_t c = 0; c < weights.size(); ++c)
    if (!rows[c].empty()) total += weights[c];
  double left = stream.uniform() * total;
  std::size_t drawn = 0;
  for (std::size_t c = 0; c < weights.size(); ++c) {
    if (rows[c].empty()) continue;
    drawn = c;  // if rounding leaves a remainder, the last class is drawn
    if (left < weights[c]) break;
    left -= weights[c];
  }
  return drawn;
}

Shards deal_dirichlet(Arguments& arguments, const SplitInput& input) {
  // With a larger a, even a billion rows of a client would not distinguish its shares from those of all rows.
  const Interval concentrations{.low = 0, .high = 1e9, .includes_high = true};
  const double a = arguments.required_number_in("a", concentrations, 0,
                                                "its concentration is missing, as in dirichlet(0.3)");
  const Classes classes = classes_for(arguments, input);
  const std::size_t count = classes.labels.size();
  const Order order = shuffled_order(input);
  std::vector<Order> rows = by_class(order, classes);

  std::vector<double> weights(input.clients * count);  // clients x classes: a C p, plus one for each row held
  const double scale = a * static_cast<double>(count) / static_cast<double>(input.labels.size());
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = scale * static_cast<double>(rows[i % count].size());

  Shards shards(input.clients);
  Stream stream = Key{.seed = input.seed, .step = 2}.stream(Purpose::split);
  for (std::size_t left = input.labels.size() / input.clients; left > 0; --left) {
    for (std::size_t client = 0; client < input.clients; ++client) {
      const std::span<double> own = std::span(weights).subspan(client * count, count);
      const std::size_t c = draw_class(own, rows, stream);
      shards[client].push_back(rows[c].back());
      rows[c].pop_back();
      own[c] += 1;
    }
  }
  fill_up(order, input, shards);
  return shards;
}

constexpr Split kSplits[] = {
    {"contiguous", "contiguous", "equal blocks of rows in file order", deal_contiguous},
    {"shuffled", "shuffled", "equal blocks of rows permuted by split-seed", deal_shuffled},
    {"by-label", "by-label", "equal blocks of rows sorted by label: clients as heterogeneous as possible",
     deal_by_label},
    {"overlap", "overlap(P)",
     "n + 1 equal blocks of permuted rows: with probability P a client holds the first, else one of its own",
     deal_overlap},
    {"homogeneous", "homogeneous", "overlap(1): all clients hold the same rows, 1/(n + 1) of them all",
     deal_homogeneous},
    {"main-class", "main-class(Q)",
     "a share Q of a client's rows is of one class, the rest of all others alike, where there are so many; "
     "1/classes <= Q <= 1",
     deal_main_class},
    {"dirichlet", "dirichlet(A)",
     "classes in proportions drawn for each client: one class where A is small, alike where it is large",
     deal_dirichlet},
};

}  // namespace

std::span<const Split> splits() { return kSplits; }

std::vector<std::uint32_t> rows_of(const Shards& shards, const IndexSet& some) {
  std::vector<std::uint32_t> rows;
  for (const std::size_t i : some) rows.insert(rows.end(), shards[i].begin(), shards[i].end());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

std::size_t count_left_out(const Shards& shards, std::size_t rows) {
  std::vector<bool> taken(rows);
  for (const auto& shard : shards)
    for (const std::uint32_t row : shard) taken[row] = true;
  return static_cast<std::size_t>(std::count(taken.begin(), taken.end(), false));
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
  const bool spreads = arguments.choice("rest", {"drop", "spread"}, "drop") == "spread";
  Shards shards = row.deal(arguments, {labels, clients, split_seed, spreads});
  arguments.done();
  return shards;
}

}  // namespace laconic
