// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/packed_rows.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "laconic/core/error.h"
#include "laconic/core/round_up.h"
#include "laconic/problem/used_columns.h"

namespace laconic {
namespace {

constexpr std::size_t kMostLetters = 60000;     // one more number is for padding
constexpr std::size_t kLeastSaved = 24;         // letters that a pair of letters must save
constexpr std::size_t kMostSymbols = 3500;      // letters and pairs: the table stays in L1
constexpr std::size_t kDenseFewestValues = 64;  // with fewer values, letters are as fast
constexpr double kDenseShare = 0.25;  // fraction of rows with an entry in a column that is stored densely

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ (hash >> 29);
}

std::uint64_t bits(double value) {
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

}  // namespace

class PackedRows::Builder {
  static constexpr std::size_t kGroup = PackedLayout::kGroup;
  static constexpr std::size_t kBlock = PackedLayout::kBlock;
  static constexpr std::size_t kTile = PackedLayout::kTile;

 public:
  Builder(const SparseRows& rows, std::size_t columns, View targets)
      : rows_(rows), targets_(targets), used_(used_columns(rows.column, columns)) {}

  std::optional<PackedRows> build() {
    merge_equal_rows();
    find_dense_columns();
    if (!number_letters()) return {};
    PackedRows built;
    PackedLayout& packed = built.layout_;
    packed.pairs = join_letters();
    sort_by_length();
    packed.letters = std::move(letters_);
    lay_out_rows(packed);
    lay_out_lists(packed);
    lay_out_dense(packed);
    return built;
  }

 private:
  struct Distinct {
    std::uint32_t row;  // the first of the equal rows
    float weight;
    std::vector<std::uint16_t> letters;
  };

  [[nodiscard]] bool equal(std::size_t a, std::size_t b) const {
    const std::uint64_t length = rows_.begin[a + 1] - rows_.begin[a];
    if (targets_[a] != targets_[b] || length != rows_.begin[b + 1] - rows_.begin[b]) return false;
    for (std::uint64_t k = 0; k < length; ++k) {
      const std::uint64_t p = rows_.begin[a] + k, q = rows_.begin[b] + k;
      if (rows_.column[p] != rows_.column[q] || rows_.value_at(p) != rows_.value_at(q)) return false;
    }
    return true;
  }

  void merge_equal_rows() {
    std::unordered_multimap<std::uint64_t, std::size_t> seen;
    seen.reserve(targets_.size());
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      std::uint64_t hash = mix(1, bits(targets_[i]));
      for (std::uint64_t e = rows_.begin[i]; e < rows_.begin[i + 1]; ++e) {
        hash = mix(mix(hash, rows_.column[e]), bits(rows_.value_at(e)));
      }
      const auto [from, to] = seen.equal_range(hash);
      const auto twin =
          std::find_if(from, to, [&](const auto& s) { return equal(distinct_[s.second].row, i); });
      if (twin != to) {
        distinct_[twin->second].weight += 1;
      } else {
        seen.emplace(hash, distinct_.size());
        distinct_.push_back({static_cast<std::uint32_t>(i), 1, {}});
      }
    }
  }

  void find_dense_columns() {
    const std::size_t columns = used_.columns.size();
    is_dense_.assign(columns, false);
    if (rows_.one_value()) return;
    std::vector<std::uint32_t> count(columns, 0);
    for_each_distinct_entry([&](Distinct&, std::uint32_t column, double) { ++count[column]; });
    for (std::size_t c = 0; c < columns; ++c)
      is_dense_[c] = static_cast<double>(count[c]) >= kDenseShare * static_cast<double>(distinct_.size());
    std::vector<std::vector<double>> values(columns);
    for_each_distinct_entry([&](Distinct&, std::uint32_t column, double value) {
      if (is_dense_[column]) values[column].push_back(value);
    });
    for (std::size_t c = 0; c < columns; ++c) {
      std::vector<double>& v = values[c];
      std::sort(v.begin(), v.end());
      const auto different = static_cast<std::size_t>(std::unique(v.begin(), v.end()) - v.begin());
      is_dense_[c] = different >= kDenseFewestValues;
    }
  }

  bool number_letters() {
    std::vector<std::unordered_map<std::uint64_t, std::uint16_t>> number(used_.columns.size());
    bool fits = true;
    for_each_distinct_entry([&](Distinct& d, std::uint32_t column, double value) {
      if (!fits || is_dense_[column] || value == 0) return;
      const auto [found, is_new] =
          number[column].try_emplace(bits(value), static_cast<std::uint16_t>(letters_.size()));
      if (is_new) {
        fits = letters_.size() < kMostLetters;
        letters_.push_back({used_.columns[column], value});
      }
      d.letters.push_back(found->second);
    });
    return fits;
  }

  std::vector<LetterPair> join_letters() {
    std::vector<Letters> rows;
    rows.reserve(distinct_.size());
    for (Distinct& d : distinct_) rows.push_back(std::move(d.letters));
    auto pairs = join_pairs(rows, letters_.size(), kLeastSaved, kMostSymbols);
    for (std::size_t i = 0; i < distinct_.size(); ++i) distinct_[i].letters = std::move(rows[i]);
    return pairs;
  }

  void sort_by_length() {
    std::stable_sort(distinct_.begin(), distinct_.end(), [](const Distinct& a, const Distinct& b) {
      return a.letters.size() < b.letters.size();
    });
  }

  void lay_out_rows(PackedLayout& packed) const {
    packed.rows = round_up(distinct_.size(), kGroup);
    packed.target.assign(packed.rows, 0);
    packed.weight.assign(packed.rows, 0);
    packed.group_begin.push_back(0);
    const auto padding = static_cast<std::uint16_t>(packed.symbols());
    for (std::size_t first = 0; first < packed.rows; first += kGroup) {
      const std::size_t end = std::min(first + kGroup, distinct_.size());
      const std::size_t length = distinct_[end - 1].letters.size();
      const std::size_t begin = packed.row_letters.size();
      packed.row_letters.resize(begin + length * kGroup, padding);
      for (std::size_t i = first; i < end; ++i) {
        const Distinct& d = distinct_[i];
        packed.target[i] = targets_[d.row];
        packed.weight[i] = d.weight;
        for (std::size_t k = 0; k < d.letters.size(); ++k) {
          packed.row_letters[begin + k * kGroup + (i - first)] = d.letters[k];
        }
      }
      packed.group_begin.push_back(static_cast<std::uint32_t>(packed.row_letters.size()));
    }
  }

  void lay_out_lists(PackedLayout& packed) const {
    packed.list_begin.push_back(0);
    for (std::size_t first = 0; first < distinct_.size(); first += kTile) {
      const std::size_t end = std::min(first + kTile, distinct_.size());
      std::vector<std::vector<std::uint16_t>> lists(packed.symbols());
      for (std::size_t i = first; i < end; ++i) {
        for (const std::uint16_t letter : distinct_[i].letters) {
          lists[letter].push_back(static_cast<std::uint16_t>(i - first));
        }
      }
      for (const auto& list : lists) {
        packed.list_rows.insert(packed.list_rows.end(), list.begin(), list.end());
        packed.list_begin.push_back(static_cast<std::uint32_t>(packed.list_rows.size()));
      }
    }
  }

  void lay_out_dense(PackedLayout& packed) const {
    std::vector<std::size_t> place(used_.columns.size(), 0);
    for (std::size_t c = 0; c < place.size(); ++c) {
      if (!is_dense_[c]) continue;
      place[c] = packed.dense_columns.size();
      packed.dense_columns.push_back(used_.columns[c]);
    }
    const std::size_t width = packed.dense_columns.size();
    packed.dense.assign(round_up(packed.rows, kBlock) * width, 0);
    for (std::size_t i = 0; i < distinct_.size(); ++i) {
      const std::size_t row = distinct_[i].row;
      double* block = packed.dense.data() + i / kBlock * kBlock * width;
      for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e) {
        const std::uint32_t column = used_.place[e];
        if (is_dense_[column]) block[place[column] * kBlock + i % kBlock] = rows_.value_at(e);
      }
    }
  }

  /// Calls entry(row, column, value); column is a position in used_.columns.
  template <class Entry>
  void for_each_distinct_entry(Entry entry) {
    for (Distinct& d : distinct_) {
      for (std::uint64_t e = rows_.begin[d.row]; e < rows_.begin[d.row + 1]; ++e)
        entry(d, used_.place[e], rows_.value_at(e));
    }
  }

  const SparseRows& rows_;
  const View targets_;
  const UsedColumns used_;
  std::vector<Distinct> distinct_;
  std::vector<bool> is_dense_;  // for each used column
  std::vector<PackedLayout::Letter> letters_;
};

std::optional<PackedRows> PackedRows::pack(const SparseRows& rows, std::size_t columns, View targets) {
  check(rows.begin.size() == targets.size() + 1 && !targets.empty(), "PackedRows needs one target a row");
  return Builder(rows, columns, targets).build();
}

}  // namespace laconic
