// SPDX-License-Identifier: Apache-2.0
#include "laconic/message/message.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "laconic/compress/compressor.h"
#include "laconic/compress/factories.h"
#include "laconic/core/error.h"
#include "laconic/message/bits.h"
#include "laconic/message/deal.h"
#include "laconic/message/formats.h"
#include "laconic/message/registered.h"
#include "laconic/message/subset.h"
#include "laconic/message/sum.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::string hex(const Bytes& bytes) {
  std::string text;
  for (const std::uint8_t b : bytes) text += fmt::format("{}{:02x}", text.empty() ? "" : " ", b);
  return text;
}

using Floats = std::vector<float>;

Floats narrowed(View x) {
  Floats floats(x.size());
  for (std::size_t j = 0; j < x.size(); ++j) floats[j] = static_cast<float>(x[j]);
  return floats;
}

/// The error message of `read`; "no error" if there is none.
std::string said_by(auto&& read) {
  try {
    read();
  } catch (const RunError& error) {
    return error.what();
  }
  return "no error";
}

/// The error of a reader into doubles, which must be that of a reader into floats.
std::string error_of(const Key& key, const Bytes& bytes, std::size_t dim) {
  Vector acc(dim);
  Floats floats(dim);
  const std::string error = said_by([&] { decode_add(key, Message{bytes}, 1, acc); });
  EXPECT_EQ(said_by([&] { decode_add(key, bytes, 1, floats); }), error) << hex(bytes);
  return error;
}

Message compressed(const char* spec, Wire wire, std::size_t clients, const Key& key, View x) {
  Message message;
  make_compressor(parse(spec), {.dim = x.size(), .clients = clients, .wire = wire})
      ->compress(key, x, message);
  return message;
}

/// The worked examples of docs/wire_format.md.
struct Example {
  const char* spec;
  Wire wire;
  Vector x;
  Vector decoded;
  const char* hex;
};

const Key kExampleKey{.seed = 1, .round = 2, .client = 3, .step = 0, .copy = 0};
constexpr std::size_t kExampleClients = 4;

/// 40 coordinates, zero but for a few.
Vector few_of_forty(std::initializer_list<std::pair<std::size_t, double>> entries) {
  Vector x(40);
  for (const auto& [j, v] : entries) x[j] = v;
  return x;
}

Vector three_of_a_hundred() {
  Vector x(100);
  x[3] = 5;
  x[50] = -6;
  x[51] = 7;
  return x;
}

const Example kExamples[] = {
    {"identity", Wire::f32, {1, -2, 0.5}, {1, -2, 0.5}, "01 00 00 80 3f 00 00 00 c0 00 00 00 3f"},
    {"identity", Wire::f64, {1, -2}, {1, -2}, "81 00 00 00 00 00 00 f0 3f 00 00 00 00 00 00 00 c0"},
    {"rand-k(2)",
     Wire::f32,
     {10, 11, 12, 13, 14, 15, 16, 17},
     {0, 44, 0, 0, 0, 0, 0, 68},
     "02 00 00 30 42 00 00 88 42"},
    {"perm-k",
     Wire::f32,
     {10, 11, 12, 13, 14, 15, 16, 17, 18, 19},
     {0, 0, 48, 0, 56, 0, 0, 0, 72, 0},
     "03 04 00 00 00 00 40 42 00 00 60 42 00 00 90 42"},
    {"perm-k(2)",
     Wire::f32,
     {10, 11, 12, 13, 14, 15, 16, 17, 18, 19},
     {0, 0, 0, 0, 70, 0, 0, 0, 90, 0},
     "03 04 00 00 00 00 8c 42 00 00 b4 42"},
    {"top-k(3)", Wire::f32, three_of_a_hundred(), three_of_a_hundred(),
     "04 03 00 00 87 12 00 00 00 a0 40 00 00 c0 c0 00 00 e0 40"},
    {"top-k(6)",
     Wire::f32,
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
     {0, 0, 0, 0, 5, 6, 7, 8, 9, 10},
     "05 f0 03 00 00 a0 40 00 00 c0 40 00 00 e0 40 00 00 00 41 00 00 10 41 00 00 20 41"},
    {"natural", Wire::f32, {1, -2, 0.5, 0}, {1, -2, 0.5, 0}, "06 7f 80 7e 00 02"},
    {"natural", Wire::f64, {1, -2, 0.5}, {1, -2, 0.5}, "86 ff 00 fe c3 03"},
    {"bernoulli(0.25)", Wire::f32, {1, -2, 0.5}, {0, 0, 0}, "07"},
    {"sign", Wire::f32, {1, -2, 3, 0, -4}, {2, -2, 2, 2, -2}, "08 00 00 00 40 12"},
    {"one-bit", Wire::f32, {2, -2, 2, -2, -2}, {2, -2, 2, -2, -2}, "08 00 00 00 40 1a"},
    {"one-bit(scale=fixed, bound=0.75)",
     Wire::f32,
     {1, -2, 0.75, -0.75, 3},
     {0.75, -0.75, 0.75, -0.75, 0.75},
     "0e 00 40 3f 0a"},
    {"sign(scale=one)", Wire::f64, {1, -2, 0.5}, {1, -1, 1}, "8e 00 80 3f 02"},
    {"sign(block=8)",
     Wire::f32,
     {1, -3, 2, -2, 2, -2, 1, 3, -5},
     {2, -2, 2, -2, 2, -2, 2, 2, -5},
     "0f 08 00 00 00 00 00 40 00 00 a0 40 2a 01"},
    {"qsgd(5)", Wire::f32, {3, -4, 0, 0}, {3, -4, 0, 0}, "09 05 00 00 00 00 80 3f 18 55"},
    {"natural-dithering(3)", Wire::f32, {2, -2, 2, 2}, {2, -2, 2, 2}, "0a 03 00 00 00 00 80 40 4d 0b"},
    {"qsgd(5)", Wire::f32, few_of_forty({{5, 3}, {27, -4}}), few_of_forty({{5, 3}, {27, -4}}),
     "11 05 00 00 02 00 00 00 00 00 80 3f ab 6b 02"},
    {"chunk-top-k(4, bits=2)",
     Wire::f32,
     {0, 1, 0, 0, -1, 1, 0, 0, -1, 0},
     {0, 1, 0, 0, -1, 1, 0, 0, -1, 0},
     "15 04 00 00 01 04 00 00 00 00 00 00 00 00 00 00 80 3f 00 00 00 00 00 00 80 bf 32 bb 01"},
    {"low-rank(1, warm=0)",
     Wire::f32,
     {0, 0, 0, 1, 2, 3, 0, 0, 0, 0},
     {0, 0, 0, 1, 2, 3, 0, 0, 0, 0},
     "10 01 00 00 01 00 04 03 00 00 00 00 00 00 80 bf 00 00 00 00 00 00 00 00 00 00 80 bf 00 00 00 c0 00 00 "
     "40 "
     "c0"},
    {"sketch(1)",
     Wire::f32,
     {1, 0, 0, 2, 0, 0, 0, 4, 0, 8},
     {1, -1, 1, 2, -2, 2, -4, 4, -4, 8},
     "13 01 00 00 01 00 04 03 00 00 80 3f 00 00 00 40 00 00 80 c0 00 00 00 41"},
    {"natural-dithering(3)", Wire::f32, few_of_forty({{4, 2}, {9, -2}, {20, 2}, {33, 2}}),
     few_of_forty({{4, 2}, {9, -2}, {20, 2}, {33, 2}}), "12 03 00 00 04 00 00 00 00 00 80 40 7f ca 89 2a"},
};

TEST(WireFormat, ExamplesOfTheDocument) {
  const auto path = std::filesystem::path(LACONIC_SOURCE_DIR) / "docs/wire_format.md";
  std::stringstream document;
  document << std::ifstream(path).rdbuf();
  for (const Example& example : kExamples) {
    SCOPED_TRACE(example.spec);
    const Message message = compressed(example.spec, example.wire, kExampleClients, kExampleKey, example.x);
    EXPECT_EQ(hex(message.bytes), example.hex);
    Vector decoded(example.x.size());
    decode_add(kExampleKey, message, 1, decoded);
    EXPECT_EQ(decoded, example.decoded);
    EXPECT_NE(document.str().find(example.hex), std::string::npos) << "not in " << path;
  }
}

Message pair_of(const Message& first, const Message& second) {
  Message message;
  write_pair(first, second, message);
  return message;
}

Message reset_of(Wire wire, View x) {
  Message message;
  write_reset(wire, x, message);
  return message;
}

Message uncounted(Wire wire, View x) {
  Message message;
  write_uncounted(wire, x, message);
  return message;
}

Message owned_by(std::size_t owners, Wire wire, const Key& key, View x) {
  Message message;
  make_owned(owners, {.dim = x.size(), .clients = kExampleClients, .wire = wire})->compress(key, x, message);
  return message;
}

Message nothing() {
  Message message;
  write_nothing(Wire::f32, message);
  return message;
}

Vector decoded(const Key& key, const Message& message, std::size_t dim) {
  Vector x(dim);
  decode_add(key, message, 1, x);
  return x;
}

TEST(WireFormat, ExamplesOfMessagesAboutMessages) {
  const auto path = std::filesystem::path(LACONIC_SOURCE_DIR) / "docs/wire_format.md";
  const std::string document = (std::stringstream() << std::ifstream(path).rdbuf()).str();
  const Vector x = {10, 11, 12, 13, 14, 15, 16, 17};
  const struct {
    Message message;
    Vector decoded;
    const char* hex;
  } examples[] = {
      {pair_of(compressed("rand-k(2)", Wire::f32, kExampleClients, key_of_part(kExampleKey, 0), x),
               compressed("rand-k(2)", Wire::f32, kExampleClients, key_of_part(kExampleKey, 1), x)),
       {40, 0, 48, 0, 0, 120, 0, 0},
       "0b 09 00 00 02 00 00 40 42 00 00 70 42 02 00 00 20 42 00 00 70 42"},
      {owned_by(3, Wire::f32, kExampleKey, Vector{10, 11, 12, 13, 14, 15, 16}),
       {0, 11, 12, 13, 0, 15, 16},
       "14 04 03 00 00 30 41 00 00 40 41 00 00 50 41 00 00 70 41 00 00 80 41"},
      {reset_of(Wire::f32, Vector{1, -2, 0.5}), {1, -2, 0.5}, "0c 01 00 00 80 3f 00 00 00 c0 00 00 00 3f"},
      {uncounted(Wire::f64, Vector{1, -2}), {1, -2}, "0d 81 00 00 00 00 00 00 f0 3f 00 00 00 00 00 00 00 c0"},
  };
  for (const auto& example : examples) {
    EXPECT_EQ(hex(example.message.bytes), example.hex);
    EXPECT_EQ(decoded(kExampleKey, example.message, example.decoded.size()), example.decoded);
    EXPECT_NE(document.find(example.hex), std::string::npos) << "not in " << path;
  }
}

/// One message of every format and width, over a vector of 37 coordinates (no multiple of 8, and odd).
std::vector<Message> one_of_each(const Key& key) {
  constexpr std::size_t kDim = 37;
  Vector x(kDim);
  Stream stream = Key{21, 0, 0, 0, 0}.stream(Purpose::batch);
  for (double& v : x) v = stream.uniform() - 0.5;
  std::vector<Message> all;
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    for (const char* spec : {"identity",
                             "rand-k(5)",
                             "rand-k(30)",
                             "perm-k",
                             "perm-k(3)",
                             "top-k(1)",
                             "top-k(5)",
                             "top-k(25)",
                             "chunk-top-k(5, bits=2)",
                             "chunk-top-k(2, chunk=10, bits=2)",
                             "natural",
                             "bernoulli(1e-12)",
                             "sign",
                             "sign(block=16)",
                             "sign(scale=one)",
                             "one-bit",
                             "one-bit(scale=block, block=8)",
                             "one-bit(scale=fixed, bound=1)",
                             "qsgd(1)",
                             "qsgd(2)",
                             "qsgd(4)",
                             "qsgd(300)",
                             "natural-dithering(1)",
                             "natural-dithering(2)",
                             "natural-dithering(5)",
                             "low-rank(1)",
                             "low-rank(2)",
                             "sketch(2)"}) {
      all.push_back(compressed(spec, wire, 4, key, x));
    }
    all.push_back(compressed("perm-k", wire, 50, key, x));
    for (const std::size_t owners : {1, 3, 4}) all.push_back(owned_by(owners, wire, key, x));
    Vector sparse(kDim);  // two levels, so that the sparse forms of levels have codes of levels
    sparse[5] = 3;
    sparse[30] = -4;
    for (const char* spec : {"qsgd(5)", "natural-dithering(9)"}) {
      all.push_back(compressed(spec, wire, 4, key, sparse));
    }
    const Message subset = compressed("rand-k(5)", wire, 4, key, x);
    const Message largest = compressed("top-k(5)", wire, 4, key, x);
    all.push_back(pair_of(subset, largest));
    all.push_back(pair_of(pair_of(subset, nothing()), pair_of(largest, nothing())));
    all.push_back(pair_of(reset_of(wire, x), largest));
    all.push_back(pair_of(uncounted(wire, x), largest));
    all.push_back(reset_of(wire, x));
    all.push_back(uncounted(wire, x));
  }
  return all;
}

TEST(Decode, TheTablesOfThisFileHaveEveryFormat) {
  std::set<unsigned> formats;
  for (const Message& message : one_of_each({1, 1, 1, 0, 0})) formats.insert(message.bytes[0]);
  const std::set<unsigned> all = {1,    2,    3,    4,    5,    6,    7,    8,    9,    10,
                                  11,   12,   13,   14,   15,   16,   17,   18,   19,   20,
                                  21,   0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
                                  0x8a, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95};
  EXPECT_EQ(formats, all);
}

TEST(Decode, HeadersHaveAtMostFourBytes) {
  const Key key{1, 1, 1, 0, 0};
  const Vector x = {1, 2, 3, 4, 5, 6, 7, 8};
  // Payload bits of each format at d = 8, f32; all other bits, up to a byte of padding, are header.
  EXPECT_LE(compressed("identity", Wire::f32, 2, key, x).bytes.size(), 4 + 8 * 4U);
  EXPECT_LE(compressed("rand-k(3)", Wire::f32, 2, key, x).bytes.size(), 4 + 3 * 4U);
  EXPECT_LE(compressed("perm-k", Wire::f32, 2, key, x).bytes.size(), 4 + 4 * 4U);
  EXPECT_LE(compressed("top-k(2)", Wire::f32, 2, key, x).bytes.size(), 4 + 1 + 2 * 4U);
  EXPECT_LE(compressed("natural", Wire::f32, 2, key, x).bytes.size(), 4 + 9U);
  EXPECT_EQ(compressed("bernoulli(1e-12)", Wire::f32, 2, key, x).bytes.size(), 1U);
  EXPECT_EQ(compressed("sign", Wire::f32, 2, key, x).bytes.size(), 1 + 4 + 1U);
  EXPECT_EQ(compressed("one-bit(scale=fixed, bound=8)", Wire::f32, 2, key, x).bytes.size(), 4 + 1U);
  EXPECT_EQ(compressed("sign(block=8)", Wire::f32, 2, key, x).bytes.size(), 4 + 4 + 1U);
  EXPECT_EQ(compressed("qsgd(4)", Wire::f32, 2, key, x).bytes.size(), 4 + 4 + 8 * 4 / 8U);
  EXPECT_EQ(compressed("natural-dithering(4)", Wire::f32, 2, key, x).bytes.size(), 4 + 4 + 8 * 4 / 8U);
}

TEST(Decode, SurvivesTruncation) {
  const Key key{3, 2, 1, 0, 0};
  for (const Message& message : one_of_each(key)) {
    for (std::size_t length = 0; length < message.bytes.size(); ++length) {
      // A fresh buffer of the exact size, so that a sanitizer detects a read of one byte too many.
      const Bytes cut(message.bytes.begin(), message.bytes.begin() + static_cast<std::ptrdiff_t>(length));
      const std::string error = error_of(key, cut, 37);
      // If both ends draw the subset, a message cut after a whole value is a valid shorter one: the transport
      // must protect the length.
      const bool drawn = (message.bytes[0] & 0x7f) == 2 || (message.bytes[0] & 0x7f) == 3;
      EXPECT_TRUE(drawn || error != "no error") << hex(message.bytes) << " cut to " << length;
    }
    Bytes longer = message.bytes;
    longer.push_back(0);
    EXPECT_NE(error_of(key, longer, 37), "no error") << hex(message.bytes);
  }
}

TEST(Decode, SurvivesEveryFlippedByteAndWrongDim) {
  const Key key{3, 2, 1, 0, 0};
  for (const Message& message : one_of_each(key)) {
    for (std::size_t b = 0; b < message.bytes.size(); ++b) {
      for (unsigned flip = 1; flip < 256; ++flip) {
        Bytes bytes = message.bytes;
        bytes[b] = static_cast<std::uint8_t>(bytes[b] ^ flip);
        if (error_of(key, bytes, 37) == "no error") {  // a result or a RunError, never a crash
          EXPECT_GE(counted_floats(Message{bytes}, 37), 0) << hex(bytes);
        }
      }
    }
    for (const std::size_t dim : {0, 1, 7, 36, 38, 1000}) error_of(key, message.bytes, dim);
    error_of({3, 2, 0xffffffff, 0, 0}, message.bytes, 37);
  }
}

/// Equal, or both NaN.
template <class Real>
bool alike(Real a, Real b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

bool is_pair(const Bytes& bytes) { return bytes.at(0) == 0x0b; }

TEST(Decode, AllReadersAgreeOnDamage) {
  // decode_add into doubles and into floats, decode_add_all and counted_floats must agree: the bytes are a
  // message for all of them, or give the same error.
  ThreadPool pool(1);
  const Key key{.seed = 3, .round = 2, .client = 1};
  std::size_t refused = 0;
  const auto expect_agreement = [&](const Bytes& bytes, std::size_t dim) {
    Vector one(dim), all(dim);
    Floats floats(dim);
    const std::string error = said_by([&] { decode_add(key, bytes, -0.5, one); });
    const std::string error_of_floats = said_by([&] { decode_add(key, bytes, -0.5, floats); });
    const std::string error_of_all = said_by([&] {
      SignCount counted;
      const Addend addend{key, bytes, -0.5};
      decode_add_all({&addend, 1}, counted, pool, all);
      counted.settle(pool, all);
    });
    const std::string error_of_count = said_by([&] { EXPECT_GE(counted_floats(Message{bytes}, dim), 0); });
    ASSERT_EQ(error_of_all, error) << hex(bytes);
    ASSERT_EQ(error_of_floats, error) << hex(bytes);
    if (error == "no error") {
      const Floats rounded = narrowed(one);
      for (std::size_t j = 0; j < dim && !is_pair(bytes); ++j)
        ASSERT_TRUE(alike(floats[j], rounded[j])) << hex(bytes);
      for (std::size_t j = 0; j < dim; ++j) ASSERT_TRUE(one[j] == all[j] || std::isnan(one[j])) << hex(bytes);
      ASSERT_EQ(error_of_count, error) << hex(bytes);
    } else {
      ++refused;
      ASSERT_EQ(error.find('\n'), std::string::npos) << error;
    }
  };
  for (const Message& message : one_of_each(key)) {
    for (std::size_t b = 0; b < message.bytes.size(); ++b) {
      for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
        Bytes bytes = message.bytes;
        bytes[b] = static_cast<std::uint8_t>(bytes[b] ^ flip);
        expect_agreement(bytes, 37);
      }
      expect_agreement({message.bytes.begin(), message.bytes.begin() + static_cast<std::ptrdiff_t>(b)}, 37);
    }
    for (const std::size_t more : {1, 2, 8, 4096}) {
      Bytes bytes = message.bytes;
      bytes.resize(bytes.size() + more);
      expect_agreement(bytes, 37);
    }
    for (const std::size_t dim : {0, 1, 7, 36, 38, 1000}) expect_agreement(message.bytes, dim);
  }
  EXPECT_GT(refused, 1000U);
}

TEST(Decode, AnAccumulatorOfFloatsIsRoundedOnce) {
  const Key key{.seed = 3, .round = 2, .client = 1};
  const std::vector<Message> messages = one_of_each(key);
  Vector before(37);
  Stream stream = Key{22, 0, 0, 0, 0}.stream(Purpose::batch);
  for (double& v : before) v = static_cast<double>(static_cast<float>(stream.uniform() - 0.5));
  std::size_t rounded_sums = 0;
  for (const Message& message : messages) {
    for (const Vector& start : {Vector(37), before, Vector(37, -0.0)}) {
      for (const double weight : {1.0, -0.3, 1e-3, 1e30}) {
        Vector sum = start;
        Floats floats = narrowed(start);
        decode_add(key, message, weight, sum);
        decode_add(key, message, weight, floats);
        if (is_pair(message.bytes)) continue;
        const Floats expected = narrowed(sum);
        for (std::size_t j = 0; j < 37; ++j) {
          EXPECT_EQ(floats[j], expected[j]) << hex(message.bytes);
          EXPECT_EQ(std::signbit(floats[j]), std::signbit(expected[j])) << hex(message.bytes);
          rounded_sums += static_cast<double>(floats[j]) != sum[j] ? 1 : 0;
        }
      }
    }
  }
  EXPECT_GT(rounded_sums, 10000U) << "sums that floats represent test nothing";
}

TEST(Decode, AVectorTooLongForAnyMessageIsRefused) {
  for (const auto format : {Format::dense, Format::sparse, Format::nothing, Format::pair}) {
    const Message message{{static_cast<std::uint8_t>(format), 0, 0, 0}};
    EXPECT_EQ(said_by([&] { counted_floats(message, kDimLimit); }),
              "a message for 4294967296 coordinates; need fewer than 2^32");
  }
}

TEST(Encode, RefusesWhatTheFormatsCannotSay) {
  const Stream stream = Key{.seed = 1}.stream(Purpose::compressor);
  const Vector x = {1, -2, 3};
  const std::uint32_t support[] = {0, 2};
  Message out;
  const std::function<void()> writers[] = {
      [&] { write_seeded_subset(Wire::f32, {}, out); },
      [&] { write_permutation_block(Wire::f32, 0, x, out); },
      [&] { write_permutation_block(Wire::f32, kDealtClientsLimit, x, out); },
      [&] { write_permutation_block(Wire::f32, 2, {}, out); },
      [&] { write_sparse(Wire::f32, 3, support, x, out); },
      [&] { write_sparse(Wire::f32, 1, support, View(x).first(2), out); },
      [&] { write_sparse(Wire::f32, kDimLimit, support, View(x).first(2), out); },
      [&] { write_uniform_levels(Wire::f32, 0, stream, x, out); },
      [&] { write_uniform_levels(Wire::f32, kUniformLevelLimit + 1, stream, x, out); },
      [&] { write_power_levels(Wire::f32, 0, stream, x, out); },
      [&] { write_power_levels(Wire::f32, kPowerLevelLimit + 1, stream, x, out); },
      [&] { write_block_sign(Wire::f32, 0, x, out); },
      [&] { write_block_sign(Wire::f32, 12, x, out); },
      [&] { write_block_sign(Wire::f32, kHeaderCountLimit, x, out); },
  };
  for (std::size_t w = 0; w < std::size(writers); ++w) EXPECT_THROW(writers[w](), std::logic_error) << w;
}

TEST(Sparse, BitsThatSayNoGapBelowTheLimitEndAtIt) {
  // Zeros to the end of the bytes; a unary part beyond the limit; and a unary part within the limit with too
  // large a gap.
  const GapCode code(1, 1000);
  const Bytes none(30), few(2);
  Bytes late(30);
  late[20] = 1;
  for (const Bytes& bytes : {none, few, late, Bytes{}}) {
    BitReader reader(bytes);
    EXPECT_GE(code.get(reader, 100), 100U) << hex(bytes);
  }
  const GapCode of_one(999, 1000);  // modulus 1: the gap is the number of zeros
  BitReader reader(late);
  EXPECT_EQ(of_one.get(reader, 161), 160U);
  for (const std::uint64_t limit : {0, 1, 56, 57, 100, 113, 114, 115, 159}) {
    BitReader again(late);
    EXPECT_GE(of_one.get(again, limit), limit) << limit;
  }
}

TEST(Decode, SurvivesNoise) {
  Stream stream = Key{31, 0, 0, 0, 0}.stream(Purpose::batch);
  for (int i = 0; i < 200000; ++i) {
    Bytes bytes(stream.below(60));
    for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(stream.next32());
    if (!bytes.empty()) bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x80) | stream.below(22));
    if (bytes.size() > 3) bytes[3] = 0;  // a plausible count
    if (bytes.size() > 3 && stream.below(2) == 0) bytes[2] = 0;
    error_of({1, 1, 0, 0, 0}, bytes, stream.below(40));
  }
}

TEST(Decode, SaysWhatIsWrong) {
  const Key key{1, 1, 2, 0, 0};
  EXPECT_EQ(error_of(key, {}, 3), "a message is empty; need at least its first byte, the format");
  EXPECT_EQ(error_of(key, {0}, 3), "a message of 1 bytes begins with 0x00, which is no format");
  EXPECT_EQ(error_of(key, {0xff, 1}, 3), "a message of 2 bytes begins with 0xff, which is no format");
  EXPECT_EQ(error_of(key, {1, 0, 0}, 3), "a dense message (f32, 3 bytes, for 3 coordinates): need 13 bytes");
  EXPECT_EQ(
      error_of(key, {2}, 3),
      "a seeded subset message (f32, 1 bytes, for 3 coordinates): 0 values; need at least 1 and at most 3");
  EXPECT_EQ(
      error_of(key, {2, 0, 0, 0, 0}, 0),
      "a seeded subset message (f32, 5 bytes, for 0 coordinates): 1 values; need at least 1 and at most 0");
  EXPECT_EQ(
      error_of(key, {0x82, 0, 0, 0, 0}, 3),
      "a seeded subset message (f64, 5 bytes, for 3 coordinates): 4 bytes of values; need a multiple of 8");
  EXPECT_EQ(
      error_of(key, {3, 1}, 3),
      "a permutation block message (f32, 2 bytes, for 3 coordinates): truncated in its header of 4 bytes");
  EXPECT_EQ(error_of(key, {3, 0, 0, 0}, 3),
            "a permutation block message (f32, 4 bytes, for 3 coordinates): dealt to 0 clients; need at "
            "least 1 and "
            "fewer than 2^20");
  EXPECT_EQ(error_of(key, {3, 0, 0, 0x10, 0, 0, 0, 0}, 3),
            "a permutation block message (f32, 8 bytes, for 3 coordinates): dealt to 1048576 clients; need "
            "at least 1 "
            "and fewer than 2^20");
  EXPECT_EQ(error_of(key, {3, 2, 0, 0}, 3),
            "a permutation block message (f32, 4 bytes, for 3 coordinates): dealt to 2 clients; client 2 is "
            "none of "
            "them");
  EXPECT_EQ(error_of(key, {3, 3, 0, 0}, 3),
            "a permutation block message (f32, 4 bytes, for 3 coordinates): 0 values, but blocks for 3 "
            "clients have 1 "
            "or one more");
  const auto owned_error = [&](std::vector<std::uint8_t> bytes) {
    const std::string error = error_of(key, bytes, 3);
    return error.substr(error.find("): ") + 3);
  };
  EXPECT_EQ(owned_error({20, 4}), "a number of its layout is truncated or too large");
  EXPECT_EQ(owned_error({20, 0, 0}), "owned by 0 clients; need at least 1 and fewer than 2^20");
  EXPECT_EQ(owned_error({20, 0x80, 0x80, 0x40, 1}),
            "owned by 1048576 clients; need at least 1 and fewer than 2^20");
  EXPECT_EQ(owned_error({20, 4, 0}), "0 owners of a coordinate; need at least 1 and at most 4");
  EXPECT_EQ(owned_error({20, 4, 5}), "5 owners of a coordinate; need at least 1 and at most 4");
  EXPECT_EQ(owned_error({20, 2, 1}), "owned by 2 clients; client 2 is none of them");
  EXPECT_EQ(owned_error({20, 4, 2}), "0 values; a client owns 1 or one more");
  EXPECT_EQ(owned_error({20, 4, 2, 0}), "1 bytes of values; need a multiple of 4");
  EXPECT_EQ(owned_error({21, 0, 0, 0}), "0 values; need at least 1 and at most 3");
  EXPECT_EQ(owned_error({21, 4, 0, 0}), "4 values; need at least 1 and at most 3");
  EXPECT_EQ(owned_error({21, 2, 0, 0, 3}), "3 groups; need at least 1 and at most 2");
  EXPECT_EQ(owned_error({21, 2, 0, 0, 2, 2, 1}), "group 1 has 1 of 0 values");
  EXPECT_EQ(owned_error({21, 2, 0, 0, 1, 1}), "1 values are in no group");
  EXPECT_EQ(owned_error({21, 2, 0, 0, 1, 2}), "truncated in the numbers of its groups");
  std::vector<std::uint8_t> clustered(6 + 20);
  clustered[0] = 21;
  clustered[1] = clustered[5] = 2;
  clustered[4] = 1;
  EXPECT_EQ(owned_error(clustered), "truncated: 2 values do not fit");
  clustered.push_back(0);
  EXPECT_EQ(owned_error(clustered), "index 0 is not there or too large");
  clustered.back() = 0x43;  // two gaps of 0 in a bit each, two codes, a padding bit
  EXPECT_EQ(owned_error(clustered), "a padding bit is set");
  clustered.back() = 3;
  EXPECT_EQ(error_of(key, clustered, 3), "no error");
  clustered.push_back(0);
  EXPECT_EQ(owned_error(clustered), "2 bytes of indices and codes; need 1");
  EXPECT_EQ(error_of(key, {4, 4, 0, 0}, 3),
            "a sparse message (f32, 4 bytes, for 3 coordinates): 4 indices; need at most 3");
  EXPECT_EQ(error_of(key, {4, 1, 0, 0, 0}, 3),
            "a sparse message (f32, 5 bytes, for 3 coordinates): truncated: 1 values do not fit");
  EXPECT_EQ(error_of(key, {4, 1, 0, 0, 0, 0, 0, 0}, 3),
            "a sparse message (f32, 8 bytes, for 3 coordinates): index 0 is not there or too large");
  EXPECT_EQ(error_of(key, {4, 1, 0, 0, 0x11, 0, 0, 0, 0}, 3),
            "a sparse message (f32, 9 bytes, for 3 coordinates): a padding bit is set");
  EXPECT_EQ(error_of(key, {4, 1, 0, 0, 1, 0, 0, 0, 0, 0}, 3),
            "a sparse message (f32, 10 bytes, for 3 coordinates): 2 bytes of indices; need 1");
  EXPECT_EQ(error_of(key, {5}, 3),
            "a bitmap message (f32, 1 bytes, for 3 coordinates): truncated in its bitmap");
  EXPECT_EQ(error_of(key, {5, 3}, 3), "a bitmap message (f32, 2 bytes, for 3 coordinates): need 10 bytes");
  EXPECT_EQ(error_of(key, {5, 8, 0, 0, 0, 0}, 3),
            "a bitmap message (f32, 6 bytes, for 3 coordinates): a padding bit is set");
  EXPECT_EQ(error_of(key, {6, 0, 0}, 3), "a natural message (f32, 3 bytes, for 3 coordinates): need 5 bytes");
  EXPECT_EQ(error_of(key, {6, 0, 0, 0, 8}, 3),
            "a natural message (f32, 5 bytes, for 3 coordinates): a padding bit is set");
  EXPECT_EQ(error_of(key, {0x86, 0, 0x10}, 1),
            "a natural message (f64, 3 bytes, for 1 coordinates): a padding bit is set");
  EXPECT_EQ(error_of(key, {7, 0}, 3), "a nothing message (f32, 2 bytes, for 3 coordinates): need 1 bytes");
  EXPECT_EQ(error_of(key, {8, 0, 0, 0, 0}, 3),
            "a sign message (f32, 5 bytes, for 3 coordinates): need 6 bytes");
  EXPECT_EQ(error_of(key, {8, 0, 0, 0x80, 0xbf, 0}, 3),
            "a sign message (f32, 6 bytes, for 3 coordinates): a scale of -1; need >= 0");
  EXPECT_EQ(error_of(key, {8, 0, 0, 0x80, 0x3f, 8}, 3),
            "a sign message (f32, 6 bytes, for 3 coordinates): a padding bit is set");
  EXPECT_EQ(error_of(key, {14, 0, 0x80, 0x3f}, 3),
            "a known sign message (f32, 4 bytes, for 3 coordinates): need 5 bytes");
  EXPECT_EQ(error_of(key, {14, 0, 0x80, 0xbf, 0}, 3),
            "a known sign message (f32, 5 bytes, for 3 coordinates): a scale of -1; need a finite one > 0");
  EXPECT_EQ(error_of(key, {14, 0, 0x80, 0x7f, 0}, 3),
            "a known sign message (f32, 5 bytes, for 3 coordinates): a scale of inf; need a finite one > 0");
  EXPECT_EQ(error_of(key, {14, 0, 0x80, 0x3f, 8}, 3),
            "a known sign message (f32, 5 bytes, for 3 coordinates): a padding bit is set");
  EXPECT_EQ(error_of(key, {15, 12, 0, 0}, 3),
            "a block sign message (f32, 4 bytes, for 3 coordinates): blocks of 12 coordinates; need a "
            "multiple of 8, "
            "at least 8");
  EXPECT_EQ(error_of(key, {15, 8, 0, 0, 0, 0, 0x80, 0xbf, 0}, 3),
            "a block sign message (f32, 9 bytes, for 3 coordinates): a scale of -1; need >= 0");
  EXPECT_EQ(error_of(key, {15, 8, 0, 0, 0, 0, 0x80, 0x3f, 8}, 3),
            "a block sign message (f32, 9 bytes, for 3 coordinates): a padding bit is set");
  EXPECT_EQ(error_of(key, {9, 4, 0}, 3),
            "a uniform levels message (f32, 3 bytes, for 3 coordinates): truncated in its header of 4 bytes");
  EXPECT_EQ(error_of(key, {9, 0, 0, 0}, 3),
            "a uniform levels message (f32, 4 bytes, for 3 coordinates): 0 levels; need at least 1 and at "
            "most 32767");
  EXPECT_EQ(
      error_of(key, {9, 0, 0x80, 0}, 3),
      "a uniform levels message (f32, 4 bytes, for 3 coordinates): 32768 levels; need at least 1 and at most "
      "32767");
  EXPECT_EQ(error_of(key, {9, 4, 0, 0, 0, 0, 0x80, 0x3f, 0}, 3),
            "a uniform levels message (f32, 9 bytes, for 3 coordinates): need 10 bytes");
  EXPECT_EQ(error_of(key, {9, 4, 0, 0, 0, 0, 0x80, 0xbf, 0, 0}, 3),
            "a uniform levels message (f32, 10 bytes, for 3 coordinates): a value of -1; need >= 0");
  EXPECT_EQ(error_of(key, {9, 4, 0, 0, 0, 0, 0x80, 0x3f, 0x90, 0}, 3),
            "a uniform levels message (f32, 10 bytes, for 3 coordinates): a code of 9; need at most 8");
  EXPECT_EQ(error_of(key, {9, 4, 0, 0, 0, 0, 0x80, 0x3f, 0, 0x10}, 3),
            "a uniform levels message (f32, 10 bytes, for 3 coordinates): a padding bit is set");
  EXPECT_EQ(error_of(key, {0x8a, 128, 0, 0}, 3),
            "a power levels message (f64, 4 bytes, for 3 coordinates): 128 levels; need at least 1 and at "
            "most 127");
  EXPECT_EQ(error_of(key, {10, 1, 0, 0, 0, 0, 0x80, 0x3f, 3}, 3),
            "a power levels message (f32, 9 bytes, for 3 coordinates): a code of 3; need at most 2");
  EXPECT_EQ(
      error_of(key, {0x8b, 1, 0, 0, 7, 7}, 3),
      "a pair message (f64, 6 bytes, for 3 coordinates): a pair has no values of its own, and so no width");
  EXPECT_EQ(error_of(key, {11, 1, 0}, 3),
            "a pair message (f32, 3 bytes, for 3 coordinates): truncated in its header of 4 bytes");
  EXPECT_EQ(error_of(key, {11, 0, 0, 0, 7, 7}, 3),
            "a pair message (f32, 6 bytes, for 3 coordinates): truncated in its header of 12 bytes");
  EXPECT_EQ(error_of(key, {11, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 7}, 3),
            "a pair message (f32, 14 bytes, for 3 coordinates): a short length in a long header");
  for (const Bytes& bytes : {Bytes{11, 1, 0, 0}, Bytes{11, 1, 0, 0, 7}, Bytes{11, 0xff, 0xff, 0xff, 7, 7}}) {
    EXPECT_EQ(error_of(key, bytes, 3), fmt::format("a pair message (f32, {} bytes, for 3 coordinates): its "
                                                   "first message leaves no room for a second",
                                                   bytes.size()));
  }
  EXPECT_EQ(
      error_of(key, {11, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 7, 7}, 3),
      "a pair message (f32, 14 bytes, for 3 coordinates): its first message leaves no room for a second");
  EXPECT_EQ(error_of(key, {11, 1, 0, 0, 7, 0}, 3),
            "a message of 1 bytes begins with 0x00, which is no format");
  EXPECT_EQ(error_of(key, {11, 1, 0, 0, 1, 7}, 3),
            "a dense message (f32, 1 bytes, for 3 coordinates): need 13 bytes");
  EXPECT_EQ(error_of(key, {11, 1, 0, 0, 7, 7, 7}, 3),
            "a nothing message (f32, 2 bytes, for 3 coordinates): need 1 bytes");
  for (const auto& [format, name] : {std::pair{std::uint8_t{12}, "reset"}, {std::uint8_t{13}, "uncounted"}}) {
    for (const Bytes& rest :
         {Bytes{}, Bytes{7}, Bytes{11, 1, 0, 0, 7, 7}, Bytes{12, 1, 0, 0, 0, 0}, Bytes{0x8d, 7}}) {
      Bytes bytes = {format};
      bytes.insert(bytes.end(), rest.begin(), rest.end());
      EXPECT_EQ(
          error_of(key, bytes, 1),
          fmt::format(
              "a {} message (f32, {} bytes, for 1 coordinates): need a dense message after its first byte",
              name, bytes.size()));
    }
    EXPECT_EQ(
        error_of(key, {static_cast<std::uint8_t>(format | 0x80), 1, 0, 0, 0, 0}, 1),
        fmt::format(
            "a {} message (f64, 6 bytes, for 1 coordinates): the width is that of the dense message in it",
            name));
    EXPECT_EQ(error_of(key, {format, 1, 0, 0, 0, 0}, 3),
              "a dense message (f32, 5 bytes, for 3 coordinates): need 13 bytes");
    EXPECT_EQ(error_of(key, {format, 1, 0, 0, 0, 0, 0}, 1),
              "a dense message (f32, 6 bytes, for 1 coordinates): need 5 bytes");
  }
}

TEST(Decode, SaysWhatIsWrongWithSparseLevels) {
  const auto error = [](const Bytes& bytes) {
    constexpr std::size_t dim = 3;
    const std::string text = error_of({1, 1, 2, 0, 0}, bytes, dim);
    const std::size_t at = text.find("): ");
    EXPECT_EQ(text.substr(0, at + 3),
              fmt::format("a sparse {}levels message ({}, {} bytes, for {} coordinates): ",
                          (bytes[0] & 0x7f) == 0x12 ? "power " : "", bytes[0] >= 0x80 ? "f64" : "f32",
                          bytes.size(), dim));
    return text.substr(at + 3);
  };
  // s = 4, K = 1, v = 1, and then the string of bits.
  const auto one = [](const Bytes& string) {
    Bytes bytes = {0x11, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0x80, 0x3f};
    bytes.insert(bytes.end(), string.begin(), string.end());
    return bytes;
  };
  EXPECT_EQ(error({0x11, 4, 0}), "truncated in its header of 4 bytes");
  EXPECT_EQ(error({0x11, 0, 0, 0}), "0 levels; need at least 1 and at most 32767");
  EXPECT_EQ(error({0x11, 0, 0x80, 0}), "32768 levels; need at least 1 and at most 32767");
  EXPECT_EQ(error({0x92, 128, 0, 0}), "128 levels; need at least 1 and at most 127");
  EXPECT_EQ(error({0x11, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0x80}), "truncated in its header of 12 bytes");
  EXPECT_EQ(error({0x91, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0x80, 0x3f}), "truncated in its header of 16 bytes");
  EXPECT_EQ(error({0x11, 4, 0, 0, 4, 0, 0, 0, 0, 0, 0x80, 0x3f}),
            "4 levels that are not zero; need at most 3");
  EXPECT_EQ(error({0x11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0xbf}), "a value of -1; need a finite one >= 0");
  EXPECT_EQ(error({0x11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x7f}), "a value of inf; need a finite one >= 0");
  EXPECT_EQ(error({0x11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0x7f}), "a value of nan; need a finite one >= 0");
  EXPECT_EQ(error({0x11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0}), "1 bytes of levels; need 0");
  EXPECT_EQ(error(one({})), "truncated: 1 levels do not fit");
  EXPECT_EQ(
      said_by([] {
        counted_floats(Message{{0x11, 4, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x80, 0x3f, 1}}, 0xffffffff);
      }),
      "a sparse levels message (f32, 13 bytes, for 4294967295 coordinates): truncated: 4294967295 levels "
      "do not fit");
  EXPECT_EQ(error(one({0})), "index 0 is not there or too large");
  EXPECT_EQ(error(one({0x08})), "index 0 is not there or too large");  // a gap of 3
  EXPECT_EQ(error(one({0x01})), "level 0 is not there or too large");
  EXPECT_EQ(error(one({0x51})), "level 0 is not there or too large");  // level 5
  EXPECT_EQ(error(one({0x11, 0})), "2 bytes of levels; need 1");
  EXPECT_EQ(error(one({0x85})), "a padding bit is set");
  Bytes power = one({0x41});  // four zeros: below the lowest level
  power[0] = 0x12;
  EXPECT_EQ(error(power), "level 0 is not there or too large");
  EXPECT_EQ(error_of({}, one({0x05}), 3), "no error");
}

TEST(Decode, SaysWhatIsWrongWithMatrices) {
  const auto error = [](const Bytes& bytes) {
    const std::string text = error_of({1, 1, 2, 0, 0}, bytes, 10);
    return text.substr(text.find("): ") + 3);
  };
  for (const std::uint8_t format : {std::uint8_t{0x10}, std::uint8_t{0x13}}) {
    EXPECT_EQ(error({format, 1, 0}), "truncated in its header of 4 bytes");
    EXPECT_EQ(error({format, 0, 0, 0, 1}), "rank 0; need at least 1");
    EXPECT_EQ(error({format, 1, 0, 0}), "a number of its layout is truncated or too large");
    EXPECT_EQ(error({format, 1, 0, 0, 0}), "no matrices; a dense message has none");
    EXPECT_EQ(error({format, 1, 0, 0, 0x81}), "a number of its layout is truncated or too large");
    EXPECT_EQ(error({format, 1, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x10}),
              "a number of its layout is truncated or too large");
    EXPECT_EQ(error({format, 1, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0}),
              "a number of its layout is truncated or too large");
    EXPECT_EQ(error({format, 1, 0, 0, 0x81, 0}), "a number of its layout has more bytes than it needs");
    EXPECT_EQ(error({format, 1, 0, 0, 1, 10, 4, 3}), "matrix 0 begins behind the vector");
    EXPECT_EQ(error({format, 1, 0, 0, 2, 0, 4, 3, 0, 4, 3}), "matrix 1 begins behind the vector");
    EXPECT_EQ(error({format, 1, 0, 0, 1, 0, 5, 3}), "matrix 0 of 5 x 3 does not fit");
    EXPECT_EQ(error({format, 1, 0, 0, 1, 0, 0, 3}), "matrix 0 of 0 x 3 does not fit");
    EXPECT_EQ(error({format, 1, 0, 0, 1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f}),
              "matrix 0 of 1 x 4294967295 does not fit");
    EXPECT_EQ(error({format, 3, 0, 0, 1, 0, 3, 3}),
              "matrix 0 of 3 x 3 has no more entries than what is sent of it with rank 3");
  }
  EXPECT_EQ(error({0x10, 1, 0, 0, 1, 0, 4, 3, 0}), "need 36 bytes");
  EXPECT_EQ(error({0x90, 1, 0, 0, 1, 1, 3, 3}), "need 64 bytes");
  EXPECT_EQ(error({0x13, 1, 0, 0, 1, 0, 4, 3}), "need 24 bytes");
}

TEST(LowRank, IsAddedTermByTerm) {
  // A matrix of 3 x 3 behind one coordinate, of rank 1.
  const double left[] = {0.1, 0.7, -0.3};
  const double right[] = {1.1, 0.9, 1e-9};
  const Vector values = {5, left[0], left[1], left[2], right[0], right[1], right[2]};
  const std::vector<MatrixBlock> blocks = {{.offset = 1, .rows = 3, .cols = 3}};
  Message message;
  write_low_rank(Wire::f64, 1, blocks, values, message);
  EXPECT_EQ(counted_floats(message, 10), 7);
  Vector acc(10, 0.25);
  decode_add({}, message, 0.3, acc);
  EXPECT_EQ(acc[0], 0.25 + 0.3 * 5);
  for (std::size_t j = 0; j < 9; ++j) EXPECT_EQ(acc[1 + j], 0.25 + 0.3 * (left[j / 3] * right[j % 3])) << j;
  Vector factor(3);
  EXPECT_TRUE(read_right_factors(message, 10, factor));
  EXPECT_EQ(factor, (Vector{right[0], right[1], right[2]}));
  EXPECT_THROW(read_right_factors(message, 11, factor), RunError);
  Vector other(4);
  EXPECT_THROW(read_right_factors(message, 10, other), std::logic_error);
  EXPECT_FALSE(read_right_factors(Message{}, 10, factor));
}

TEST(Pair, SaysTheSumOfBothUnderKeysOfTheirOwn) {
  const Key key{.seed = 5, .round = 2, .client = 1};
  Vector x(37);
  Stream stream = Key{.seed = 71}.stream(Purpose::batch);
  for (double& v : x) v = stream.uniform() - 0.5;
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    for (const char* first :
         {"rand-k(5)", "perm-k", "perm-k(3)", "top-k(3)", "natural", "identity", "bernoulli(1e-12)"}) {
      for (const char* second : {"rand-k(5)", "c-rand-k(7)", "c-perm-k", "top-k(25)", "sign", "qsgd(4)"}) {
        const Message a = compressed(first, wire, 4, key_of_part(key, 0), x);
        const Message b = compressed(second, wire, 4, key_of_part(key, 1), x);
        const Message both = pair_of(a, b);
        EXPECT_EQ(both.bytes.size(), 4 + a.bytes.size() + b.bytes.size());
        EXPECT_EQ(counted_floats(both, 37), counted_floats(a, 37) + counted_floats(b, 37));
        Vector sum(37, 0.25);
        Vector expected = sum;
        decode_add(key, both, -2, sum);
        decode_add(key_of_part(key, 0), a, -2, expected);
        decode_add(key_of_part(key, 1), b, -2, expected);
        EXPECT_EQ(sum, expected);
        Floats floats(37, 0.3F);
        Floats in_turn = floats;
        decode_add(key, both, -2, floats);
        decode_add(key_of_part(key, 0), a, -2, in_turn);
        decode_add(key_of_part(key, 1), b, -2, in_turn);
        EXPECT_EQ(floats, in_turn);
        EXPECT_FALSE(starts_over(both));
      }
    }
  }
  // Two draws of one client in one round are different.
  const Message same = compressed("rand-k(5)", Wire::f64, 4, key, x);
  EXPECT_NE(decoded(key_of_part(key, 0), same, 37), decoded(key_of_part(key, 1), same, 37));
}

TEST(Pair, StandsInPairsSixDeep) {
  // Left, right and zigzag chains: the limit of the depth is the same everywhere.
  for (const auto& goes_left : {std::function<bool(unsigned)>([](unsigned) { return true; }),
                                {[](unsigned) { return false; }},
                                {[](unsigned depth) { return depth % 2 == 0; }}}) {
    Message message = nothing();
    for (unsigned depth = 1; depth <= kPairDepth + 2; ++depth) {
      message = goes_left(depth) ? pair_of(message, nothing()) : pair_of(nothing(), message);
      const std::string error = error_of({1, 1, 0, 0, 0}, message.bytes, 3);
      if (depth <= kPairDepth) {
        EXPECT_EQ(error, "no error") << depth;
        EXPECT_EQ(counted_floats(message, 3), 0);
      } else {
        EXPECT_NE(error.find("too deep"), std::string::npos) << error;
        EXPECT_THROW(counted_floats(message, 3), RunError);
      }
    }
  }
}

TEST(Pair, HasALongHeaderWhereItsFirstMessageIsLong) {
  constexpr std::size_t kLong = std::size_t{1} << 22;  // values, and 2^24 bytes
  const Vector x(kLong, 1.5);
  for (const Message& first : {compressed("identity", Wire::f32, 1, {}, x), reset_of(Wire::f32, x)}) {
    const Message message = pair_of(first, nothing());
    EXPECT_EQ(message.bytes.size(), 12 + first.bytes.size() + 1);
    EXPECT_EQ(decoded({}, message, kLong), x);
    EXPECT_EQ(counted_floats(message, kLong), static_cast<double>(kLong));
    EXPECT_EQ(starts_over(message), starts_over(first));
  }
  // A length one byte below 2^24 uses the short header.
  const std::size_t less = (std::size_t{1} << 24) - 1;
  Message first;
  first.bytes.assign(less, 0);
  const Message message = pair_of(first, nothing());
  EXPECT_EQ(message.bytes.size(), 4 + less + 1);
  EXPECT_EQ(error_of({}, message.bytes, 3),
            "a message of 16777215 bytes begins with 0x00, which is no format");
}

TEST(Reset, IsSeenWhereItComesFirst) {
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    for (const std::size_t dim : {1, 2, 40}) {
      const Vector x(dim, -3);
      const Message whole = reset_of(wire, x);
      EXPECT_EQ(whole.bytes.size(), 2 + dim * bytes_of(wire));
      EXPECT_EQ(decoded({}, whole, dim), x);
      EXPECT_EQ(counted_floats(whole, dim), static_cast<double>(dim));
      EXPECT_TRUE(starts_over(whole));
      EXPECT_TRUE(starts_over(pair_of(whole, nothing())));  // with dim = 1, eleven bytes in total
      EXPECT_TRUE(starts_over(pair_of(pair_of(whole, nothing()), nothing())));
      EXPECT_FALSE(starts_over(pair_of(nothing(), whole)));
      EXPECT_FALSE(starts_over(uncounted(wire, x)));
      EXPECT_FALSE(starts_over(nothing()));
      // For bytes that are not a message it returns some result and does not read beyond them.
      Bytes bytes = pair_of(pair_of(whole, nothing()), nothing()).bytes;
      while (!bytes.empty()) {
        bytes.pop_back();
        starts_over(Message{Bytes(bytes)});
      }
      for (const Bytes& odd : {Bytes{11}, Bytes{11, 0, 0, 0}, Bytes{11, 0, 0, 0, 12}, Bytes{11, 1, 0, 0}})
        EXPECT_FALSE(starts_over(Message{odd}));
    }
  }
}

TEST(Uncounted, CountsNothingOnPaper) {
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    const Vector x = {1, 2, -3};
    const Message message = uncounted(wire, x);
    EXPECT_EQ(message.bytes.size(), 2 + 3 * bytes_of(wire));
    EXPECT_EQ(decoded({}, message, 3), x);
    EXPECT_EQ(counted_floats(message, 3), 0);
  }
}

TEST(Decode, ABlockForFarTooManyClientsIsRefusedBeforeItIsDealt) {
  // Each of these messages would need a deal to 2^24 clients: 200 MB and most of a second.
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint32_t round = 0; round < 1000; ++round) {
    EXPECT_NE(error_of({1, round, 0, 0, 0}, {3, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 3), "no error");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(Decode, NonFiniteValuesArriveAsTheyAre) {
  const double inf = std::numeric_limits<double>::infinity();
  Message message;
  write_dense(Wire::f32, Vector{inf, -inf, std::nan("")}, message);
  Vector x(3);
  decode_add({}, message, 1, x);
  EXPECT_EQ(x[0], inf);
  EXPECT_EQ(x[1], -inf);
  EXPECT_TRUE(std::isnan(x[2]));
  // The encoders do not crash either.
  const Vector wild = {inf, -inf, std::nan(""), 1, -0.0};
  for (const char* spec : {"identity", "rand-k(2)", "top-k(2)", "perm-k", "natural", "bernoulli(1)", "sign",
                           "qsgd(4)", "natural-dithering(4)"}) {
    for (const Wire wire : {Wire::f32, Wire::f64}) {
      const Message sent = compressed(spec, wire, 2, {}, wild);
      Vector y(wild.size());
      decode_add({}, sent, 1, y);
    }
  }
}

TEST(Sparse, AnySupportComesBack) {
  Stream stream = Key{41, 0, 0, 0, 0}.stream(Purpose::batch);
  Message message;
  for (int i = 0; i < 3000; ++i) {
    const std::size_t dim = 1 + stream.below(i % 10 == 0 ? 100000 : 200);
    // From clustered to spread, so that the gaps differ from the code's expectation.
    std::vector<std::uint32_t> support;
    const std::uint64_t chance = 1 + stream.below(64);
    const std::size_t from = stream.below(dim);
    const std::size_t to = from + stream.below(dim - from + 1);
    for (std::size_t j = from; j < to; ++j) {
      if (stream.below(64) < chance) support.push_back(static_cast<std::uint32_t>(j));
    }
    Vector values(support.size());
    for (double& v : values) v = stream.uniform();
    write_sparse(Wire::f64, dim, support, values, message);
    Vector expected(dim);
    for (std::size_t k = 0; k < support.size(); ++k) expected[support[k]] = values[k];
    Vector decoded(dim);
    decode_add({}, message, 1, decoded);
    ASSERT_EQ(decoded, expected);
    EXPECT_EQ(counted_floats(message, dim), static_cast<double>(support.size()));
    EXPECT_LE(message.bytes.size(), 1 + (dim + 7) / 8 + 8 * support.size()) << "never longer than a bitmap";
  }
}

TEST(Sparse, NothingIsAMessageToo) {
  Message message;
  write_sparse(Wire::f32, 1000, {}, {}, message);
  EXPECT_EQ(message.bytes.size(), 4U);
  Vector x(1000, 1.0);
  decode_add({}, message, 1, x);
  EXPECT_EQ(x, Vector(1000, 1.0));
}

TEST(Sparse, TheLongestGapsOfTheLargestVectors) {
  // Gaps can be tested without a vector of 2^32 - 1 coordinates.
  constexpr std::size_t kDim = (std::size_t{1} << 32) - 1;
  for (const std::size_t count : {1, 2, 16, 17, 1000}) {
    const GapCode code(count, kDim);
    const std::uint32_t gaps[] = {0, 1, static_cast<std::uint32_t>(kDim / count),
                                  static_cast<std::uint32_t>(kDim / 2)};
    std::size_t bits = 0;
    for (const std::uint32_t gap : gaps) bits += code.length(gap);
    Bytes bytes((bits + 7) / 8);
    BitWriter writer(bytes.data());
    for (const std::uint32_t gap : gaps) code.put(writer, gap);
    EXPECT_EQ(writer.finish(), bytes.data() + bytes.size());
    BitReader reader(bytes);
    for (const std::uint32_t gap : gaps) EXPECT_EQ(code.get(reader, kDim), gap);
    EXPECT_EQ(reader.position(), bits);
  }
}

/// log2 of the number of `count`-subsets of a set of `dim` elements.
double log2_binomial(double dim, double count) {
  return (std::lgamma(dim + 1) - std::lgamma(count + 1) - std::lgamma(dim - count + 1)) / std::log(2.0);
}

TEST(Sparse, IndicesCostLittleMoreThanTheyMust) {
  for (const std::size_t count : {10, 30, 100, 1000, 10000}) {
    double worst = 0;
    for (double share = 0.001; share < 0.1001; share *= 1.1) {
      const auto dim = static_cast<std::size_t>(std::llround(static_cast<double>(count) / share));
      const std::size_t draws = std::max<std::size_t>(3, 40000 / count);
      double bits = 0;
      std::vector<std::uint32_t> support;
      for (std::uint32_t t = 0; t < draws; ++t) {
        draw_subset(Key{51, t, 0, 0, 0}.stream(Purpose::compressor), count, dim, support);
        GapCodes codes(count, dim);
        std::uint32_t next = 0;
        for (const std::uint32_t j : support) {
          bits += static_cast<double>(codes.next(dim - next).length(j - next));
          next = j + 1;
        }
      }
      bits /= static_cast<double>(draws);
      worst = std::max(worst, bits / log2_binomial(static_cast<double>(dim), static_cast<double>(count)) - 1);
    }
    EXPECT_LT(worst, count == 10 ? 0.03 : count < 100 ? 0.025 : 0.015) << count;
    RecordProperty("worst_percent_" + std::to_string(count), std::to_string(100 * worst));
  }
}

TEST(Natural, NineBitsAndTwelveBits) {
  for (const std::size_t dim : {1, 7, 8, 9, 1000, 1001}) {
    const Vector x(dim, 3.0);
    EXPECT_EQ(compressed("natural", Wire::f32, 1, {}, x).bytes.size(), 1 + dim + (dim + 7) / 8);
    EXPECT_EQ(compressed("natural", Wire::f64, 1, {}, x).bytes.size(), 1 + dim + (dim + 1) / 2);
  }
}

TEST(Levels, EveryWidthComesBack) {
  // Exact multiples of the step: nothing is random. The highest level determines the norm: 2 s^2 = sum of
  // squares.
  for (std::size_t s = 1; s <= kUniformLevelLimit; s = 2 * s + s % 3) {
    for (const std::size_t dim : {1, 3, 4, 5, 511, 512, 513, 2000}) {
      Vector x(dim);
      x[dim / 2] = -static_cast<double>(s);
      Message message;
      write_uniform_levels(Wire::f64, s, Key{61, 0, 0, 0, 0}.stream(Purpose::compressor), x, message);
      EXPECT_LE(message.bytes.size(), 4 + 8 + (dim * bits_per_level(s) + 7) / 8);
      Vector y(dim);
      decode_add({}, message, 1, y);
      EXPECT_EQ(y, x) << s << ' ' << dim;
      EXPECT_EQ(counted_floats(message, dim), 1 + bits_per_level(s) / 64.0);
    }
  }
}

TEST(Message, KeepsItsBuffer) {
  const auto compressor = make_compressor(parse("top-k(10)"), {.dim = 1000, .clients = 1, .wire = Wire::f32});
  Vector x(1000);
  for (std::size_t j = 0; j < x.size(); ++j) x[j] = std::sin(static_cast<double>(j));
  Message message;
  message.bytes.reserve(4096);
  const std::uint8_t* buffer = message.bytes.data();
  for (std::uint32_t round = 0; round < 5; ++round) compressor->compress({1, round, 0, 0, 0}, x, message);
  EXPECT_EQ(message.bytes.data(), buffer);
}

/// One byte for each coordinate.
void register_bytes(const std::string& name) {
  register_format(
      {.name = name,
       .decode =
           [](const Key& key, std::span<const std::uint8_t> payload, MutView x) {
             if (payload.size() != x.size()) throw RunError("need a byte for each coordinate");
             for (std::size_t j = 0; j < x.size(); ++j) x[j] = payload[j] + key.client;
           },
       .floats =
           [](std::span<const std::uint8_t> payload) { return static_cast<double>(payload.size()) / 4; }});
}

TEST(Registered, CarriesBytesOfItsOwn) {
  register_bytes("bytes");
  Message message;
  write_registered("bytes", Bytes{1, 2, 250}, message);
  EXPECT_EQ(message.bytes.size(), 7U);
  Vector acc = {1, 0, 0};
  decode_add(kExampleKey, message, 2, acc);
  EXPECT_EQ(acc, (Vector{1 + 2 * 4, 2 * 5, 2 * 253}));
  EXPECT_EQ(counted_floats(message, 3), 0.75);
  EXPECT_EQ(error_of(kExampleKey, message.bytes, 4), "need a byte for each coordinate");
  message.bytes[0] |= kWideValues;
  EXPECT_EQ(error_of(kExampleKey, message.bytes, 3),
            "a registered message (f64, 7 bytes, for 3 coordinates): registered formats have no f64 form");
}

TEST(Registered, NeedsItsFormat) {
  Message message;
  write_registered("never registered", Bytes{1}, message);
  EXPECT_EQ(
      error_of(kExampleKey, message.bytes, 1),
      "a registered message (f32, 5 bytes, for 1 coordinates): no format is registered with its number");
  EXPECT_EQ(error_of(kExampleKey, {0x16, 0, 0}, 1),
            "a registered message (f32, 3 bytes, for 1 coordinates): truncated in its header of 4 bytes");
}

TEST(Registered, TakesANameOnce) {
  register_bytes("taken");
  EXPECT_THROW(register_bytes("taken"), InputError);
}

}  // namespace
}  // namespace laconic
