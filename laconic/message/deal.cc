// SPDX-License-Identifier: Apache-2.0
#include "laconic/message/deal.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/message/subset.h"

namespace laconic {
namespace {

/// Permutes cards uniformly (Fisher-Yates, from the back) with the stream's words in order.
void shuffle(const Stream& stream, std::span<std::uint32_t> cards) {
  std::array<std::uint32_t, 256> words;  // NOLINT: filled before it is read
  std::size_t used = words.size();
  std::uint64_t next_block = 0;
  for (std::size_t left = cards.size(); left > 1; --left) {
    std::uint64_t product = 0;
    std::uint32_t low = 0;
    do {  // Lemire's exact bounded draw; few words need the remainder
      if (used == words.size()) {
        stream.fill(next_block, words);
        next_block += words.size() / 4;
        used = 0;
      }
      product = words[used++] * std::uint64_t{left};
      low = static_cast<std::uint32_t>(product);
    } while (low < left && low < (std::uint64_t{1} << 32) % left);
    std::swap(cards[left - 1], cards[product >> 32]);
  }
}

/// One round dealt to all clients.
struct Deal {
  std::uint64_t seed = 0;
  std::uint32_t round = 0;
  std::uint32_t step = 0;
  std::size_t dim = 0;
  std::size_t clients = 0;
  std::vector<std::uint32_t> begin;  // client i has coordinates[begin[i]] .. coordinates[begin[i + 1] - 1]
  std::vector<std::uint32_t> coordinates;  // ascending for each client
  std::vector<std::uint32_t> cards, larger;

  [[nodiscard]] bool is(const Key& key, std::size_t d, std::size_t n) const {
    return seed == key.seed && round == key.round && step == key.step && dim == d && clients == n;
  }

  void deal(const Key& key, std::size_t d, std::size_t n) {
    dim = 0;  // marks an incomplete deal as invalid
    const bool one_each = n > d;
    const std::size_t hands = one_each ? d : n;  // the receivers of cards
    const std::size_t deck = one_each ? n : d;
    // The uniform subset of hands that get one card more. It uses a second address of the round: copy 1.
    Key shared = key.common();
    shared.step = key.step;
    const Stream cards_stream = shared.stream(Purpose::permutation);
    shared.copy = 1;
    draw_subset(shared.stream(Purpose::permutation), deck % hands, hands, larger);

    // cards[c] = the hand that receives card c.
    cards.clear();
    auto extra = larger.begin();
    for (std::uint32_t hand = 0; hand < hands; ++hand) {
      const bool has_extra = extra != larger.end() && *extra == hand;
      if (has_extra) ++extra;
      cards.insert(cards.end(), deck / hands + (has_extra ? 1 : 0), hand);
    }
    shuffle(cards_stream, cards);

    begin.assign(n + 1, 0);
    coordinates.resize(deck);
    if (one_each) {  // cards are clients, hands are coordinates
      std::iota(begin.begin(), begin.end(), 0U);
      coordinates = cards;
    } else {  // cards are coordinates, hands are clients: sort the coordinates by client
      for (const std::uint32_t client : cards) ++begin[client + 1];
      std::partial_sum(begin.begin(), begin.end(), begin.begin());
      for (std::uint32_t j = 0; j < d; ++j) coordinates[begin[cards[j]]++] = j;
      std::copy_backward(begin.begin(), begin.end() - 1, begin.end());
      begin[0] = 0;
    }
    seed = key.seed;
    round = key.round;
    step = key.step;
    clients = n;
    dim = d;
  }
};

/// The permutation pi of a round, inverted.
struct Places {
  std::uint64_t seed = 0;
  std::uint32_t round = 0;
  std::vector<std::uint32_t> of_client;  // of_client[pi[p]] = p
  std::vector<std::uint32_t> pi;

  void draw(const Key& key, std::size_t clients) {
    if (seed == key.seed && round == key.round && of_client.size() == clients) return;
    of_client.clear();  // marks incomplete places as invalid
    Stream stream = key.common().stream(Purpose::permutation);
    pi.resize(clients);
    std::iota(pi.begin(), pi.end(), 0U);
    for (std::size_t i = clients - 1; i >= 1; --i) std::swap(pi[i], pi[stream.below(i + 1)]);
    seed = key.seed;
    round = key.round;
    of_client.resize(clients);
    for (std::uint32_t p = 0; p < clients; ++p) of_client[pi[p]] = p;
  }
};

}  // namespace

Indices owned_coordinates(const Key& key, std::size_t dim, std::size_t clients, std::size_t owners) {
  check(owners >= 1 && owners <= clients && clients < kDimLimit && dim < kDimLimit && key.client < clients,
        "owned coordinates need 1 <= owners <= clients < 2^32 and client < clients");
  thread_local Places places;  // a cache, not state
  thread_local std::vector<std::uint32_t> owned;
  places.draw(key, clients);
  // Coordinate k begins at the place `first` = owners k mod clients.
  const std::size_t place = places.of_client[key.client];
  owned.clear();
  std::size_t first = 0;
  for (std::size_t k = 0; k < dim; ++k) {
    const std::size_t behind = place >= first ? place - first : place + clients - first;
    if (behind < owners) owned.push_back(static_cast<std::uint32_t>(k));
    first += owners;
    if (first >= clients) first -= clients;
  }
  return owned;
}

Indices dealt_block(const Key& key, std::size_t dim, std::size_t clients) {
  check(dim >= 1 && clients >= 1 && dim < kDimLimit && clients < kDimLimit,
        "a deal needs 1 <= dim, clients < 2^32");
  check(key.client < clients, "a deal needs client < clients");
  // Only the last deals are kept, so that n clients and the fold deal once: a cache, not state. The two parts
  // of a message have consecutive steps, so each has its own entry.
  thread_local std::array<Deal, 2> deals;
  Deal& deal = deals[key.step % 2];
  if (!deal.is(key, dim, clients)) deal.deal(key, dim, clients);
  return Indices(deal.coordinates)
      .subspan(deal.begin[key.client], deal.begin[key.client + 1] - deal.begin[key.client]);
}

Indices dealt_subset(const Key& key, std::size_t dim, std::size_t clients, std::size_t count) {
  const Indices block = dealt_block(key, dim, clients);
  check(count >= 1 && count <= block.size(), "a client keeps 1 coordinate at least of those it is dealt");
  if (count == block.size()) return block;
  thread_local std::vector<std::uint32_t> kept;  // reused, so that a round does not allocate
  draw_subset(key.stream(Purpose::compressor), count, block.size(), kept);
  for (std::uint32_t& place : kept) place = block[place];
  return kept;
}

}  // namespace laconic
