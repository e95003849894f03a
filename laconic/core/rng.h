// SPDX-License-Identifier: Apache-2.0
// Randomness is addressed, not consumed: a draw is a pure function of (seed, round, worker, step, copy,
// purpose). Whoever asks, in whatever order, on whatever thread or rank, gets the same numbers. So a coin
// that everybody must share costs no message, RandK need not send its indices, and "the same minibatch at x
// and at the previous x" is asking twice. The generator is Philox4x32-10 (Salmon et al., SC 2011) from
// Random123.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace laconic {

/// What a draw is for; draws for unlike purposes at one address are independent. The numbers are part of
/// every result: append, never reorder.
enum class Purpose : std::uint8_t {
  compressor = 0,     // a worker's own compressor: supports, rounding
  coin = 1,           // a decision all workers share (MARINA's c_k)
  permutation = 2,    // PermK's shared permutation
  batch = 3,          // a worker's minibatch
  split = 4,          // which row goes to which client
  participation = 5,  // who takes part
  data = 6,           // rows that are drawn, not read
  start = 7,          // the point from which a run starts
  graph = 8,          // who hears whom, where that is drawn
  noise = 9,          // what a look at a gradient adds to it
  probe = 10,         // the random signs of Hutchinson's estimator
  allocation = 11,    // who holds which shards, where several hold the same
  straggler = 12,     // who answers too late
  epoch = 13,         // what a run draws after it has lost clients
};

class Stream;

/// The address of a draw.
struct Key {
  std::uint64_t seed = 0;
  std::uint32_t round = 0;
  std::uint32_t worker = 0;
  std::uint32_t step = 0;  // local step inside the round
  std::uint32_t copy = 0;  // a worker drawn twice in one round speaks twice; below 2^24

  static constexpr std::uint32_t kEveryone = 0xffffffff;

  /// The address of what all workers of this round share.
  [[nodiscard]] Key common() const { return {seed, round, kEveryone, 0, 0}; }
  [[nodiscard]] Stream stream(Purpose purpose) const;
};

/// The random words at one address: 2^64 blocks of four 32-bit words each, readable in order (next32 and its
/// relatives) or anywhere (block, fill). A small value: copying it copies the position.
class Stream {
 public:
  using Block = std::array<std::uint32_t, 4>;

  explicit Stream(const Block& address) : address_(address) {}

  /// Words 4b .. 4b+3 of the stream.
  [[nodiscard]] Block block(std::uint64_t b) const;
  /// words = the stream from block `first` on; about four times faster than block by block when long.
  void fill(std::uint64_t first, std::span<std::uint32_t> words) const;

  std::uint32_t next32();
  std::uint64_t next64();
  /// Uniform on [0, 1), 53 bits.
  double uniform();
  /// Uniform on {0, .., n-1}, exactly (rejection); n >= 1.
  std::uint64_t below(std::uint64_t n);

 private:
  Block address_;  // the Philox key, and the upper half of its counter
  Block ready_{};
  std::uint64_t next_block_ = 0;
  unsigned used_ = 4;
};

/// drawn = `count` different numbers of 0 .. n-1, ascending, each set of them as likely as any other (Floyd's
/// algorithm; nothing is drawn where all are wanted). count <= n < 2^32. A draw costs a move of those behind
/// it.
void draw_distinct(Stream& stream, std::size_t n, std::size_t count, std::vector<std::uint32_t>& drawn);

/// x = independent N(0, 1), by the transform of Box and Muller (1958): two uniforms a pair of entries. Uses
/// libm, so that unlike CPUs agree to rounding only.
void fill_normal(Stream stream, std::span<double> x);

}  // namespace laconic
