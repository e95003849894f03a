// SPDX-License-Identifier: Apache-2.0
// Collects messages: each participating client sends some vectors, and the server adds them up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/participation/participation.h"
#include "laconic/rounds/ledger.h"
#include "laconic/transport/fleet.h"

namespace laconic {

class Collector {
 public:
  /// For this number of clients, which send at most `parts` vectors each.
  Collector(std::size_t clients, std::size_t parts) : boards_(parts, Board(clients)), counted_(parts) {}

  /// sums[p] += sum of weight * (part p of a client's message), in ascending order of clients. speak(said)
  /// runs on the rank that owns the client, on any thread. It writes said[p]->message by said[p]->key for
  /// each p, and the number of gradients it computed in said[0]->envelope.calls. If it returns false, a value
  /// is not finite, and Diverged is thrown on all ranks. The keys are those of `round` with the client as
  /// client and first_part + p as step. The ledger counts each message as a participant: callers with several
  /// parts must correct ledger.participants.
  template <class Speak>
  void collect(Fleet& fleet, const Key& round, std::uint32_t first_part, const std::vector<Share>& shares,
               std::span<const MutView> sums, Ledger& ledger, Speak&& speak) {
    for (SignCount& counted : counted_) counted.clear();  // an exception may have left a partial sum
    collect(fleet, round, first_part, shares, sums.size(), sums[0].size(), ledger, speak,
            [&](std::size_t p, Board& board) { fleet.fold(board, counted_[p], sums[p]); });
    for (std::size_t p = 0; p < sums.size(); ++p) fleet.settle(counted_[p], sums[p]);
  }

  /// The same for vectors of length `dim`, but calls hear(p, board) with part p of the messages, in ascending
  /// order of clients, some clients at a time. Collective.
  template <class Speak, class Hear>
  void collect(Fleet& fleet, const Key& round, std::uint32_t first_part, const std::vector<Share>& shares,
               std::size_t parts, std::size_t dim, Ledger& ledger, Speak&& speak, Hear&& hear) {
    const std::size_t window = fleet.window(shares.size(), parts * dim);
    for (std::size_t first = 0; first < shares.size(); first += window) {
      for (std::size_t p = 0; p < parts; ++p) {
        boards_[p].clear();
        for (std::size_t s = first; s < std::min(first + window, shares.size()); ++s) {
          boards_[p].add({.seed = round.seed,
                          .round = round.round,
                          .client = shares[s].client,
                          .step = first_part + static_cast<std::uint32_t>(p),
                          .copy = shares[s].copy},
                         shares[s].weight);
        }
      }
      fleet.for_each(fleet.owned(boards_[0]), [&](std::size_t e) {
        thread_local std::vector<Entry*> said;
        said.clear();
        for (std::size_t p = 0; p < parts; ++p) said.push_back(&boards_[p][e]);
        said[0]->envelope.finite = speak(std::span<Entry* const>(said));
        if (!said[0]->envelope.finite) return;
        for (Entry* each : said) each->envelope.describe(each->message, dim);
      });
      for (std::size_t p = 0; p < parts; ++p) fleet.share(boards_[p]);
      for (std::size_t e = 0; e < boards_[0].size(); ++e) {
        if (!boards_[0][e].envelope.finite)
          throw Diverged(fmt::format("diverged: a local step is not finite in round {}", round.round));
        for (std::size_t p = 0; p < parts; ++p) ledger.hear(boards_[p][e]);
      }
      for (std::size_t p = 0; p < parts; ++p) hear(p, boards_[p]);
    }
  }

 private:
  std::vector<Board> boards_;
  std::vector<SignCount> counted_;  // one for each part
};

}  // namespace laconic
