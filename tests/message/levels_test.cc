// SPDX-License-Identifier: Apache-2.0
// The dense and the sparse form of levels, against a second reader that follows docs/wire_format.md bit by
// bit.
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/message/bits.h"
#include "laconic/message/formats.h"
#include "laconic/message/message.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

using Bytes = std::vector<std::uint8_t>;
using SignedLevels = std::vector<int>;  // of each coordinate

/// A string of bits, read one by one from the lowest of the first byte.
struct BitString {
  Bytes bytes;
  std::size_t at = 0;

  unsigned bit() {
    const unsigned value = bytes.at(at / 8) >> (at % 8) & 1U;
    ++at;
    return value;
  }
  /// `count` bits, lowest first.
  std::uint64_t number(unsigned count) {
    std::uint64_t value = 0;
    for (unsigned b = 0; b < count; ++b) value |= std::uint64_t{bit()} << b;
    return value;
  }
  unsigned zeros_before_a_one() {
    unsigned zeros = 0;
    while (bit() == 0) ++zeros;
    return zeros;
  }
};

/// The Golomb code of a gap, with k gaps left and e coordinates left.
struct Golomb {
  std::uint64_t m, b, s;

  Golomb(std::size_t k, std::size_t e) {
    const double real =
        0.6931471805599453 * (static_cast<double>(e + 1) / static_cast<double>(k + 1)) - 0.8465735902799727;
    m = real <= 1 ? 1 : static_cast<std::uint64_t>(std::floor(real)) + 1;
    b = 0;
    while (std::uint64_t{2} << b <= m) ++b;
    s = (std::uint64_t{2} << b) - m;
  }
  std::uint64_t read(BitString& from) const {
    const std::uint64_t zeros = from.zeros_before_a_one();
    std::uint64_t rest = from.number(static_cast<unsigned>(b));
    if (rest >= s) rest = 2 * rest + from.bit() - s;
    return zeros * m + rest;
  }
  [[nodiscard]] std::size_t bits(std::uint64_t gap) const { return gap / m + 1 + b + (gap % m >= s ? 1 : 0); }
};

enum class Family { uniform, power };

struct Said {
  std::size_t s = 0;
  double value = 0;
  SignedLevels levels;
  bool sparse = false;
};

std::size_t width_of(const Message& message) { return message.bytes[0] >= 0x80 ? 8 : 4; }

Said read_by_the_document(const Message& message, std::size_t dim) {
  const unsigned format = message.bytes[0] & 0x7f;
  Said said{.s = load_le<std::uint32_t>(message.bytes.data()) >> 8, .value = 0, .levels = SignedLevels(dim)};
  said.sparse = format == 0x11 || format == 0x12;
  const std::size_t head = said.sparse ? 8 : 4;
  const std::size_t width = width_of(message);
  const std::uint8_t* const value = message.bytes.data() + head;
  said.value = width == 4 ? static_cast<double>(load_le<float>(value)) : load_le<double>(value);
  BitString from{{message.bytes.begin() + static_cast<std::ptrdiff_t>(head + width), message.bytes.end()}};
  const int s = static_cast<int>(said.s);
  if (!said.sparse) {
    const auto b = 1 + static_cast<unsigned>(std::ceil(std::log2(s + 1)));
    for (int& level : said.levels) level = static_cast<int>(from.number(b)) - s;
  } else {
    const std::size_t count = load_le<std::uint32_t>(message.bytes.data() + 4);
    std::vector<std::size_t> support;
    std::size_t next = 0;
    for (std::size_t left = count; left > 0; --left) {
      next += (left > 16 ? Golomb(count, dim) : Golomb(left, dim - next)).read(from);
      support.push_back(next++);
    }
    std::vector<int> signs;
    for (std::size_t i = 0; i < count; ++i) signs.push_back(from.bit() == 0 ? 1 : -1);
    for (std::size_t i = 0; i < count; ++i) {
      int q = 1;
      if (s > 1 && format == 0x12) q = s - static_cast<int>(from.zeros_before_a_one());
      if (s > 1 && format == 0x11) {
        const unsigned more = from.zeros_before_a_one();  // and the highest bit
        for (unsigned b = 0; b < more; ++b) q = 2 * q + static_cast<int>(from.bit());
      }
      said.levels[support[i]] = signs[i] * q;
    }
  }
  EXPECT_LT(8 * from.bytes.size() - from.at, 8U);
  while (from.at < 8 * from.bytes.size()) EXPECT_EQ(from.bit(), 0U);
  return said;
}

std::size_t dense_length(const Said& said, std::size_t width) {
  const auto b = 1 + static_cast<std::size_t>(std::ceil(std::log2(said.s + 1)));
  return 4 + width + (said.levels.size() * b + 7) / 8;
}

std::size_t sparse_length(Family family, const Said& said, std::size_t width) {
  std::size_t left = 0;
  for (const int level : said.levels) left += level != 0 ? 1 : 0;
  const std::size_t dim = said.levels.size();
  const Golomb first(left, dim);
  std::size_t bits = left;  // the signs
  std::size_t next = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    if (said.levels[j] == 0) continue;
    bits += (left > 16 ? first : Golomb(left, dim - next)).bits(j - next);
    const auto q = static_cast<std::size_t>(std::abs(said.levels[j]));
    if (said.s > 1) bits += family == Family::power ? said.s - q + 1 : 2 * std::bit_width(q) - 1;
    next = j + 1;
    --left;
  }
  return 8 + width + (bits + 7) / 8;
}

/// The dense message of the same levels.
Message dense_of(Family family, const Said& said, std::size_t width) {
  Message message;
  message.bytes.assign(dense_length(said, width), 0);
  std::uint8_t* to = message.bytes.data();
  const unsigned wide = width == 8 ? 0x80 : 0;
  store_le(static_cast<std::uint32_t>((family == Family::uniform ? 9 : 10) | wide | said.s << 8), to);
  if (width == 4) store_le(static_cast<float>(said.value), to + 4);
  if (width == 8) store_le(said.value, to + 4);
  const auto b = static_cast<unsigned>(1 + std::ceil(std::log2(said.s + 1)));
  BitWriter writer(to + 4 + width);
  for (const int level : said.levels) {
    writer.put(static_cast<std::uint64_t>(static_cast<int>(said.s) + level), b);
  }
  writer.finish();
  return message;
}

Message written(Family family, Wire wire, std::size_t s, std::uint32_t round, View x) {
  Message message;
  const Stream stream = Key{.seed = 61, .round = round}.stream(Purpose::compressor);
  if (family == Family::uniform) write_uniform_levels(wire, s, stream, x, message);
  if (family == Family::power) write_power_levels(wire, s, stream, x, message);
  return message;
}

Vector normal(std::size_t dim, std::uint32_t round) {
  Vector x(dim);
  fill_normal(Key{.seed = 62, .round = round}.stream(Purpose::batch), x);
  return x;
}

/// Whether the message is sparse.
bool expect_the_shorter_form(Family family, const Message& message, std::size_t dim) {
  const std::size_t width = width_of(message);
  const Said said = read_by_the_document(message, dim);
  const std::size_t dense = dense_length(said, width);
  const std::size_t sparse = sparse_length(family, said, width);
  EXPECT_EQ(said.sparse, sparse < dense);
  EXPECT_EQ(message.bytes.size(), std::min(sparse, dense));
  // Both forms say the same numbers, bit by bit, and count the same floats.
  const Message same = dense_of(family, said, width);
  Vector a = normal(dim, 7);
  Vector b = a;
  decode_add({}, message, -0.37, a);
  decode_add({}, same, -0.37, b);
  EXPECT_EQ(std::memcmp(a.data(), b.data(), dim * sizeof(double)), 0);
  EXPECT_EQ(counted_floats(message, dim), counted_floats(same, dim));
  return said.sparse;
}

TEST(Levels, TheShorterFormIsWrittenAndSaysTheSame) {
  for (const Family family : {Family::uniform, Family::power}) {
    std::size_t forms[2] = {0, 0};
    for (const Wire wire : {Wire::f32, Wire::f64}) {
      for (const std::size_t s : {1, 2, 3, 4, 5, 7, 8, 16, 64, 127, 300, 4096, 32767}) {
        if (family == Family::power && s > kPowerLevelLimit) continue;
        for (const std::size_t dim : {1, 2, 17, 37, 100, 511, 512, 513, 3000}) {
          for (int kind = 0; kind < 7; ++kind) {
            SCOPED_TRACE(fmt::format("s = {}, dim {}, kind {}", s, dim, kind));
            Vector x = normal(dim, static_cast<std::uint32_t>(dim));
            for (std::size_t j = 0; j < dim; ++j) {
              if (kind == 1) x[j] = 0;
              if (kind == 2) x[j] = j == dim / 2 ? -3 : 0;
              if (kind == 3) x[j] = std::pow(x[j], 9);         // few entries have nearly all of the norm
              if (kind == 4 && j % 4 < 3 && j > 0) x[j] *= 0;  // zeros of both signs
              if (kind == 5 && j < dim / 2) x[j] = 0;          // seems sparse at the start
              if (kind == 6 && j > dim / 8) x[j] = 0;          // seems dense at the start
            }
            const Message message = written(family, wire, s, static_cast<std::uint32_t>(s), x);
            ++forms[expect_the_shorter_form(family, message, dim) ? 1 : 0];
            if (HasFailure()) return;
          }
        }
      }
    }
    EXPECT_GT(forms[0], 200U);
    EXPECT_GT(forms[1], 200U);
  }
}

TEST(Levels, EveryLevelOfTheSparseFormIsRead) {
  // A message of one level for each s and each level: no gap before it, a sign, the level.
  for (const std::size_t s : {2, 3, 4, 7, 8, 127, 128, 1000, 32767}) {
    for (std::size_t q = 1; q <= s + 1; ++q) {
      for (const Family family : {Family::uniform, Family::power}) {
        if (family == Family::power && s > kPowerLevelLimit) continue;
        Message message{{static_cast<std::uint8_t>(family == Family::uniform ? 0x11 : 0x12),
                         static_cast<std::uint8_t>(s), static_cast<std::uint8_t>(s >> 8), 0, 1, 0, 0, 0, 0, 0,
                         0x80, 0x3f}};
        std::string bits = "11";  // the gap 0, then the sign -
        const auto width = static_cast<std::size_t>(std::bit_width(q));
        if (family == Family::power) bits += q > s ? "" : std::string(s - q, '0') + '1';
        if (family == Family::uniform) {
          bits += std::string(width - 1, '0');
          for (std::size_t b = width; b-- > 0;) bits += (q >> b & 1) != 0 ? '1' : '0';
        }
        for (std::size_t b = 0; b < bits.size(); ++b) {
          if (b % 8 == 0) message.bytes.push_back(0);
          message.bytes.back() |= static_cast<std::uint8_t>((bits[b] == '1' ? 1U : 0U) << (b % 8));
        }
        double y = 0;
        if (q > s) {
          EXPECT_THROW(decode_add({}, message, 1, MutView(&y, 1)), RunError) << s << ' ' << q;
        } else {
          decode_add({}, message, 1, MutView(&y, 1));
          EXPECT_EQ(y, family == Family::uniform ? -static_cast<double>(q)
                                                 : -std::ldexp(1, static_cast<int>(q) - static_cast<int>(s)));
        }
      }
    }
  }
}

TEST(Levels, TakeFewBitsOnNormalVectors) {
  const struct {
    std::size_t dim, s;
    double dense, sparse;
  } rows[] = {{1000, 4, 4064, 779},       {7840, 4, 31424, 2403},      {7840, 16, 47104, 7011},
              {100000, 4, 400064, 10376}, {100000, 64, 800064, 96483}, {16, 4, 128, 128}};
  for (const auto& row : rows) {
    const auto draws = static_cast<std::uint32_t>(row.dim < 10000 ? 300 : 20);
    double bits = 0;
    for (std::uint32_t t = 0; t < draws; ++t) {
      const Message message = written(Family::uniform, Wire::f32, row.s, t, normal(row.dim, t));
      EXPECT_LE(static_cast<double>(message.bits()), row.dense);
      bits += static_cast<double>(message.bits()) / draws;
    }
    EXPECT_NEAR(bits, row.sparse, 0.05 * row.sparse) << row.dim << ' ' << row.s;
    RecordProperty(fmt::format("bits_{}_{}", row.dim, row.s), fmt::format("{:.1f}", bits));
  }
}

}  // namespace
}  // namespace laconic
