// SPDX-License-Identifier: Apache-2.0
// Bit streams in bytes, lowest bit first, and Golomb's code for the gaps between sorted indices.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace laconic {

static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);

/// Stores a number of the wire format: little-endian on every machine. T is an unsigned integer, float or
/// double.
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

/// Appends bits to a buffer, which the caller has made large enough. finish() must be called last.
class BitWriter {
 public:
  explicit BitWriter(std::uint8_t* to) : to_(to) {}

  /// Appends the low `count` <= 32 bits of `bits`; the higher bits must be zero.
  void put(std::uint64_t bits, unsigned count) {
    held_ |= bits << held_count_;
    held_count_ += count;
    if (held_count_ < 32) return;
    store_le(static_cast<std::uint32_t>(held_), to_);
    to_ += 4;
    held_ >>= 32;
    held_count_ -= 32;
  }

  /// Pads with zero bits to a whole byte. Returns a pointer just past the last byte written.
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

/// Reads bits at any position. Beyond the end it returns zeros and never reads memory there.
class BitReader {
 public:
  static constexpr unsigned kWindow = 57;  // the least number of valid bits in window()

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
  /// Number of bits read so far; more than 8 * bytes if the reader ran past the end.
  [[nodiscard]] std::size_t position() const { return position_; }
  [[nodiscard]] bool past_end() const { return position_ > 8 * bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t position_ = 0;
};

/// Golomb's code with modulus m. A gap is written as gap / m in unary (that many zeros, then a one), then the
/// remainder in floor(log2 m) bits or, for large remainders, one more.
class GapCode {
 public:
  /// The best modulus for the first gap of a uniform `count`-subset of `dim` positions, count <= dim < 2^32.
  /// Such gaps are close to a geometric distribution with success probability p = (count + 1)/(dim + 1).
  /// Gallager and van Voorhis (1975) give m = ceil(-log(2 - p)/log(1 - p)); this code uses its expansion ln
  /// 2/p - (ln 2 + 1)/2. It avoids the logarithm because both ends must compute the same m.
  constexpr GapCode(std::size_t count, std::size_t dim) {
    const double inverse_p = static_cast<double>(dim + 1) / static_cast<double>(count + 1);
    const double m = 0.6931471805599453 * inverse_p - 0.8465735902799727;
    modulus_ = m <= 1 ? 1 : static_cast<std::uint32_t>(m) + 1;  // rounded up
    bits_ = static_cast<unsigned>(std::bit_width(modulus_)) - 1;
    spare_ = static_cast<std::uint32_t>((std::uint64_t{2} << bits_) - modulus_);
  }

  [[nodiscard]] std::size_t length(std::uint32_t gap) const {
    return gap / modulus_ + 1 + bits_ + (gap % modulus_ >= spare_ ? 1 : 0);
  }
  /// length(0), which no other gap is shorter than.
  [[nodiscard]] std::size_t least_length() const { return 1 + bits_; }

  void put(BitWriter& writer, std::uint32_t gap) const {
    std::uint32_t zeros = gap / modulus_;
    const std::uint32_t remainder = gap % modulus_;
    for (; zeros > 31; zeros -= 31) writer.put(0, 31);
    // Remainders below spare_ have bits_ bits. The others form pairs: both members of a pair have the same
    // bits_ bits and differ in one further bit.
    const bool longer = remainder >= spare_;
    const std::uint64_t paired = std::uint64_t{remainder} + spare_;
    const std::uint64_t low = longer ? paired >> 1 | (paired & 1) << bits_ : remainder;
    const unsigned low_bits = bits_ + (longer ? 1 : 0);
    if (zeros + 1 + low_bits <= 32) {
      writer.put((low << 1 | 1) << zeros, zeros + 1 + low_bits);
    } else {
      writer.put(std::uint64_t{1} << zeros, zeros + 1);
      writer.put(low, low_bits);
    }
  }

  /// The next gap. Returns a value >= limit (limit < 2^32) if the bits do not encode a smaller gap.
  std::uint64_t get(BitReader& reader, std::uint64_t limit) const {
    std::uint64_t zeros = 0;
    std::uint64_t window = reader.window();
    while (window << (64 - BitReader::kWindow) == 0) {  // a long run of zeros, or the end
      zeros += BitReader::kWindow;
      reader.skip(BitReader::kWindow);
      if (reader.past_end() || zeros > limit) return limit;
      window = reader.window();
    }
    const unsigned run = static_cast<unsigned>(std::countr_zero(window));
    zeros += run;
    if (zeros > limit) return limit;
    reader.skip(run + 1);
    window = run + 2 + bits_ <= BitReader::kWindow ? window >> (run + 1) : reader.window();
    std::uint64_t remainder = window & ((std::uint64_t{1} << bits_) - 1);
    const bool longer = remainder >= spare_;
    remainder = longer ? 2 * remainder + (window >> bits_ & 1) - spare_ : remainder;
    reader.skip(bits_ + (longer ? 1 : 0));
    return zeros * modulus_ + remainder;
  }

 private:
  std::uint32_t modulus_;
  unsigned bits_;
  std::uint32_t spare_;  // the number of short remainders
};

/// The codes of the successive gaps of a `count`-subset of `dim` positions. All gaps have the same code
/// except the last kFitted: each of those has the code that fits the remaining count and positions. This
/// saves 2 % if the count is small.
class GapCodes {
 public:
  GapCodes(std::size_t count, std::size_t dim) : left_(count), code_(count, dim) {}

  /// `room`: positions after the last index.
  const GapCode& next(std::size_t room) {
    if (left_ <= kFitted) code_ = GapCode(left_, room);
    --left_;
    return code_;
  }

  /// A bound from below on the bits of all gaps together.
  [[nodiscard]] static std::size_t least_bits(std::size_t count, std::size_t dim) {
    const std::size_t alike = count - std::min(count, kFitted);
    return count + alike * (GapCode(count, dim).least_length() - 1);
  }

 private:
  static constexpr std::size_t kFitted = 16;

  std::size_t left_;
  GapCode code_;
};

/// Calls take(code, gap) for each gap between the indices of an ascending support in `dim` positions.
template <class Take>
void for_each_gap(std::size_t dim, std::span<const std::uint32_t> support, Take&& take) {
  GapCodes codes(support.size(), dim);
  std::uint32_t next = 0;  // the least possible next index
  for (const std::uint32_t j : support) {
    take(codes.next(dim - next), j - next);
    next = j + 1;
  }
}

}  // namespace laconic
