// SPDX-License-Identifier: Apache-2.0
// Bits in bytes, lowest bit first, and Rice's code for the gaps between sorted indices.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace laconic {

static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);

/// A number of the wire: little-endian on every machine. T is an unsigned integer, float or double.
template <class T>
void store_le(T value, std::uint8_t* to) {
  std::memcpy(to, &value, sizeof(T));
  if constexpr (std::endian::native == std::endian::big) {
    for (std::size_t b = 0; b < sizeof(T) / 2; ++b) std::swap(to[b], to[sizeof(T) - 1 - b]);
  }
}

template <class T>
T load_le(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  if constexpr (std::endian::native == std::endian::big) {
    std::uint8_t bytes[sizeof(T)];
    store_le(value, bytes);
    std::memcpy(&value, bytes, sizeof(T));
  }
  return value;
}

/// Appends bits to a buffer that the caller has made large enough. finish() must be called last.
class BitWriter {
 public:
  explicit BitWriter(std::uint8_t* to) : to_(to) {}

  /// The low `count` <= 32 bits of `bits`; those above must be zero.
  void put(std::uint64_t bits, unsigned count) {
    held_ |= bits << held_count_;
    held_count_ += count;
    if (held_count_ < 32) return;
    store_le(static_cast<std::uint32_t>(held_), to_);
    to_ += 4;
    held_ >>= 32;
    held_count_ -= 32;
  }

  /// Pads with zero bits to a whole byte; returns the first byte not written.
  std::uint8_t* finish() {
    for (unsigned written = 0; written < held_count_; written += 8) {
      *to_++ = static_cast<std::uint8_t>(held_);
      held_ >>= 8;
    }
    return to_;
  }

 private:
  std::uint8_t* to_;
  std::uint64_t held_ = 0;
  unsigned held_count_ = 0;  // < 32 between calls
};

/// Reads bits anywhere; beyond the end it sees zeros, and never touches memory there.
class BitReader {
 public:
  static constexpr unsigned kWindow = 57;  // bits of window() that count, at least

  explicit BitReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  /// The next bits, the first lowest.
  [[nodiscard]] std::uint64_t window() const {
    const std::size_t byte = position_ / 8;
    if (byte + 8 <= bytes_.size()) return load_le<std::uint64_t>(bytes_.data() + byte) >> (position_ % 8);
    std::uint64_t bits = 0;
    for (std::size_t b = byte; b < bytes_.size(); ++b) bits |= std::uint64_t{bytes_[b]} << (8 * (b - byte));
    return bits >> (position_ % 8);
  }
  void skip(unsigned count) { position_ += count; }
  /// Bits read so far; more than 8 * bytes when the reader ran past the end.
  [[nodiscard]] std::size_t position() const { return position_; }
  [[nodiscard]] bool past_end() const { return position_ > 8 * bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t position_ = 0;
};

/// Rice's code writes a gap as its high part gap >> b in unary (that many zeros, then a one) and its b low
/// bits plainly. This is the best b for a uniform `count`-subset of 0 .. dim-1, by Gallager and van Voorhis
/// (1975): gaps have the mean m = (dim - count)/(count + 1), so a geometric law of ratio q = m/(m + 1), and b
/// is the least with q^(2^b) <= (sqrt(5) - 1)/2. Products only, no logarithm: both ends must find the same b.
inline unsigned rice_parameter(std::size_t count, std::size_t dim) {
  double power = static_cast<double>(dim - count) / static_cast<double>(dim + 1);
  unsigned b = 0;
  for (; power > 0.6180339887498949; ++b) power *= power;
  return b;
}

/// Bits of one gap.
constexpr std::uint64_t rice_bits(std::uint64_t gap, unsigned b) { return (gap >> b) + 1 + b; }

inline void put_rice(BitWriter& writer, std::uint64_t gap, unsigned b) {
  std::uint64_t zeros = gap >> b;
  for (; zeros > 31; zeros -= 31) writer.put(0, 31);
  const unsigned high = static_cast<unsigned>(zeros);
  const std::uint64_t low = gap & ((std::uint64_t{1} << b) - 1);
  if (high + 1 + b <= 32) {
    writer.put((low << 1 | 1) << high, high + 1 + b);
  } else {
    writer.put(std::uint64_t{1} << high, high + 1);
    writer.put(low, b);
  }
}

/// The next gap, or a number >= `limit` (at most 2^33) when the bits say no gap below it; b <= 32.
inline std::uint64_t get_rice(BitReader& reader, unsigned b, std::uint64_t limit) {
  std::uint64_t zeros = 0;
  std::uint64_t window = reader.window();
  while ((window << (64 - BitReader::kWindow)) == 0) {  // a long run of zeros, or the end
    zeros += BitReader::kWindow;
    reader.skip(BitReader::kWindow);
    if (reader.past_end() || zeros > limit) return limit;
    window = reader.window();
  }
  const unsigned run = static_cast<unsigned>(std::countr_zero(window));
  zeros += run;
  if (zeros > limit) return limit;
  if (run + 1 + b <= BitReader::kWindow) {
    window >>= run + 1;
    reader.skip(run + 1 + b);
  } else {
    reader.skip(run + 1);
    window = reader.window();
    reader.skip(b);
  }
  return zeros << b | (window & ((std::uint64_t{1} << b) - 1));
}

}  // namespace laconic
