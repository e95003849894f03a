// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/rng.h"

#include <algorithm>

#include <Random123/philox.h>

namespace laconic {

Stream Key::stream(Purpose purpose) const {
  // One Philox block turns the address into 128 bits that select the stream: no two addresses meet in
  // practice.
  const r123::Philox4x32::ctr_type address{
      {round, worker, step, (copy << 8) | static_cast<std::uint32_t>(purpose)}};
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
  for (std::size_t w = 0; w < words.size(); w += 4, ++first) {
    const Block b = block(first);
    std::copy_n(b.begin(), std::min<std::size_t>(4, words.size() - w),
                words.begin() + static_cast<std::ptrdiff_t>(w));
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

double Stream::uniform() { return static_cast<double>(next64() >> 11) * 0x1p-53; }

std::uint64_t Stream::below(std::uint64_t n) {
  // Lemire, "Fast random integer generation in an interval" (2019): the high half of a product, rejecting the
  // few low halves that would favour small results.
  __uint128_t product = static_cast<__uint128_t>(next64()) * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t threshold = -n % n;
    while (static_cast<std::uint64_t>(product) < threshold) product = static_cast<__uint128_t>(next64()) * n;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace laconic
