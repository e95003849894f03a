// SPDX-License-Identifier: Apache-2.0
// Randomness is addressed, not consumed: a draw is a pure function of (seed, round, client, step, copy,
// purpose). It does not depend on the order of calls, the thread or the rank. Therefore a shared coin costs
// no message, RandK need not send its indices, and the same minibatch at x and at the previous x is drawn by
// two calls with the same key. The generator is Philox4x32-10 (Salmon et al., SC 2011) from Random123.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace laconic {

/// The purpose of a draw. Draws for different purposes at one address are independent. The numbers are part
/// of every result: append new ones, never reorder.
enum class Purpose : std::uint8_t {
  compressor = 0,     // a client's own compressor: supports, rounding
  coin = 1,           // a decision that all clients share (MARINA's c_k)
  permutation = 2,    // PermK's shared permutation
  batch = 3,          // a client's minibatch
  split = 4,          // which row goes to which client
  participation = 5,  // participation in a round
  data = 6,           // rows that are generated, not read
  start = 7,          // the point from which a run starts
  graph = 8,          // edges of a random graph
  noise = 9,          // the noise that a gradient query adds
  probe = 10,         // the random signs of Hutchinson's estimator
  allocation = 11,    // allocation of shards to clients, with redundancy
  straggler = 12,     // stragglers
  epoch = 13,         // the draws of a run after it has lost clients
  lie = 14,           // what a lying client sends
  steps = 15,         // the number of local steps of a round
};

class Stream;

/// The address of a draw.
struct Key {
  std::uint64_t seed = 0;
  std::uint32_t round = 0;
  std::uint32_t client = 0;
  std::uint32_t step = 0;  // local step inside the round
  std::uint32_t copy = 0;  // a client drawn twice in one round sends twice; below 2^24

  static constexpr std::uint32_t kEveryone = 0xffffffff;
  static constexpr std::uint32_t kDownlink = 0xffffffff;  // the step of all draws for messages of the server

  /// The address of the draws that all clients of this round share.
  [[nodiscard]] Key common() const { return {seed, round, kEveryone, 0, 0}; }
  [[nodiscard]] Stream stream(Purpose purpose) const;
};

/// The random words at one address: 2^64 blocks of four 32-bit words each. They are read in order (next32 and
/// its relatives) or at any position (block, fill). A small value type: a copy has its own position.
class Stream {
 public:
  using Block = std::array<std::uint32_t, 4>;

  explicit Stream(const Block& address) : address_(address) {}

  /// Words 4b .. 4b+3 of the stream.
  [[nodiscard]] Block block(std::uint64_t b) const;
  /// words = the stream from block `first` on. For long spans about four times faster than calls of block().
  void fill(std::uint64_t first, std::span<std::uint32_t> words) const;

  std::uint32_t next32();
  std::uint64_t next64();
  /// Uniform on [0, 1), 53 bits.
  double uniform();
  /// Uniform on {0, .., n-1}, without bias (rejection); n >= 1.
  std::uint64_t below(std::uint64_t n);

 private:
  Block address_;  // the Philox key, and the upper half of its counter
  Block ready_{};
  std::uint64_t next_block_ = 0;
  unsigned used_ = 4;
};

/// drawn = `count` distinct numbers of 0 .. n-1, ascending; all such sets are equally likely (Floyd's
/// algorithm). If count = n, no random word is used. count <= n < 2^32. Each draw may move the larger numbers
/// drawn before it.
void draw_distinct(Stream& stream, std::size_t n, std::size_t count, std::vector<std::uint32_t>& drawn);

/// x = independent N(0, 1), by the transform of Box and Muller (1958): two uniforms per pair of entries. Uses
/// libm, so different CPUs agree only up to rounding.
void fill_normal(Stream stream, std::span<double> x);

}  // namespace laconic
