// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/pair_code.h"

#include <algorithm>
#include <unordered_map>

namespace laconic {
namespace {

using Counts = std::unordered_map<std::uint32_t, std::uint32_t>;

std::uint32_t key_of(std::uint16_t first, std::uint16_t second) {
  return static_cast<std::uint32_t>(first) << 16 | second;
}

/// Puts frequent letters first in each row, so that those found together are often neighbours.
void sort_by_frequency(std::vector<Letters>& rows, std::size_t letters) {
  std::vector<std::uint32_t> frequency(letters, 0);
  for (const Letters& row : rows) {
    for (const std::uint16_t letter : row) ++frequency[letter];
  }
  for (Letters& row : rows) {
    std::stable_sort(row.begin(), row.end(),
                     [&](std::uint16_t a, std::uint16_t b) { return frequency[a] > frequency[b]; });
  }
}

Counts count_neighbours(const std::vector<Letters>& rows) {
  Counts counts;
  for (const Letters& row : rows) {
    for (std::size_t k = 1; k < row.size(); ++k) ++counts[key_of(row[k - 1], row[k])];
  }
  return counts;
}

/// The most frequent pairs, best first: those at least half as frequent as the best. (One at a time would be
/// the classic algorithm, and too slow; far rarer ones are better counted again once these are replaced.)
std::vector<std::pair<std::uint32_t, std::uint32_t>> most_frequent(const Counts& counts, std::size_t least) {
  std::uint32_t best = 0;
  for (const auto& [key, count] : counts) best = std::max(best, count);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> chosen;
  for (const auto& [key, count] : counts) {
    if (count >= least && count >= best / 2) chosen.emplace_back(count, key);
  }
  std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  return chosen;
}

/// Left to right; where two chosen pairs overlap, the more frequent one, which has the smaller number, is
/// replaced.
void replace(Letters& row, const std::unordered_map<std::uint32_t, std::uint16_t>& number) {
  const auto number_at = [&](std::size_t k) -> std::uint32_t {
    if (k + 1 >= row.size()) return 0xffffffff;
    const auto found = number.find(key_of(row[k], row[k + 1]));
    return found == number.end() ? 0xffffffff : found->second;
  };
  std::size_t out = 0;
  std::uint32_t here = number_at(0);
  for (std::size_t k = 0; k < row.size();) {
    const std::uint32_t next = number_at(k + 1);
    if (here != 0xffffffff && here <= next) {
      here = number_at(k + 2);  // before the row changes: out <= k
      const std::uint32_t joined = number.at(key_of(row[k], row[k + 1]));
      row[out++] = static_cast<std::uint16_t>(joined);
      k += 2;
    } else {
      row[out++] = row[k++];
      here = next;
    }
  }
  row.resize(out);
}

}  // namespace

std::vector<LetterPair> join_pairs(std::vector<Letters>& rows, std::size_t letters, std::size_t least,
                                   std::size_t most) {
  std::vector<LetterPair> pairs;
  sort_by_frequency(rows, letters);
  while (letters + pairs.size() < most) {
    auto chosen = most_frequent(count_neighbours(rows), least);
    if (chosen.empty()) break;
    chosen.resize(std::min(chosen.size(), most - letters - pairs.size()));
    std::unordered_map<std::uint32_t, std::uint16_t> number;
    for (const auto& [count, key] : chosen) {
      number.emplace(key, static_cast<std::uint16_t>(letters + pairs.size()));
      pairs.push_back({static_cast<std::uint16_t>(key >> 16), static_cast<std::uint16_t>(key & 0xffff)});
    }
    for (Letters& row : rows) replace(row, number);
  }
  return pairs;
}

}  // namespace laconic
