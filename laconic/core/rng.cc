// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/rng.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <Random123/philox.h>

#include "laconic/core/draws.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/core/rng.cc"
#include "laconic/core/targets.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

constexpr std::size_t kWordsPerBlock = 4;

#if HWY_TARGET != HWY_SCALAR
namespace hn = hwy::HWY_NAMESPACE;
constexpr hn::ScalableTag<std::uint64_t> kWide;
constexpr hn::RepartitionToNarrow<decltype(kWide)> kNarrow;
using Words = hn::Vec<decltype(kWide)>;
constexpr std::size_t kBlocks = hn::MaxLanes(kWide);  // of a vector

/// The products of the low halves.
Words product(Words a, std::uint32_t b) { return hn::MulEven(hn::BitCast(kNarrow, a), hn::Set(kNarrow, b)); }

/// The low halves of a and b, those of a first.
Words pairs_of(Words a, Words b) {
  return hn::BitCast(kWide, hn::OddEven(hn::BitCast(kNarrow, hn::ShiftLeft<32>(b)), hn::BitCast(kNarrow, a)));
}

/// Philox on `sets` vectors of blocks: out = the blocks from `first` on. Lane l of word[w] holds word w of a
/// block in its low half; its high half is arbitrary. The multiplications of one set hide the latency of the
/// others.
template <std::size_t sets>
void philox_blocks(const Stream::Block& address, std::uint64_t first, std::uint32_t* out) {
  Words word[sets][kWordsPerBlock];
  for (std::size_t s = 0; s < sets; ++s) {
    word[s][0] = hn::Iota(kWide, first + kBlocks * s);
    word[s][1] = hn::ShiftRight<32>(word[s][0]);
    word[s][2] = hn::Set(kWide, address[2]);
    word[s][3] = hn::Set(kWide, address[3]);
  }
  std::uint32_t key0 = address[0];
  std::uint32_t key1 = address[1];
#pragma GCC unroll 10
  for (int round = 0; round < PHILOX4x32_DEFAULT_ROUNDS; ++round) {
#pragma GCC unroll 4
    for (auto& w : word) {
      const Words product0 = product(w[0], PHILOX_M4x32_0);
      const Words product1 = product(w[2], PHILOX_M4x32_1);
      w[0] = hn::Xor(hn::ShiftRight<32>(product1), hn::Xor(w[1], hn::Set(kWide, key0)));
      w[1] = product1;
      w[2] = hn::Xor(hn::ShiftRight<32>(product0), hn::Xor(w[3], hn::Set(kWide, key1)));
      w[3] = product0;
    }
    key0 += PHILOX_W32_0;
    key1 += PHILOX_W32_1;
  }
  for (const auto& w : word) {
    hn::StoreInterleaved2(pairs_of(w[0], w[1]), pairs_of(w[2], w[3]), kWide,
                          reinterpret_cast<std::uint64_t*>(out));
    out += kBlocks * kWordsPerBlock;
  }
}
#endif

}  // namespace

/// Fills `words` from block `first` on, as far as whole vectors of blocks reach. Returns the number of words
/// filled.
std::size_t fill_vectors([[maybe_unused]] const Stream::Block& address, [[maybe_unused]] std::uint64_t first,
                         [[maybe_unused]] std::span<std::uint32_t> words) {
  std::size_t w = 0;
#if HWY_TARGET != HWY_SCALAR
  constexpr std::size_t kVector = kBlocks * kWordsPerBlock;
  for (; w + 4 * kVector <= words.size(); w += 4 * kVector, first += 4 * kBlocks)
    philox_blocks<4>(address, first, words.data() + w);
  for (; w + kVector <= words.size(); w += kVector, first += kBlocks)
    philox_blocks<1>(address, first, words.data() + w);
#endif
  return w;
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

using HWY_NAMESPACE::kWordsPerBlock;

HWY_EXPORT(fill_vectors);

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
  const std::size_t filled = HWY_DYNAMIC_DISPATCH(fill_vectors)(address_, first, words);
  first += filled / kWordsPerBlock;
  for (std::size_t w = filled; w < words.size(); w += kWordsPerBlock, ++first) {
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
#endif
