// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/rng.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <Random123/philox.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "laconic/core/draws.h"

namespace laconic {
namespace {

constexpr std::size_t kWordsPerBlock = 4;

#if defined(__AVX2__)
// Philox on four blocks at once: lane l of word[w] holds word w of block l in its low 32 bits; its high bits
// are arbitrary. Intrinsics, because g++ 12 does not otherwise generate the instruction that matters: the 32
// x 32 -> 64 bit product. On other CPUs Stream::fill computes block by block and gives the same words.
struct FourBlocks {
  __m256i word[4];

  void start(std::uint64_t first, std::uint32_t word2, std::uint32_t word3) {
    word[0] =
        _mm256_add_epi64(_mm256_set1_epi64x(static_cast<long long>(first)), _mm256_setr_epi64x(0, 1, 2, 3));
    word[1] = _mm256_srli_epi64(word[0], 32);
    word[2] = _mm256_set1_epi64x(word2);
    word[3] = _mm256_set1_epi64x(word3);
  }

  void round(__m256i key0, __m256i key1) {
    const __m256i product0 = _mm256_mul_epu32(word[0], _mm256_set1_epi64x(PHILOX_M4x32_0));
    const __m256i product1 = _mm256_mul_epu32(word[2], _mm256_set1_epi64x(PHILOX_M4x32_1));
    word[0] = _mm256_xor_si256(_mm256_srli_epi64(product1, 32), _mm256_xor_si256(word[1], key0));
    word[1] = product1;
    word[2] = _mm256_xor_si256(_mm256_srli_epi64(product0, 32), _mm256_xor_si256(word[3], key1));
    word[3] = product0;
  }

  /// out[0..15] = the four blocks in order.
  void store(std::uint32_t* out) const {
    const auto pair = [](__m256i low, __m256i high) {
      return _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0b10101010);
    };
    const __m256i front = pair(word[0], word[1]);  // words 0 and 1 of blocks 0, 1, 2, 3
    const __m256i back = pair(word[2], word[3]);
    const __m256i even = _mm256_unpacklo_epi64(front, back);  // blocks 0 and 2
    const __m256i odd = _mm256_unpackhi_epi64(front, back);   // blocks 1 and 3
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8), _mm256_permute2x128_si256(even, odd, 0x31));
  }
};

/// out = blocks first .. first + 4 sets - 1. With several sets of four blocks, the multiplications of one set
/// hide the latency of the others.
template <std::size_t sets>
void philox_blocks(const Stream::Block& address, std::uint64_t first, std::uint32_t* out) {
  FourBlocks set[sets];
  for (std::size_t s = 0; s < sets; ++s) set[s].start(first + 4 * s, address[2], address[3]);
  std::uint32_t key0 = address[0];
  std::uint32_t key1 = address[1];
#pragma GCC unroll 10
  for (int round = 0; round < PHILOX4x32_DEFAULT_ROUNDS; ++round) {
    const __m256i k0 = _mm256_set1_epi64x(key0);
    const __m256i k1 = _mm256_set1_epi64x(key1);
#pragma GCC unroll 4
    for (std::size_t s = 0; s < sets; ++s) set[s].round(k0, k1);
    key0 += PHILOX_W32_0;
    key1 += PHILOX_W32_1;
  }
  for (std::size_t s = 0; s < sets; ++s) set[s].store(out + 4 * kWordsPerBlock * s);
}
#endif

}  // namespace

Stream Key::stream(Purpose purpose) const {
  // One Philox block maps the address to 128 bits that select the stream. In practice no two addresses
  // collide.
  const r123::Philox4x32::ctr_type address{
      {round, client, step, (copy << 8) | static_cast<std::uint32_t>(purpose)}};
  const r123::Philox4x32::key_type key{
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const auto out = r123::Philox4x32{}(address, key);
  return Stream({out[0], out[1], out[2], out[3]});
}

Stream::Block Stream::block(std::uint64_t b) const {
  const r123::Philox4x32::ctr_type counter{
      {static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(b >> 32), address_[2], address_[3]}};
  const auto out = r123::Philox4x32{}(counter, {{address_[0], address_[1]}});
  return {out[0], out[1], out[2], out[3]};
}

void Stream::fill(std::uint64_t first, std::span<std::uint32_t> words) const {
  std::size_t w = 0;
#if defined(__AVX2__)
  for (; w + 16 * kWordsPerBlock <= words.size(); w += 16 * kWordsPerBlock, first += 16) {
    philox_blocks<4>(address_, first, words.data() + w);
  }
  for (; w + 4 * kWordsPerBlock <= words.size(); w += 4 * kWordsPerBlock, first += 4) {
    philox_blocks<1>(address_, first, words.data() + w);
  }
#endif
  for (; w < words.size(); w += kWordsPerBlock, ++first) {
    const Block b = block(first);
    std::copy_n(b.begin(), std::min(kWordsPerBlock, words.size() - w), words.data() + w);
  }
}

std::uint32_t Stream::next32() {
  if (used_ == ready_.size()) {
    ready_ = block(next_block_++);
    used_ = 0;
  }
  return ready_[used_++];
}

std::uint64_t Stream::next64() {
  const std::uint64_t low = next32();
  return low | (static_cast<std::uint64_t>(next32()) << 32);
}

double Stream::uniform() { return draw_uniform(*this); }

std::uint64_t Stream::below(std::uint64_t n) { return draw_below(*this, n); }

void draw_distinct(Stream& stream, std::size_t n, std::size_t count, std::vector<std::uint32_t>& drawn) {
  drawn.resize(count);
  draw_distinct(stream, n, drawn);
}

void fill_normal(Stream stream, std::span<double> x) {
  for (std::size_t j = 0; j < x.size(); j += 2) {
    const double radius = std::sqrt(-2 * std::log(1 - stream.uniform()));
    const double angle = 2 * std::numbers::pi * stream.uniform();
    x[j] = radius * std::cos(angle);
    if (j + 1 < x.size()) x[j + 1] = radius * std::sin(angle);
  }
}

}  // namespace laconic
