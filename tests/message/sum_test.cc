// SPDX-License-Identifier: Apache-2.0
// Sums of many messages, and counted signs, compared with one addition after another.
#include "laconic/message/sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "laconic/compress/compressor.h"
#include "laconic/message/bits.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kDims[] = {1, 63, 64, 65, 1000, 4099};

/// Compares all bits, including those of NaN and the signs of zeros.
std::vector<std::uint64_t> bits_of(View x) {
  std::vector<std::uint64_t> bits;
  for (const double v : x) bits.push_back(std::bit_cast<std::uint64_t>(v));
  return bits;
}

Vector uneven_vector(std::uint32_t number, std::size_t dim) {
  Stream stream = Key{.seed = 3, .client = number}.stream(Purpose::batch);
  Vector x(dim);
  for (double& v : x) v = std::ldexp(stream.uniform() - 0.5, static_cast<int>(stream.below(40)) - 20);
  return x;
}

/// An initial value: sums must work with any.
Vector something_there(std::size_t dim) {
  Vector acc = uneven_vector(1000, dim);
  const double odd[] = {-0.0, std::numeric_limits<double>::infinity(), std::nan(""), 0};
  for (std::size_t j = 0; j < std::min(dim, std::size(odd)); ++j) acc[7 * j % dim] = odd[j];
  return acc;
}

/// Messages of the compressors in turn, with different weights; each seventh encodes zero.
struct Messages {
  std::vector<Message> messages;
  std::vector<Addend> sum;

  Messages(const std::vector<const char*>& compressors, Wire wire, std::size_t count, std::size_t dim)
      : messages(count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const Key key{.seed = 1, .round = 2, .client = i};
      const Vector x = i % 7 == 5 ? Vector(dim) : uneven_vector(i, dim);
      make_compressor(parse(compressors[i % compressors.size()]), {dim, count, wire})
          ->compress(key, x, messages[i]);
      sum.push_back({key, messages[i].bytes, (i % 3 == 1 ? -1 : 1) / (i + 3.0)});
    }
  }

  void add_in_turn(MutView acc) const {
    for (std::size_t m = 0; m < sum.size(); ++m) decode_add(sum[m].key, messages[m], sum[m].weight, acc);
  }
};

TEST(Sum, HasTheBitsOfOneMessageAfterAnother) {
  const std::vector<std::vector<const char*>> tables = {
      {"one-bit"},
      {"one-bit(scale=l2)"},
      {"one-bit(scale=block, block=8)"},
      {"sign"},
      {"sign(block=64)"},
      {"one-bit(scale=block, block=64)", "sign", "sign(block=24)"},
      {"one-bit", "top-k(1)", "sign(block=16)", "one-bit", "one-bit", "identity", "natural", "qsgd(4)",
       "rand-k(1)"},
  };
  for (std::size_t threads = 1; threads <= 3; ++threads) {
    ThreadPool pool(threads);
    for (const auto& compressors : tables) {
      for (const std::size_t dim : kDims) {
        for (const std::size_t count : {1, 2, 3, 8, 31, 130}) {
          const Messages said(compressors, count % 2 == 0 ? Wire::f32 : Wire::f64, count, dim);
          Vector expected = something_there(dim);
          said.add_in_turn(expected);
          Vector acc = something_there(dim);
          SignCount counted;
          decode_add_all(said.sum, counted, pool, acc);
          ASSERT_EQ(bits_of(acc), bits_of(expected))
              << compressors[0] << ", " << count << " messages, dim " << dim << ", " << threads << " threads";
          counted.settle(pool, acc);
          ASSERT_EQ(bits_of(acc), bits_of(expected)) << "nothing was counted";
        }
      }
    }
  }
}

TEST(Sum, OfSignsIsWhatTheirBytesSay) {
  const std::size_t dim = 40000;  // more than one task of a thread
  const Messages said({"one-bit"}, Wire::f64, 37, dim);
  Vector expected = uneven_vector(1000, dim);
  Vector acc = expected;
  for (const Addend& one : said.sum) {
    const auto c = load_le<double>(one.message.data() + 1);
    for (std::size_t j = 0; j < dim; ++j)
      expected[j] += one.weight * ((one.message[9 + j / 8] >> (j % 8) & 1) != 0 ? -c : c);
  }
  for (std::size_t threads = 1; threads <= 3; ++threads) {
    ThreadPool pool(threads);
    Vector sum = acc;
    SignCount counted;
    decode_add_all(said.sum, counted, pool, sum);
    EXPECT_EQ(bits_of(sum), bits_of(expected)) << threads;
  }
}

TEST(Sum, RefusesWhatIsNoMessage) {
  ThreadPool pool(1);
  SignCount counted;
  Vector acc(65);
  const Messages said({"one-bit"}, Wire::f32, 2, 65);
  Bytes bytes = said.messages[1].bytes;
  const auto add = [&] {
    const std::vector<Addend> sum = {said.sum[0], {{}, bytes, 1}};
    decode_add_all(sum, counted, pool, acc);
  };
  bytes.back() |= 2;
  EXPECT_THROW(add(), RunError);  // a padding bit
  bytes.pop_back();
  EXPECT_THROW(add(), RunError);
  EXPECT_EQ(acc, Vector(65)) << "nothing was added yet";
}

/// Bit 1 for a -, in each of `count` planes.
std::vector<Bytes> planes_of(std::size_t count, std::size_t dim) {
  std::vector<Bytes> planes(count, Bytes((dim + 7) / 8));
  Stream stream = Key{.seed = 8}.stream(Purpose::batch);
  for (Bytes& plane : planes) {
    for (std::uint8_t& byte : plane) byte = static_cast<std::uint8_t>(stream.below(256));
    if (dim % 8 != 0) plane.back() &= static_cast<std::uint8_t>((1U << (dim % 8)) - 1);
  }
  return planes;
}

TEST(SignCount, IsThePlainCountInAnyOrder) {
  std::vector<std::size_t> dims(std::begin(kDims), std::end(kDims));
  dims.push_back(150001);  // several blocks
  for (const std::size_t dim : dims) {
    for (const std::size_t count : {1, 2, 7, 8, 9, 16, 100, 255, 256, 257, 1000}) {
      if (dim > 10000 && count > 300) continue;
      const std::vector<Bytes> planes = planes_of(count, dim);
      Vector expected = uneven_vector(1, dim);
      for (std::size_t j = 0; j < dim; ++j) {
        std::size_t minus = 0;
        for (const Bytes& plane : planes) minus += plane[j / 8] >> (j % 8) & 1;
        expected[j] += 0.3 * (static_cast<double>(count) - 2 * static_cast<double>(minus));
      }
      SignCount counted;  // reused, as in consecutive rounds
      Stream stream = Key{.seed = 9}.stream(Purpose::batch);
      for (std::size_t threads = 1; threads <= 3; ++threads) {
        ThreadPool pool(threads);
        std::vector<const std::uint8_t*> order;
        for (const Bytes& plane : planes) order.push_back(plane.data());
        for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[stream.below(i)]);
        Vector acc = uneven_vector(1, dim);
        for (std::size_t first = 0; first < count;) {
          const std::size_t next =
              std::min<std::size_t>(count, first + 1 + stream.below(threads == 1 ? 1 : 40));
          EXPECT_TRUE(counted.takes(0.3));
          counted.add(std::span(order).subspan(first, next - first), dim, pool);
          first = next;
        }
        counted.settle(pool, acc);
        ASSERT_EQ(acc, expected) << count << " planes, dim " << dim;
        counted.settle(pool, acc);
        ASSERT_EQ(acc, expected) << "settled once";
      }
    }
  }
}

TEST(SignCount, TakesWhatSaysTheSameAsTheFirst) {
  SignCount counted;
  EXPECT_FALSE(counted.takes(0));
  EXPECT_TRUE(counted.takes(0.25));
  const std::uint8_t plane = 0;
  const std::uint8_t* const planes[] = {&plane};
  ThreadPool pool(1);
  counted.add(planes, 1, pool);
  EXPECT_FALSE(counted.takes(0.5));
  EXPECT_TRUE(counted.takes(0.25));
  counted.clear();
  EXPECT_TRUE(counted.takes(0.5));
}

TEST(Sum, CountsSignsThatAllKnowTheMultipleOf) {
  const std::size_t dim = 65;
  std::vector<Message> messages(30);
  std::vector<Addend> sum;
  Vector expected = uneven_vector(1000, dim);
  const Vector start = expected;
  Vector signs(dim);  // of the counted planes: number of + minus number of -
  const auto bounded = make_compressor(parse("dithered-sign(0.5)"), {dim, 30, Wire::f32});
  const auto scaled = make_compressor(parse("one-bit"), {dim, 30, Wire::f32});
  for (std::uint32_t i = 0; i < messages.size(); ++i) {
    const Key key{.seed = 1, .client = i};
    const Vector x = uneven_vector(i, dim);
    (i % 4 == 1 ? scaled : bounded)->compress(key, x, messages[i]);
    sum.push_back({key, messages[i].bytes, i % 5 == 3 ? 0.3 : 0.1});
    if (i % 4 != 1 && i % 5 != 3) {
      decode_add(key, messages[i], 2, signs);
    } else {
      decode_add(key, messages[i], sum[i].weight, expected);
    }
  }
  for (std::size_t j = 0; j < dim; ++j) expected[j] += 0.1 * 0.5 * signs[j];
  for (const std::size_t at_a_time : {1, 3, 30}) {
    ThreadPool pool(2);
    SignCount counted;
    Vector acc = start;
    for (std::size_t first = 0; first < sum.size(); first += at_a_time)
      decode_add_all(std::span(sum).subspan(first, at_a_time), counted, pool, acc);
    counted.settle(pool, acc);
    EXPECT_EQ(acc, expected) << at_a_time;
  }
}

}  // namespace
}  // namespace laconic::testing
