// SPDX-License-Identifier: Apache-2.0
#include "laconic/message/subset.h"

#include <algorithm>
#include <array>
#include <bit>

#include "laconic/core/error.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

/// Uniform draws from {0, .., dim-1}, computed from the stream's words in order.
class Draws {
 public:
  Draws(const Stream& stream, std::size_t dim)
      : stream_(stream), dim_(dim), threshold_(static_cast<std::uint32_t>((std::uint64_t{1} << 32) % dim)) {}

  /// Calls take(draw) for each draw in the next `count` words.
  template <class Take>
  void next(std::size_t count, Take&& take) {
    while (count > 0) {
      if (used_ == held_) refill(count);
      const std::size_t end = used_ + std::min(count, held_ - used_);
      count -= end - used_;
      for (; used_ < end; ++used_) {
        const std::uint64_t product = words_[used_] * dim_;
        if (static_cast<std::uint32_t>(product) < threshold_) [[unlikely]]
          continue;
        take(static_cast<std::uint32_t>(product >> 32));
      }
    }
  }

 private:
  static constexpr std::size_t kWords = 256;

  void refill(std::size_t count) {
    // About `count` words, in whole blocks, and a few more because draws repeat.
    held_ = std::min(kWords, (count + count / 8 + 4) / 4 * 4);
    stream_.fill(next_block_, std::span(words_).first(held_));
    next_block_ += held_ / 4;
    used_ = 0;
  }

  const Stream& stream_;
  std::uint64_t dim_;
  std::uint32_t threshold_;
  std::array<std::uint32_t, kWords> words_;  // NOLINT: filled before it is read
  std::size_t used_ = 0;
  std::size_t held_ = 0;
  std::uint64_t next_block_ = 0;
};

/// For few draws from many numbers: sort the draws, and draw again to replace duplicates.
void draw_sorted(Draws& draws, std::size_t count, std::vector<std::uint32_t>& support) {
  support.clear();
  // Never draws more than are missing, so that the last draw is the one that completes the subset, as in the
  // bitmap.
  while (support.size() < count) {
    draws.next(count - support.size(), [&](std::uint32_t draw) { support.push_back(draw); });
    std::sort(support.begin(), support.end());
    support.erase(std::unique(support.begin(), support.end()), support.end());
  }
}

void draw_in_bitmap(Draws& draws, std::size_t count, std::size_t dim, bool complement,
                    std::vector<std::uint32_t>& support) {
  // Kept between calls, because a fresh bitmap would cost page faults. All zero between calls.
  thread_local std::vector<std::uint64_t> bitmap;
  const std::size_t words = (dim + 63) / 64;
  if (bitmap.size() < words) bitmap.resize(words);
  // Always writes at least four indices per word, valid or not, to avoid unpredictable branches.
  constexpr std::size_t kAtOnce = 4;
  support.resize(count + kAtOnce);  // resized before marking: nothing may throw between marking and clearing

  std::uint64_t* const marks = bitmap.data();
  std::size_t missing = complement ? dim - count : count;
  while (missing > 0) {
    draws.next(missing, [marks, &missing](std::uint32_t draw) {
      std::uint64_t& mark = marks[draw / 64];
      const std::uint64_t bit = std::uint64_t{1} << (draw % 64);
      missing -= (mark & bit) == 0 ? 1 : 0;
      mark |= bit;
    });
  }

  std::uint32_t* out = support.data();
  const std::uint64_t flip = complement ? ~std::uint64_t{0} : 0;
  for (std::size_t w = 0; w < words; ++w) {
    std::uint64_t word = marks[w] ^ flip;
    marks[w] = 0;
    if (w + 1 == words && dim % 64 != 0) word &= ~std::uint64_t{0} >> (64 - dim % 64);
    const auto base = static_cast<std::uint32_t>(64 * w);
    const int found = std::popcount(word);
    std::uint32_t* at = out;
    out += found;
    do {
      for (std::size_t i = 0; i < kAtOnce; ++i) {
        *at++ = base + static_cast<std::uint32_t>(std::countr_zero(word));
        word &= word - 1;
      }
    } while (word != 0);
  }
  support.resize(count);
}

}  // namespace

void draw_subset(const Stream& stream, std::size_t count, std::size_t dim,
                 std::vector<std::uint32_t>& support) {
  check(count <= dim && dim < kDimLimit, "draw_subset needs count <= dim < 2^32");
  if (count == 0) return support.clear();
  Draws draws(stream, dim);
  const bool complement = count > dim - count;
  // The choice compares a pass over dim/64 words with sorting count numbers, each at about 64 times the cost
  // of a word.
  if (!complement && count < dim / 4096) {
    draw_sorted(draws, count, support);
  } else {
    draw_in_bitmap(draws, count, dim, complement, support);
  }
}

}  // namespace laconic
