// SPDX-License-Identifier: Apache-2.0
// Draws from random words, for any reader of a stream (core/rng.h) with next64(): the same words give the
// same draws.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <tuple>
#include <vector>

#include "laconic/core/rng.h"

namespace laconic {

/// Stream::uniform()
template <class Words>
double draw_uniform(Words& words) {
  return static_cast<double>(words.next64() >> 11) * 0x1p-53;
}

/// Stream::below()
template <class Words>
std::uint64_t draw_below(Words& words, std::uint64_t n) {
  // Lemire, "Fast random integer generation in an interval" (2019): the high half of a product. The few low
  // halves that would favour small results are rejected.
  __uint128_t product = static_cast<__uint128_t>(words.next64()) * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t threshold = -n % n;
    while (static_cast<std::uint64_t>(product) < threshold)
      product = static_cast<__uint128_t>(words.next64()) * n;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

/// draw_distinct() of few numbers of many. Each draw moves the larger numbers drawn before it.
template <class Words>
void draw_distinct_sorted(Words& words, std::size_t n, std::span<std::uint32_t> drawn) {
  auto end = drawn.begin();
  for (std::size_t j = n - drawn.size(); j < n; ++j, ++end) {
    const auto any = static_cast<std::uint32_t>(draw_below(words, j + 1));
    const auto at = std::lower_bound(drawn.begin(), end, any);
    if (at != end && *at == any) {
      *end = static_cast<std::uint32_t>(j);
    } else {
      std::copy_backward(at, end, end + 1);
      *at = any;
    }
  }
}

/// draw_distinct() of core/rng.h. Without duplicates to look for, O(count) where a bitmap of n bits is short.
template <class Words>
void draw_distinct(Words& words, std::size_t n, std::span<std::uint32_t> drawn) {
  constexpr std::size_t kBits = 64;
  constexpr std::size_t kPerDraw = 8;  // so many words of the bitmap cost about as much as a draw
  if (drawn.size() == n) return std::iota(drawn.begin(), drawn.end(), std::uint32_t{0});
  if (n / kBits > kPerDraw * drawn.size()) return draw_distinct_sorted(words, n, drawn);
  thread_local std::vector<std::uint64_t> taken;
  taken.assign(n / kBits + 1, 0);
  for (std::size_t j = n - drawn.size(); j < n; ++j) {
    const std::size_t any = draw_below(words, j + 1);
    const std::size_t number = (taken[any / kBits] >> any % kBits & 1) != 0 ? j : any;
    taken[number / kBits] |= std::uint64_t{1} << number % kBits;
  }
  auto next = drawn.begin();
  for (std::size_t w = 0; w < taken.size(); ++w) {
    for (std::uint64_t left = taken[w]; left != 0; left &= left - 1)
      *next++ = static_cast<std::uint32_t>(kBits * w + static_cast<std::size_t>(std::countr_zero(left)));
  }
}

/// Reads the words of a stream from its first one on, many at a time: several times faster than a Stream
/// where tens of words or more are read.
class LongReader {
 public:
  explicit LongReader(const Stream& stream) : stream_(stream) {}

  std::uint64_t next64() {
    if (used_ == words_.size()) {
      stream_.fill(next_block_, words_);
      next_block_ += words_.size() / std::tuple_size_v<Stream::Block>;
      used_ = 0;
    }
    const std::uint64_t low = words_[used_];
    const std::uint64_t high = words_[used_ + 1];
    used_ += 2;
    return low | high << 32;
  }

 private:
  Stream stream_;
  std::array<std::uint32_t, 64> words_;  // NOLINT: filled before it is read
  std::size_t used_ = words_.size();
  std::uint64_t next_block_ = 0;
};

}  // namespace laconic
