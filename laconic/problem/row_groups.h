// SPDX-License-Identifier: Apache-2.0
// Rows of data in groups, for code between HWY_BEFORE_NAMESPACE() and HWY_AFTER_NAMESPACE() of .cc files
// (targets.h): the columns in which one of the rows of a group is not 0, and the entries of all its rows in
// them. Images are in groups of several rows, which have most of their zeros in common. Sparse rows are
// alone.
#include "laconic/core/targets.h"  // which includes this file for each target

#if defined(LACONIC_PROBLEM_ROW_GROUPS_H) == defined(HWY_TARGET_TOGGLE)  // included once for each target
#ifdef LACONIC_PROBLEM_ROW_GROUPS_H
#undef LACONIC_PROBLEM_ROW_GROUPS_H
#else
#define LACONIC_PROBLEM_ROW_GROUPS_H
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#if HWY_TARGET == HWY_AVX3
#include <immintrin.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {

/// Groups of G rows. The entries of a group are side by side, their columns ascend, and an entry of column
/// kEndOfGroup follows them. Entry e of row g of its group is value[g][e].
template <std::size_t G, class Real>
struct RowGroups {
  static constexpr std::size_t kRows = G;
  const std::uint32_t* column;
  const Real* value[G];
  const std::size_t* begin;  // of each group: its first entry
  std::size_t groups, columns;
};
inline constexpr std::uint32_t kEndOfGroup = 0xffffffff;

inline constexpr std::size_t kGroup = 4;          // rows of images
inline constexpr std::size_t kSpareEntries = 16;  // room after the last entry

/// Writes the columns in which one of the rows has a pixel that is not 0, and the features in them. Returns
/// their number.
template <class Real>
std::size_t entries_of_pixels(const std::array<const std::uint8_t*, kGroup>& row, std::size_t columns,
                              std::uint32_t* column, const std::array<Real*, kGroup>& value) {
  constexpr auto kUnit = Real(1 / 255.0);
  std::size_t n = 0;
#if HWY_TARGET == HWY_AVX3
  __m512i numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (std::size_t j = 0; j < columns; j += 16) {
    const auto present = static_cast<__mmask16>(columns - j < 16 ? (1U << (columns - j)) - 1 : 0xffff);
    __m128i bytes[kGroup], any = _mm_setzero_si128();
#pragma GCC unroll 8
    for (std::size_t g = 0; g < kGroup; ++g) {
      bytes[g] = _mm_maskz_loadu_epi8(present, row[g] + j);
      any = _mm_or_si128(any, bytes[g]);
    }
    const __mmask16 nonzero = _mm_test_epi8_mask(any, any);
    _mm512_storeu_si512(column + n, _mm512_maskz_compress_epi32(nonzero, numbers));
#pragma GCC unroll 8
    for (std::size_t g = 0; g < kGroup; ++g) {
      const __m512i pixels = _mm512_maskz_compress_epi32(nonzero, _mm512_cvtepu8_epi32(bytes[g]));
      if constexpr (sizeof(Real) == sizeof(float)) {
        _mm512_storeu_ps(value[g] + n, kUnit * _mm512_cvtepi32_ps(pixels));
      } else {
        _mm512_storeu_pd(value[g] + n, kUnit * _mm512_cvtepi32_pd(_mm512_castsi512_si256(pixels)));
        _mm512_storeu_pd(value[g] + n + 8, kUnit * _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(pixels, 1)));
      }
    }
    n += static_cast<std::size_t>(std::popcount(nonzero));
    numbers = _mm512_add_epi32(numbers, _mm512_set1_epi32(16));
  }
#else
  for (std::size_t j = 0; j < columns; j += 8) {
    std::uint64_t any = 0;
    for (std::size_t g = 0; g < kGroup; ++g) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, row[g] + j, std::min<std::size_t>(8, columns - j));
      any |= eight;
    }
    constexpr std::uint64_t kLow = 0x7f7f7f7f7f7f7f7f;
    std::uint64_t nonzero = (((any & kLow) + kLow) | any) & ~kLow;  // the highest bit of each byte
    for (; nonzero != 0; nonzero &= nonzero - 1) {
      const std::size_t c = j + static_cast<std::size_t>(std::countr_zero(nonzero)) / 8;
      column[n] = static_cast<std::uint32_t>(c);
      for (std::size_t g = 0; g < kGroup; ++g) value[g][n] = kUnit * static_cast<Real>(row[g][c]);
      ++n;
    }
  }
#endif
  return n;
}

/// Reads rows into groups, and keeps the space for them.
template <class Real>
class GroupReader {
 public:
  /// Images of `columns` bytes; image(k) is the k-th. An entry is a pixel / 255.
  template <class Image>
  void read_images(std::size_t count, std::size_t columns, Image image) {
    begin(columns, true);
    black_.resize(columns);
    // The rows of a minibatch are anywhere in memory: ask for them early.
    const auto fetch = [&](std::size_t k) {
      for (std::size_t j = 0; k < count && j < columns; j += 64) __builtin_prefetch(image(k) + j);
    };
    for (std::size_t k = 0; k < kGroup; ++k) fetch(k);
    for (std::size_t k = 0; k < count; k += kGroup) {
      begin_group(columns);
      std::array<const std::uint8_t*, kGroup> row;
      std::array<Real*, kGroup> value;
      for (std::size_t g = 0; g < kGroup; ++g) {
        fetch(k + kGroup + g);
        row[g] = k + g < count ? image(k + g) : black_.data();
        value[g] = value_[g].data() + end_;
      }
      end_ += entries_of_pixels(row, columns, column_.data() + end_, value);
      column_[end_++] = kEndOfGroup;
    }
  }

  /// Sparse rows; for_each(k, entry) calls entry(column, value) for each entry of the k-th, in ascending
  /// order of at most `columns` columns.
  template <class ForEach>
  void read_sparse(std::size_t count, std::size_t columns, ForEach for_each) {
    begin(columns, false);
    for (std::size_t k = 0; k < count; ++k) {
      begin_group(columns);
      for_each(k, [&](std::uint32_t column, double value) {
        column_[end_] = column;
        value_[0][end_++] = static_cast<Real>(value);
      });
      column_[end_++] = kEndOfGroup;
    }
  }

  /// work(groups), with what was read last.
  template <class Work>
  void visit(Work work) const {
    if (images_) {
      work(groups<kGroup>());
    } else {
      work(groups<1>());
    }
  }

 private:
  void begin(std::size_t columns, bool images) {
    columns_ = columns;
    images_ = images;
    begin_.clear();
    end_ = 0;
  }

  void begin_group(std::size_t most_entries) {
    begin_.push_back(end_);
    const std::size_t most = end_ + most_entries + kSpareEntries;
    if (most > column_.size()) column_.resize(2 * most);
    for (std::size_t g = 0; g < (images_ ? kGroup : 1); ++g)
      if (most > value_[g].size()) value_[g].resize(2 * most);
  }

  template <std::size_t G>
  [[nodiscard]] RowGroups<G, Real> groups() const {
    RowGroups<G, Real> groups{column_.data(), {}, begin_.data(), begin_.size(), columns_};
    for (std::size_t g = 0; g < G; ++g) groups.value[g] = value_[g].data();
    return groups;
  }

  std::size_t columns_ = 0;
  bool images_ = false;
  std::vector<std::uint32_t> column_;
  std::array<std::vector<Real>, kGroup> value_;
  std::vector<std::size_t> begin_;   // of each group
  std::size_t end_ = 0;              // of all entries
  std::vector<std::uint8_t> black_;  // an image
};

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
