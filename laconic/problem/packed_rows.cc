// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/packed_rows.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "laconic/core/error.h"
#include "laconic/problem/used_columns.h"

namespace laconic {
namespace {

constexpr std::size_t kMostLetters = 60000;     // one more number is for padding
constexpr std::size_t kLeastSaved = 24;         // letters that a pair of letters must save
constexpr std::size_t kMostSymbols = 3500;      // letters and pairs: the table stays in L1
constexpr std::size_t kDenseFewestValues = 64;  // with fewer values, letters are as fast
constexpr double kDenseShare = 0.25;  // fraction of rows with an entry in a column that is stored densely

using Lanes = double __attribute__((vector_size(32)));

Lanes load(const double* from) {
  Lanes v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ (hash >> 29);
}

std::uint64_t bits(double value) {
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

}  // namespace

class PackedRows::Builder {
 public:
  Builder(const SparseRows& rows, std::size_t columns, View targets)
      : rows_(rows), targets_(targets), used_(used_columns(rows.column, columns)) {}

  std::optional<PackedRows> build() {
    merge_equal_rows();
    find_dense_columns();
    if (!number_letters()) return {};
    PackedRows packed;
    packed.pairs_ = join_letters();
    sort_by_length();
    packed.letters_ = std::move(letters_);
    lay_out_rows(packed);
    lay_out_lists(packed);
    lay_out_dense(packed);
    return packed;
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

  void lay_out_rows(PackedRows& packed) const {
    packed.rows_ = round_up(distinct_.size(), kGroup);
    packed.target_.assign(packed.rows_, 0);
    packed.weight_.assign(packed.rows_, 0);
    packed.group_begin_.push_back(0);
    const auto padding = static_cast<std::uint16_t>(packed.symbols());
    for (std::size_t first = 0; first < packed.rows_; first += kGroup) {
      const std::size_t end = std::min(first + kGroup, distinct_.size());
      const std::size_t length = distinct_[end - 1].letters.size();
      const std::size_t begin = packed.row_letters_.size();
      packed.row_letters_.resize(begin + length * kGroup, padding);
      for (std::size_t i = first; i < end; ++i) {
        const Distinct& d = distinct_[i];
        packed.target_[i] = targets_[d.row];
        packed.weight_[i] = d.weight;
        for (std::size_t k = 0; k < d.letters.size(); ++k) {
          packed.row_letters_[begin + k * kGroup + (i - first)] = d.letters[k];
        }
      }
      packed.group_begin_.push_back(static_cast<std::uint32_t>(packed.row_letters_.size()));
    }
  }

  void lay_out_lists(PackedRows& packed) const {
    packed.list_begin_.push_back(0);
    for (std::size_t first = 0; first < distinct_.size(); first += kTile) {
      const std::size_t end = std::min(first + kTile, distinct_.size());
      std::vector<std::vector<std::uint16_t>> lists(packed.symbols());
      for (std::size_t i = first; i < end; ++i) {
        for (const std::uint16_t letter : distinct_[i].letters) {
          lists[letter].push_back(static_cast<std::uint16_t>(i - first));
        }
      }
      for (const auto& list : lists) {
        packed.list_rows_.insert(packed.list_rows_.end(), list.begin(), list.end());
        packed.list_begin_.push_back(static_cast<std::uint32_t>(packed.list_rows_.size()));
      }
    }
  }

  void lay_out_dense(PackedRows& packed) const {
    std::vector<std::size_t> place(used_.columns.size(), 0);
    for (std::size_t c = 0; c < place.size(); ++c) {
      if (!is_dense_[c]) continue;
      place[c] = packed.dense_columns_.size();
      packed.dense_columns_.push_back(used_.columns[c]);
    }
    const std::size_t width = packed.dense_columns_.size();
    packed.dense_.assign(round_up(packed.rows_, kBlock) * width, 0);
    for (std::size_t i = 0; i < distinct_.size(); ++i) {
      const std::size_t row = distinct_[i].row;
      double* block = packed.dense_.data() + i / kBlock * kBlock * width;
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
  std::vector<Letter> letters_;
};

std::optional<PackedRows> PackedRows::pack(const SparseRows& rows, std::size_t columns, View targets) {
  check(rows.begin.size() == targets.size() + 1 && !targets.empty(), "PackedRows needs one target a row");
  return Builder(rows, columns, targets).build();
}

void PackedRows::fill_table(View x, double* table) const {
  for (std::size_t s = 0; s < letters_.size(); ++s) table[s] = letters_[s].value * x[letters_[s].column];
  double* joined = table + letters_.size();
  for (const LetterPair pair : pairs_) *joined++ = table[pair.first] + table[pair.second];
  *joined = 0;  // padding
}

/// The transpose of fill_table(): the sum of a pair is added to both of its letters, and the sum of a letter
/// to its column.
void PackedRows::empty_table(double* table, MutView g) const {
  for (std::size_t k = pairs_.size(); k-- > 0;) {
    const double sum = table[letters_.size() + k];
    table[pairs_[k].first] += sum;
    table[pairs_[k].second] += sum;
  }
  for (std::size_t s = 0; s < letters_.size(); ++s) g[letters_[s].column] += letters_[s].value * table[s];
}

void PackedRows::multiply_letters(std::size_t first_group, std::size_t groups, const double* table,
                                  double* margin) const {
  for (std::size_t k = first_group; k < first_group + groups; ++k, margin += kGroup) {
    const std::uint16_t* letter = row_letters_.data() + group_begin_[k];
    const std::uint16_t* const end = row_letters_.data() + group_begin_[k + 1];
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    for (; letter != end; letter += kGroup) {
      s0 += table[letter[0]];
      s1 += table[letter[1]];
      s2 += table[letter[2]];
      s3 += table[letter[3]];
      s4 += table[letter[4]];
      s5 += table[letter[5]];
      s6 += table[letter[6]];
      s7 += table[letter[7]];
    }
    const double sums[kGroup] = {s0, s1, s2, s3, s4, s5, s6, s7};
    std::memcpy(margin, sums, sizeof sums);
  }
}

void PackedRows::multiply_dense(std::size_t block, std::size_t rows, View x, double* margin) const {
  const std::size_t width = dense_columns_.size();
  const double* column = dense_.data() + block * kBlock * width;
  for (std::size_t c = 0; c < width; ++c, column += kBlock) {
    const double weight = x[dense_columns_[c]];
    for (std::size_t i = 0; i < rows; ++i) margin[i] += weight * column[i];
  }
}

void PackedRows::transpose_dense(std::size_t block, std::size_t rows, const double* coefficient,
                                 MutView g) const {
  const std::size_t width = dense_columns_.size();
  const double* column = dense_.data() + block * kBlock * width;
  for (std::size_t c = 0; c < width; ++c, column += kBlock) {
    Lanes a{}, b{};
    for (std::size_t i = 0; i < rows; i += kGroup) {
      a += load(column + i) * load(coefficient + i);
      b += load(column + i + 4) * load(coefficient + i + 4);
    }
    a += b;
    g[dense_columns_[c]] += (a[0] + a[2]) + (a[1] + a[3]);
  }
}

void PackedRows::transpose_letters(std::size_t tile, const double* coefficient, double* sums) const {
  const std::uint32_t* begin = list_begin_.data() + tile * symbols();
  for (std::size_t s = 0; s < symbols(); ++s) {
    const std::uint16_t* row = list_rows_.data() + begin[s];
    const std::uint16_t* const end = list_rows_.data() + begin[s + 1];
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (; end - row >= 4; row += 4) {
      s0 += coefficient[row[0]];
      s1 += coefficient[row[1]];
      s2 += coefficient[row[2]];
      s3 += coefficient[row[3]];
    }
    for (; row != end; ++row) s0 += coefficient[*row];
    sums[s] += (s0 + s1) + (s2 + s3);
  }
}

template <class Link>
void PackedRows::sweep(View x, MutView g, Link link) const {
  // Each thread computes thousands of gradients, so it keeps its scratch.
  thread_local std::vector<double> table, sums, coefficient;
  table.resize(std::max(table.size(), symbols() + 1));
  sums.assign(symbols(), 0);
  coefficient.resize(std::max(coefficient.size(), std::min(kTile, rows_)));

  fill_table(x, table.data());
  for (std::size_t tile = 0; tile < rows_; tile += kTile) {
    const std::size_t tile_end = std::min(tile + kTile, rows_);
    for (std::size_t first = tile; first < tile_end; first += kBlock) {
      const std::size_t count = std::min(kBlock, tile_end - first);
      double* margin = coefficient.data() + (first - tile);
      multiply_letters(first / kGroup, count / kGroup, table.data(), margin);
      multiply_dense(first / kBlock, count, x, margin);
      link(first, count, margin);
      transpose_dense(first / kBlock, count, margin, g);
    }
    transpose_letters(tile / kTile, coefficient.data(), sums.data());
  }
  empty_table(sums.data(), g);
}

LossSums PackedRows::add_gradient(Loss loss, View x, MutView g) const {
  LossSums total;
  sweep(x, g, [&](std::size_t first, std::size_t count, double* margin) {
    const LossSums part = apply_loss(loss, count, target_.data() + first, weight_.data() + first, margin);
    total.value += part.value;
    total.correct += part.correct;
  });
  return total;
}

void PackedRows::add_gram(View v, MutView out) const {
  sweep(v, out, [&](std::size_t first, std::size_t count, double* margin) {
    for (std::size_t i = 0; i < count; ++i) margin[i] *= static_cast<double>(weight_[first + i]);
  });
}

}  // namespace laconic
