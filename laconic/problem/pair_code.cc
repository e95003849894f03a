// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/pair_code.h"

#include <algorithm>

namespace laconic {
namespace {

constexpr std::uint32_t kNoPair = 0xffffffff;  // a pair of letters 65535, which is not a letter

std::uint32_t key_of(std::uint16_t first, std::uint16_t second) {
  return static_cast<std::uint32_t>(first) << 16 | second;
}

/// A map from pairs of letters to numbers, in one flat array: std::unordered_map takes six times as long
/// here.
class PairTable {
 public:
  struct Slot {
    std::uint32_t key = kNoPair;
    std::uint32_t value = 0;
  };

  explicit PairTable(std::size_t most_keys) {
    std::size_t size = 16;
    while (size < 2 * most_keys) size *= 2;
    slots_.resize(size);
  }

  /// The slot of the key, or the free slot where it would be inserted.
  Slot& slot(std::uint32_t key) {
    std::size_t at = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    for (;; ++at) {
      Slot& s = slots_[at & (slots_.size() - 1)];
      if (s.key == key || s.key == kNoPair) return s;
    }
  }

  [[nodiscard]] const std::vector<Slot>& slots() const { return slots_; }

 private:
  std::vector<Slot> slots_;
};

/// Puts frequent letters first in each row, so that letters that occur together are often neighbours.
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

PairTable count_neighbours(const std::vector<Letters>& rows) {
  std::size_t neighbours = 0;
  for (const Letters& row : rows) neighbours += row.size();
  PairTable counts(neighbours);
  for (const Letters& row : rows) {
    for (std::size_t k = 1; k < row.size(); ++k) {
      const std::uint32_t key = key_of(row[k - 1], row[k]);
      PairTable::Slot& slot = counts.slot(key);
      slot.key = key;
      ++slot.value;
    }
  }
  return counts;
}

/// The most frequent pairs, best first: those at least a third as frequent as the best. (The classic
/// algorithm takes one pair at a time, which is too slow. Much rarer pairs are better counted again after
/// these are replaced.)
std::vector<PairTable::Slot> most_frequent(const PairTable& counts, std::size_t least) {
  std::uint32_t best = 0;
  for (const auto& slot : counts.slots()) best = std::max(best, slot.value);
  std::vector<PairTable::Slot> chosen;
  for (const auto& slot : counts.slots()) {
    if (slot.value >= least && slot.value >= best / 3) chosen.push_back(slot);
  }
  std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) {
    return a.value != b.value ? a.value > b.value : a.key < b.key;
  });
  return chosen;
}

/// Left to right. Where two chosen pairs overlap, the more frequent one is replaced, which has the smaller
/// number.
void replace(Letters& row, PairTable& numbers) {
  const auto number_at = [&](std::size_t k) {
    if (k + 1 >= row.size()) return kNoPair;
    const PairTable::Slot& slot = numbers.slot(key_of(row[k], row[k + 1]));
    return slot.key == kNoPair ? kNoPair : slot.value;
  };
  std::size_t out = 0;
  std::uint32_t here = number_at(0);
  for (std::size_t k = 0; k < row.size();) {
    const std::uint32_t next = number_at(k + 1);  // reads ahead of `out`
    if (here != kNoPair && here <= next) {
      row[out++] = static_cast<std::uint16_t>(here);
      k += 2;
      here = number_at(k);
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
    PairTable numbers(chosen.size());
    for (const auto& [key, count] : chosen) {
      numbers.slot(key) = {key, static_cast<std::uint32_t>(letters + pairs.size())};
      pairs.push_back({static_cast<std::uint16_t>(key >> 16), static_cast<std::uint16_t>(key & 0xffff)});
    }
    for (Letters& row : rows) replace(row, numbers);
  }
  return pairs;
}

}  // namespace laconic
