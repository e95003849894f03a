// SPDX-License-Identifier: Apache-2.0
// Properties that all compressors must have, tested over a table: a new compressor is one row.
#include "laconic/compress/compressor.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <Eigen/Dense>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "laconic/compress/select.h"
#include "laconic/core/error.h"
#include "laconic/message/bits.h"
#include "laconic/message/deal.h"
#include "laconic/message/subset.h"
#include "laconic/message/wire.h"
#include "tests/cpus.h"

namespace laconic {
namespace {

constexpr std::size_t kDims[] = {1, 2, 10, 63, 64, 65, 1000};
constexpr std::size_t kClients = 4;

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

std::unique_ptr<Compressor> make(const std::string& text, std::size_t dim, Wire wire = Wire::f64,
                                 std::size_t clients = kClients) {
  return make_compressor(parse(text), {.dim = dim, .clients = clients, .wire = wire});
}

Vector decoded(const Key& key, const Message& message, std::size_t dim) {
  Vector x(dim);
  decode_add(key, message, 1, x);
  return x;
}

Vector compressed(const Compressor& compressor, const Key& key, View x) {
  Message message;
  compressor.compress(key, x, message);
  return decoded(key, message, x.size());
}

/// How tight the bound of a compressor is.
enum class Meets {
  with_equality,     // in expectation, for all x
  at_most,           // in expectation
  on_every_message,  // contraction without randomness
};

/// A row of the table: a spec for each dim, and the expected form of its messages. In the spec, J is half of
/// the other coordinates and L = K + J.
struct Row {
  const char* spec;
  std::size_t (*k)(std::size_t dim);  // K in the spec
  Meets meets;
  double (*floats)(std::size_t dim, std::size_t k,
                   Wire wire);  // counted floats of client 0; -1: not a fixed number
  std::size_t (*length)(std::size_t dim, std::size_t k, std::size_t width);  // bytes; 0: not a fixed number
};

std::size_t tenth(std::size_t dim) { return (dim + 9) / 10; }
std::size_t most_of(std::size_t dim) { return dim - dim / 10; }
std::size_t all_of(std::size_t dim) { return dim; }
/// At most the number of coordinates dealt to each of kClients clients.
std::size_t some_of_a_deal(std::size_t dim) { return std::max<std::size_t>(1, dim / 8); }
std::size_t all_of_a_deal(std::size_t dim) { return std::max<std::size_t>(1, dim / kClients); }
double k_floats(std::size_t, std::size_t k, Wire) { return static_cast<double>(k); }
double any_floats(std::size_t, std::size_t, Wire) { return -1; }
std::size_t k_bytes(std::size_t, std::size_t k, std::size_t width) { return 1 + k * width; }
std::size_t block_bytes(std::size_t, std::size_t k, std::size_t width) { return 4 + k * width; }
std::size_t any_bytes(std::size_t, std::size_t, std::size_t) { return 0; }
bool are_sparse_levels(const Message& message) {
  const unsigned format = message.bytes.at(0) & 0x7fU;
  return format == 0x11 || format == 0x12;
}

/// Header and norm, and `bits` bits per coordinate. Sparse levels, where they are written, are shorter.
template <std::size_t bits>
std::size_t level_bytes(std::size_t d, std::size_t, std::size_t width) {
  return 4 + width + (bits * d + 7) / 8;
}
template <std::size_t bits>
double level_floats(std::size_t d, std::size_t, Wire wire) {
  return 1 + static_cast<double>(bits * d) / (wire == Wire::f32 ? 32 : 64);
}

/// `values` values, and one bit per coordinate.
template <std::size_t values>
double bit_floats(std::size_t d, std::size_t, Wire wire) {
  return values + static_cast<double>(d) / (wire == Wire::f32 ? 32 : 64);
}
template <std::size_t block>
double block_floats(std::size_t d, std::size_t k, Wire wire) {
  return static_cast<double>((d + block - 1) / block) + bit_floats<0>(d, k, wire);
}
/// A header with a known scale.
std::size_t bit_bytes(std::size_t d, std::size_t, std::size_t) { return 4 + (d + 7) / 8; }
template <std::size_t block>
std::size_t block_sign_bytes(std::size_t d, std::size_t, std::size_t width) {
  return 4 + (d + block - 1) / block * width + (d + 7) / 8;
}

/// Of a vector without blocks: the values of R columns of its one matrix and, if `both`, of R rows.
template <std::size_t rank, bool both>
std::size_t matrix_values(std::size_t d) {
  const auto rows = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(d))));
  const std::size_t cols = (d + rows - 1) / rows;
  const std::size_t lines = both ? rows + cols : rows;
  return rank * lines < rows * cols ? rank * lines : 0;
}
template <std::size_t rank, bool both>
double matrix_floats(std::size_t d, std::size_t, Wire) {
  const std::size_t values = matrix_values<rank, both>(d);
  return static_cast<double>(values > 0 ? values : d);
}
template <std::size_t rank, bool both>
std::size_t matrix_bytes(std::size_t d, std::size_t, std::size_t width) {
  const std::size_t values = matrix_values<rank, both>(d);
  return values > 0 ? 4 + 4 + values * width : 1 + d * width;
}

const Row kRows[] = {
    {"identity", all_of, Meets::on_every_message, k_floats, k_bytes},
    {"rand-k(K)", tenth, Meets::with_equality, k_floats, k_bytes},
    {"rand-k(K)", most_of, Meets::with_equality, k_floats, k_bytes},
    {"rand-k(K)", all_of, Meets::with_equality, k_floats, k_bytes},
    {"c-rand-k(K)", tenth, Meets::with_equality, k_floats, k_bytes},
    {"c-rand-k(K)", most_of, Meets::with_equality, k_floats, k_bytes},
    {"c-rand-k(K)", all_of, Meets::with_equality, k_floats, k_bytes},
    {"chunk-top-k(K)", tenth, Meets::on_every_message, k_floats, any_bytes},
    {"top-k(K)", tenth, Meets::on_every_message, k_floats, any_bytes},
    {"top-k(K)", most_of, Meets::on_every_message, k_floats, any_bytes},
    {"top-k(K)", all_of, Meets::on_every_message, k_floats, any_bytes},
    {"comp(K, L)", tenth, Meets::at_most, k_floats, any_bytes},
    {"comp(K, L)", most_of, Meets::at_most, k_floats, any_bytes},
    {"comp(K, K)", tenth, Meets::on_every_message, k_floats, any_bytes},
    {"comp(K, 100%)", tenth, Meets::with_equality, k_floats, any_bytes},
    {"mix(K, J)", tenth, Meets::at_most, any_floats, any_bytes},
    {"mix(K, J)", most_of, Meets::at_most, any_floats, any_bytes},
    {"mix(K, 0)", tenth, Meets::on_every_message, k_floats, any_bytes},
    {"low-rank(1)", all_of, Meets::at_most, matrix_floats<1, true>, matrix_bytes<1, true>},
    {"low-rank(3, warm=0)", all_of, Meets::at_most, matrix_floats<3, true>, matrix_bytes<3, true>},
    {"sketch(1)", all_of, Meets::at_most, matrix_floats<1, false>, matrix_bytes<1, false>},
    {"sketch(5)", all_of, Meets::at_most, matrix_floats<5, false>, matrix_bytes<5, false>},
    {"perm-k", all_of, Meets::with_equality, any_floats, any_bytes},
    {"perm-k(K)", some_of_a_deal, Meets::with_equality, k_floats, block_bytes},
    {"perm-k(K)", all_of_a_deal, Meets::with_equality, k_floats, block_bytes},
    {"c-perm-k", all_of, Meets::with_equality, any_floats, any_bytes},
    {"c-perm-k(K)", some_of_a_deal, Meets::with_equality, k_floats, block_bytes},
    {"natural", all_of, Meets::at_most,
     [](std::size_t d, std::size_t, Wire wire) {
       return static_cast<double>(d) * (wire == Wire::f32 ? 9.0 / 32 : 12.0 / 64);
     },
     [](std::size_t d, std::size_t, std::size_t width) {
       return 1 + d + (width == 4 ? (d + 7) / 8 : (d + 1) / 2);
     }},
    {"bernoulli(0.3)", all_of, Meets::with_equality, any_floats, any_bytes},
    {"bernoulli(1)", all_of, Meets::with_equality, k_floats, k_bytes},
    {"c-bernoulli(0.3)", all_of, Meets::with_equality, any_floats, any_bytes},
    {"qsgd(1)", all_of, Meets::at_most, any_floats, level_bytes<2>},
    {"qsgd(4)", all_of, Meets::at_most, any_floats, level_bytes<4>},
    {"qsgd(127)", all_of, Meets::at_most, any_floats, level_bytes<8>},
    {"qsgd(1000)", all_of, Meets::at_most, any_floats, level_bytes<11>},
    {"qsgd(32767)", all_of, Meets::at_most, any_floats, level_bytes<16>},
    {"natural-dithering(1)", all_of, Meets::at_most, level_floats<2>, level_bytes<2>},
    {"natural-dithering(4)", all_of, Meets::at_most, level_floats<4>, level_bytes<4>},
    {"natural-dithering(127)", all_of, Meets::at_most, level_floats<8>, level_bytes<8>},
    {"sign", all_of, Meets::on_every_message,
     [](std::size_t d, std::size_t, Wire wire) {
       return 1 + static_cast<double>(d) / (wire == Wire::f32 ? 32 : 64);
     },
     [](std::size_t d, std::size_t, std::size_t width) { return 1 + width + (d + 7) / 8; }},
    {"sign(block=24)", all_of, Meets::on_every_message, block_floats<24>, block_sign_bytes<24>},
    {"sign(scale=one)", all_of, Meets::at_most, bit_floats<0>, bit_bytes},
    {"one-bit", all_of, Meets::at_most, bit_floats<1>,
     [](std::size_t d, std::size_t, std::size_t width) { return 1 + width + (d + 7) / 8; }},
    {"one-bit(scale=l2)", all_of, Meets::with_equality, bit_floats<1>,
     [](std::size_t d, std::size_t, std::size_t width) { return 1 + width + (d + 7) / 8; }},
    {"one-bit(scale=block, block=24)", all_of, Meets::at_most, block_floats<24>, block_sign_bytes<24>},
    {"one-bit(scale=fixed, bound=2)", all_of, Meets::at_most, bit_floats<0>, bit_bytes},
    {"one-bit(scale=none)", all_of, Meets::at_most, bit_floats<0>, bit_bytes},
    {"dithered-sign(2)", all_of, Meets::at_most, bit_floats<0>, bit_bytes},
};

std::string spec_of(const Row& row, std::size_t dim) {
  const std::size_t k = row.k(dim);
  const std::size_t half = (dim - k) / 2;
  std::string text;
  for (const char c : std::string(row.spec)) {
    const std::size_t count = c == 'K' ? k : c == 'J' ? half : k + half;
    text += c == 'K' || c == 'J' || c == 'L' ? std::to_string(count) : std::string(1, c);
  }
  return text;
}

struct Input {
  std::string name;
  Vector x;
};

/// Vectors that cause different kinds of errors.
std::vector<Input> vectors(std::size_t dim) {
  std::vector<Input> all;
  all.push_back({"zeros", Vector(dim)});
  all.push_back({"negative zeros", Vector(dim, -0.0)});
  Vector spike(dim);
  spike[dim / 2] = -3.7;
  all.push_back({"one spike", spike});
  all.push_back({"ties", Vector(dim, 1.5)});
  Vector signs(dim);
  for (std::size_t j = 0; j < dim; ++j) signs[j] = j % 3 == 0 ? -1 : 1;
  all.push_back({"signs", signs});
  Stream stream = Key{dim, 0, 0, 0, 0}.stream(Purpose::batch);
  Vector random(dim);
  for (double& v : random) v = stream.uniform() * 2 - 1;
  all.push_back({"random", random});
  Vector steep(dim);
  for (std::size_t j = 0; j < dim; ++j)
    steep[j] = random[j] * std::pow(10.0, static_cast<double>(j % 40) - 20);
  all.push_back({"magnitudes from 1e-20 to 1e19", steep});
  Vector tiny(dim);
  for (std::size_t j = 0; j < dim; ++j) tiny[j] = random[j] * 1e-300;
  all.push_back({"tiny", tiny});
  Vector huge(dim);
  for (std::size_t j = 0; j < dim; ++j) huge[j] = random[j] * 1e36;
  all.push_back({"huge", huge});
  return all;
}

template <class Law>
void for_all(Law&& law) {
  for (const Row& row : kRows) {
    for (const std::size_t dim : kDims) {
      for (const Wire wire : {Wire::f32, Wire::f64}) {
        const std::string spec = spec_of(row, dim);
        const auto compressor = make(spec, dim, wire);
        for (const auto& [name, x] : vectors(dim)) {
          SCOPED_TRACE(spec + ", dim " + std::to_string(dim) + (wire == Wire::f32 ? ", f32, " : ", f64, ") +
                       name);
          law(row, *compressor, wire, x);
        }
      }
    }
  }
}

TEST(Compressors, TheSameKeySaysTheSameBytes) {
  for_all([](const Row&, const Compressor& compressor, Wire, View x) {
    const Key key{11, 5, 2, 0, 0};
    Message first;
    compressor.compress(key, x, first);
    Message second{std::vector<std::uint8_t>(17, 0xff)};  // the old content of the buffer must not matter
    compressor.compress({11, 6, 1, 0, 0}, x, second);
    compressor.compress(key, x, second);
    EXPECT_EQ(first.bytes, second.bytes);
  });
}

/// The inputs of the table as floats, and special ones: huge, subnormal and signed zeros, alone or next to
/// others.
std::vector<std::vector<float>> float_vectors(std::size_t dim) {
  std::vector<std::vector<float>> all;
  for (const auto& [name, x] : vectors(dim)) {
    std::vector<float>& floats = all.emplace_back(dim);
    for (std::size_t j = 0; j < dim; ++j) floats[j] = static_cast<float>(x[j]);
  }
  Stream stream = Key{dim, 1, 0, 0, 0}.stream(Purpose::batch);
  constexpr float kSpecial[] = {0.0F, -0.0F, 1e-45F, -3e-42F, 1.2e-38F, 3.4e38F, -3.4e38F, 1.0F};
  for (const std::size_t specials : {std::size_t{5}, std::size(kSpecial)}) {  // without and with large ones
    std::vector<float>& floats = all.emplace_back(dim);
    for (float& v : floats) v = kSpecial[stream.below(specials)];
  }
  return all;
}

TEST(Compressors, FloatsAreSaidAsTheDoublesTheyAre) {
  std::size_t compared = 0;
  for (const Row& row : kRows) {
    for (const std::size_t dim : {1, 2, 10, 31, 63, 64, 65, 513, 1000}) {
      for (const Wire wire : {Wire::f32, Wire::f64}) {
        const std::string spec = spec_of(row, dim);
        const auto compressor = make(spec, dim, wire);
        for (const std::vector<float>& floats : float_vectors(dim)) {
          SCOPED_TRACE(fmt::format("{}, dim {}, {}", spec, dim, wire == Wire::f32 ? "f32" : "f64"));
          const Key key{14, 5, 2, 0, 0};
          const Vector x(floats.begin(), floats.end());
          Message expected, said{std::vector<std::uint8_t>(17, 0xff)};
          compressor->compress(key, x, expected);
          compressor->compress_floats(key, floats, said);
          EXPECT_EQ(said.bytes, expected.bytes);
          // Both readers, from zero and from other sums.
          for (const float start : {0.0F, 0.7F}) {
            std::vector<float> sum(dim, start);
            Vector wide(dim, static_cast<double>(start));
            decode_add(key, said, 0.3, sum);
            decode_add(key, expected, 0.3, wide);
            for (std::size_t j = 0; j < dim; ++j) {
              // Products of the largest floats overflow in f32 messages of matrices: inf - inf is NaN.
              EXPECT_EQ(std::isnan(sum[j]), std::isnan(wide[j])) << j;
              EXPECT_TRUE(sum[j] == static_cast<float>(wide[j]) || std::isnan(wide[j])) << j;
            }
          }
          ++compared;
        }
        EXPECT_THROW(
            {
              Message message;
              compressor->compress_floats({}, std::vector<float>(dim + 1), message);
            },
            std::logic_error)
            << spec;
      }
    }
  }
  EXPECT_GT(compared, 5000U);
}

TEST(Compressors, TheSameBytesOnEveryCpu) {
  for (const Row& row : kRows) {
    for (const std::size_t dim : {1, 2, 10, 31, 63, 64, 65, 513, 1000}) {
      for (const Wire wire : {Wire::f32, Wire::f64}) {
        const std::string spec = spec_of(row, dim);
        SCOPED_TRACE(fmt::format("{}, dim {}, {}", spec, dim, wire == Wire::f32 ? "f32" : "f64"));
        for (const std::vector<float>& floats : float_vectors(dim)) {
          const Key key{14, 5, 2, 0, 0};
          Vector x(floats.begin(), floats.end());
          for (double& v : x) v *= 1 + 0x1p-40;  // doubles that are no floats
          std::optional<Message> first, first_of_floats;
          std::optional<Vector> sum;
          testing::on_each_cpu([&] {
            const auto compressor = make(spec, dim, wire);
            Message message, of_floats;
            compressor->compress(key, x, message);
            compressor->compress_floats(key, floats, of_floats);
            Vector wide(dim, 0.7);
            std::vector<float> narrow(dim, 0.7F);
            decode_add(key, message, 0.3, wide);
            decode_add(key, of_floats, 0.3, narrow);
            wide.insert(wide.end(), narrow.begin(), narrow.end());
            if (!first) first = message, first_of_floats = of_floats, sum = wide;
            EXPECT_EQ(message.bytes, first->bytes);
            EXPECT_EQ(of_floats.bytes, first_of_floats->bytes);
            EXPECT_EQ(std::memcmp(wide.data(), sum->data(), wide.size() * sizeof(double)), 0);
          });
        }
      }
    }
  }
}

TEST(Compressors, LongVectorsOfFloatsToo) {
  // Long enough for the guess of the selection, with and without ties.
  for (const std::size_t dim : {65536, 100003}) {
    std::vector<float> floats(dim), tied(dim);
    Stream stream = Key{dim, 2, 0, 0, 0}.stream(Purpose::batch);
    for (std::size_t j = 0; j < dim; ++j) {
      floats[j] = static_cast<float>(stream.uniform() - 0.5);
      tied[j] = static_cast<float>(stream.below(5)) - 2;
    }
    for (const char* spec : {"top-k(1%)", "top-k(40%)", "top-k(12)", "comp(10, 1%)", "mix(10, 1%)", "natural",
                             "sign", "one-bit", "qsgd(1)", "qsgd(4)", "qsgd(3000)"}) {
      for (const std::vector<float>& x : {floats, tied, std::vector<float>(dim)}) {
        const auto compressor = make(spec, dim, Wire::f32);
        const Key key{15, 5, 2, 0, 0};
        Message expected, said;
        const Vector wide(x.begin(), x.end());
        compressor->compress(key, wide, expected);
        compressor->compress_floats(key, x, said);
        EXPECT_EQ(said.bytes, expected.bytes) << spec;
        compressor->compress_difference(key, wide, Vector(tied.begin(), tied.end()), expected);
        compressor->compress_difference_of_floats(key, x, tied, said);
        EXPECT_EQ(said.bytes, expected.bytes) << spec;
      }
    }
  }
}

/// Infinities and NaN: compress() promises nothing for them, but the fallbacks to dense are the same.
TEST(Compressors, FloatsThatAreNotFiniteAreSaidTheSameWay) {
  for (const char* spec :
       {"identity", "c-rand-k(9)", "top-k(5)", "natural", "sign", "sign(block=8)", "one-bit",
        "one-bit(scale=l2)", "one-bit(scale=block, block=8)", "one-bit(scale=none)",
        "one-bit(scale=fixed, bound=1)", "dithered-sign(1)", "qsgd(4)", "natural-dithering(4)"}) {
    for (const Wire wire : {Wire::f32, Wire::f64}) {
      for (const float wrong : {INFINITY, -INFINITY, NAN}) {
        for (const std::size_t at : {0, 17, 32}) {
          std::vector<float> floats(33, 1.0F);
          floats[at] = wrong;
          Message expected, said;
          make(spec, 33, wire)->compress({}, Vector(floats.begin(), floats.end()), expected);
          make(spec, 33, wire)->compress_floats({}, floats, said);
          EXPECT_EQ(said.bytes, expected.bytes) << spec;
        }
      }
    }
  }
}

TEST(Compressors, ADifferenceIsSaidAsTheVectorItIs) {
  for_all([](const Row&, const Compressor& compressor, Wire, View x) {
    const Key key{13, 5, 2, 0, 0};
    Vector b(x.begin(), x.end());
    std::reverse(b.begin(), b.end());
    Vector difference(x.size());
    subtract(x, b, difference);
    Message expected, said;
    compressor.compress(key, difference, expected);
    compressor.compress_difference(key, x, b, said);
    EXPECT_EQ(said.bytes, expected.bytes);
  });
}

TEST(Compressors, ADifferenceOfFloatsIsSaidAsThatOfDoubles) {
  for_all([](const Row&, const Compressor& compressor, Wire, View x) {
    const Key key{13, 5, 2, 0, 0};
    const std::vector<float> a(x.begin(), x.end());
    const std::vector<float> b(a.rbegin(), a.rend());
    Message expected, said;
    compressor.compress_difference(key, Vector(a.begin(), a.end()), Vector(b.begin(), b.end()), expected);
    compressor.compress_difference_of_floats(key, a, b, said);
    EXPECT_EQ(said.bytes, expected.bytes);
  });
}

TEST(Compressors, DecodingAddsAndIsRepeatable) {
  for_all([](const Row&, const Compressor& compressor, Wire, View x) {
    const Key key{12, 5, 1, 0, 0};
    Message message;
    compressor.compress(key, x, message);
    const Vector once = decoded(key, message, x.size());
    EXPECT_EQ(once, decoded(key, message, x.size()));
    Vector twice(x.size(), 1.0);
    decode_add(key, message, 1, twice);
    decode_add(key, message, -0.5, twice);
    for (std::size_t j = 0; j < x.size(); ++j) EXPECT_EQ(twice[j], (1.0 + once[j]) + -0.5 * once[j]);
  });
}

TEST(Compressors, MessagesHaveTheLengthAndFloatsOfTheFormula) {
  for_all([](const Row& row, const Compressor& compressor, Wire wire, View x) {
    Message message;
    const std::size_t k = row.k(x.size());
    compressor.compress({13, 5, 0, 0, 0}, x, message);
    if (const std::size_t length = row.length(x.size(), k, bytes_of(wire)); length > 0) {
      if (are_sparse_levels(message)) {
        EXPECT_LT(message.bytes.size(), length);
      } else {
        EXPECT_EQ(message.bytes.size(), length);
      }
    }
    if (const double floats = row.floats(x.size(), k, wire); floats >= 0) {
      EXPECT_EQ(counted_floats(message, x.size()), floats);
      EXPECT_EQ(compressor.bound().floats, floats);
    }
  });
}

TEST(Compressors, ValuesCrossTheWireExactlyWhereTheyFit) {
  const Vector x = {0, 1.5, -2, 0.25, 1024, -0.0, 3, 7};
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    for (const char* spec : {"identity", "top-k(8)", "rand-k(8)", "rand-k(100%)", "top-k(100%)"}) {
      EXPECT_EQ(compressed(*make(spec, 8, wire), {}, x), x) << spec;
    }
  }
  const Vector rounded = {0.1, 1e300, 1e-300};
  EXPECT_EQ(compressed(*make("identity", 3, Wire::f64), {}, rounded), rounded);
  EXPECT_EQ(compressed(*make("identity", 3, Wire::f32), {}, rounded),
            (Vector{static_cast<double>(0.1F), INFINITY, 0}));
}

/// Mean and mean squared error of many draws, each with its standard error.
struct MonteCarlo {
  MonteCarlo(const Compressor& compressor, View x, std::uint32_t count)
      : draws(count), mean(x.size()), mean_error(x.size()) {
    Vector sum_sq(x.size());
    double total = 0;
    double total_sq = 0;
    double floats_sq = 0;
    Message message;
    Vector y(x.size());
    for (std::uint32_t t = 0; t < count; ++t) {
      const Key key{99, t, t % static_cast<std::uint32_t>(kClients), 0, 0};
      compressor.compress(key, x, message);
      fill(y, 0);
      decode_add(key, message, 1, y);
      for (std::size_t j = 0; j < x.size(); ++j) {
        mean[j] += y[j];
        sum_sq[j] += y[j] * y[j];
      }
      const double e = distance_sq(x, y);
      total += e;
      total_sq += e * e;
      const double f = counted_floats(message, x.size());
      floats += f;
      floats_sq += f * f;
    }
    const double n = draws;
    for (std::size_t j = 0; j < x.size(); ++j) {
      mean[j] /= n;
      mean_error[j] = std::sqrt(std::max(0.0, sum_sq[j] / n - mean[j] * mean[j]) / n);
    }
    error = total / n;
    error_error = std::sqrt(std::max(0.0, total_sq / n - error * error) / n);
    floats /= n;
    floats_error = std::sqrt(std::max(0.0, floats_sq / n - floats * floats) / n);
  }

  double draws;
  Vector mean, mean_error;
  double error = 0, error_error = 0;  // E|Q(x) - x|^2
  double floats = 0, floats_error = 0;
};

/// Calls law(row, bound, x, drawn) for all rows with randomness.
template <class Law>
void for_all_by_monte_carlo(Law&& law) {
  for (const Row& row : kRows) {
    if (row.meets == Meets::on_every_message) continue;
    for (const std::size_t dim : {1, 2, 10, 65}) {
      const auto compressor = make(spec_of(row, dim), dim);
      for (const auto& [name, x] : vectors(dim)) {
        if (name == "tiny" || name == "huge") continue;  // their squares overflow or underflow
        SCOPED_TRACE(spec_of(row, dim) + ", dim " + std::to_string(dim) + ", " + name);
        law(row, compressor->bound(), x, MonteCarlo(*compressor, x, 20000));
      }
    }
  }
}

void expect_error(const Row& row, double promised, const MonteCarlo& drawn) {
  const double slack = 5 * drawn.error_error + 1e-9 * promised + 1e-300;
  EXPECT_LE(drawn.error, promised + slack);
  if (row.meets == Meets::with_equality) {
    EXPECT_GE(drawn.error, promised - slack);
  }
}

TEST(Compressors, MonteCarloUnbiasedOnesHaveTheMeanAndTheVarianceTheyPromise) {
  for_all_by_monte_carlo([](const Row& row, const Bound& bound, View x, const MonteCarlo& drawn) {
    if (!bound.omega) return;
    // A coordinate that is small relative to the norm is rarely non-zero, but is then large: the few non-zero
    // draws do not show the error of the mean.
    const bool dithers =
        std::string(row.spec).find("natural-d") == 0 || std::string(row.spec).find("qsgd") == 0;
    const double seldom = dithers ? 20 * std::sqrt(norm_sq(x)) / drawn.draws : 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      EXPECT_NEAR(drawn.mean[j], x[j], 5 * drawn.mean_error[j] + 1e-12 * std::abs(x[j]) + seldom) << j;
    }
    expect_error(row, *bound.omega * norm_sq(x) + (dithers ? 1e-15 * norm_sq(x) : 0), drawn);
    EXPECT_LE(drawn.floats, bound.floats + 5 * drawn.floats_error);
  });
}

TEST(Compressors, MonteCarloContractiveOnesContractInTheMean) {
  for_all_by_monte_carlo([](const Row& row, const Bound& bound, View x, const MonteCarlo& drawn) {
    if (bound.alpha) expect_error(row, (1 - *bound.alpha) * norm_sq(x), drawn);
  });
}

TEST(Compressors, MonteCarloBiasAndVarianceAreThoseOfTheirClass) {
  for_all_by_monte_carlo([](const Row&, const Bound& bound, View x, const MonteCarlo& drawn) {
    const auto known = bound.bias_variance;
    if (!known) return;
    const double variance = drawn.draws * norm_sq(drawn.mean_error);
    const double slack = 1e-9 * norm_sq(x) + 5 * drawn.error_error;
    EXPECT_LE(variance, known->omega * norm_sq(x) + slack);
    EXPECT_LE(std::sqrt(distance_sq(drawn.mean, x)),
              (known->eta + 1e-9) * std::sqrt(norm_sq(x)) + 5 * std::sqrt(norm_sq(drawn.mean_error)));
  });
}

TEST(CompMix, ReachTheirBoundsOnEqualEntries) {
  const Vector x(10, 1.0);
  for (const char* spec : {"comp(4, 6)", "comp(5, 6)", "mix(2, 3)", "mix(5, 1)"}) {
    const Bound bound = make(spec, 10)->bound();
    const MonteCarlo drawn(*make(spec, 10), x, 20000);
    EXPECT_NEAR(drawn.error, (1 - bound.alpha.value()) * 10, 5 * drawn.error_error + 1e-9) << spec;
    const double bias = std::sqrt(distance_sq(drawn.mean, x));
    EXPECT_NEAR(bias, bound.bias_variance.value().eta * std::sqrt(10.0), 0.03) << spec;
  }
  // The variance is largest if all of x is among the largest entries.
  Vector few(10);
  for (std::size_t j = 0; j < 6; ++j) few[j] = 1;
  for (const char* spec : {"comp(2, 6)", "comp(4, 6)"}) {
    const MonteCarlo drawn(*make(spec, 10), few, 20000);
    EXPECT_NEAR(drawn.error, make(spec, 10)->bound().bias_variance.value().omega * 6,
                5 * drawn.error_error + 1e-9)
        << spec;
  }
}

TEST(CompMix, SendTheLargestAsTheyShould) {
  const Vector x = {1, -9, 2, 8, 0, -7, 3, 6, -5, 4};
  std::vector<std::size_t> times(10);
  for (std::uint32_t t = 0; t < 8000; ++t) {
    const Vector y = compressed(*make("mix(3, 2)", 10), {21, t, 0, 0, 0}, x);
    for (const std::size_t j : {1, 3, 5}) ASSERT_EQ(y[j], x[j]);
    for (std::size_t j = 0; j < 10; ++j) {
      ASSERT_TRUE(y[j] == 0 || y[j] == x[j]);
      times[j] += y[j] != 0 ? 1 : 0;
    }
    const Vector z = compressed(*make("comp(2, 4)", 10), {21, t, 0, 0, 0}, x);
    for (const std::size_t j : {0, 2, 4, 6, 8, 9}) ASSERT_EQ(z[j], 0);
    for (const std::size_t j : {1, 3, 5, 7}) ASSERT_TRUE(z[j] == 0 || z[j] == 2 * x[j]);
    ASSERT_EQ(std::count(z.begin(), z.end(), 0.0), 8);
  }
  for (const std::size_t j : {0, 2, 6, 7, 8, 9})
    EXPECT_NEAR(static_cast<double>(times[j]), 8000 * 2.0 / 7, 5 * std::sqrt(8000 * 2.0 / 7 * 5.0 / 7)) << j;
}

TEST(Compressors, NaturalReachesItsOmega) {
  // The worst value is 4/3 of a power of two: |Q(x) - x|^2 = (1/3)(2/3)|x/1.333|^2 = x^2/8.
  const Vector x(64, 4.0 / 3);
  const MonteCarlo drawn(*make("natural", 64), x, 5000);
  EXPECT_NEAR(drawn.error, norm_sq(x) / 8, 5 * drawn.error_error);
}

TEST(Compressors, NaturalKeepsPowersOfTwoAndRoundsToNeighbours) {
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    const auto natural = make("natural", 6, wire);
    const Vector powers = {1, -2, 0.5, 0x1p-126, -0x1p127, 0};
    const Vector between = {3, -3, 0.7, 0x1.8p-126, 0x1.5p100, -0x1.8p-60};
    for (std::uint32_t round = 0; round < 100; ++round) {
      EXPECT_EQ(compressed(*natural, {1, round, 0, 0, 0}, powers), powers);
      const Vector y = compressed(*natural, {1, round, 0, 0, 0}, between);
      for (std::size_t j = 0; j < 6; ++j) {
        const double low = std::exp2(std::floor(std::log2(std::abs(between[j]))));
        EXPECT_TRUE(std::abs(y[j]) == low || std::abs(y[j]) == 2 * low) << y[j];
        EXPECT_EQ(std::signbit(y[j]), std::signbit(between[j]));
      }
    }
  }
}

TEST(Compressors, NaturalAtTheEndsOfItsRange) {
  constexpr std::size_t kCopies = 4000;
  const auto mean_of = [&](double v, Wire wire, double unit) {
    const Vector y = compressed(*make("natural", kCopies, wire), {3, 1, 0, 0, 0}, Vector(kCopies, v));
    double sum = 0;
    for (const double w : y) {
      EXPECT_TRUE(w == 0 || w == unit) << w;
      sum += w / unit;
    }
    return sum / kCopies;
  };
  const double sigma = std::sqrt(0.25 / kCopies);
  EXPECT_NEAR(mean_of(0x1p-127, Wire::f32, 0x1p-126), 0.5, 5 * sigma);
  EXPECT_NEAR(mean_of(0x1.8p-128, Wire::f32, 0x1p-126), 0.375, 5 * sigma);
  EXPECT_EQ(mean_of(1e-300, Wire::f32, 0x1p-126), 0);
  EXPECT_EQ(mean_of(5e-324, Wire::f32, 0x1p-126), 0);
  EXPECT_NEAR(mean_of(0x1p-1023, Wire::f64, 0x1p-1022), 0.5, 5 * sigma);
  // Saturation.
  EXPECT_EQ(mean_of(1e300, Wire::f32, 0x1p128), 1);
  EXPECT_EQ(mean_of(1.7e308, Wire::f64, 0x1p1023), 1);
}

TEST(Compressors, ContractiveOnesContractOnEveryDraw) {
  for_all([](const Row& row, const Compressor& compressor, Wire wire, View x) {
    const Bound bound = compressor.bound();
    if (row.meets != Meets::on_every_message) return;
    const Vector y = compressed(compressor, {5, 5, 0, 0, 0}, x);
    // f32 adds its own rounding: half a unit in 2^24 of each value.
    const double wire_error = wire == Wire::f32 ? 0x1p-48 * norm_sq(x) + 1e-85 : 0;
    EXPECT_LE(distance_sq(x, y), (1 - *bound.alpha) * norm_sq(x) * (1 + 1e-12) + wire_error);
  });
}

TEST(Bernoulli, SendsEverythingOrOneByte) {
  const Vector x = {1, -2, 3, 0};
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    const auto unbiased = make("bernoulli(0.25)", 4, wire);
    const auto contractive = make("c-bernoulli(q=0.25)", 4, wire);
    std::size_t sent = 0;
    constexpr std::uint32_t kDraws = 10000;
    for (std::uint32_t t = 0; t < kDraws; ++t) {
      const Key key{17, t, 0, 0, 0};
      Message message;
      unbiased->compress(key, x, message);
      const bool everything = message.bytes.size() > 1;
      sent += everything ? 1 : 0;
      EXPECT_EQ(counted_floats(message, 4), everything ? 4 : 0);
      EXPECT_EQ(decoded(key, message, 4), everything ? (Vector{4, -8, 12, 0}) : Vector(4));
      EXPECT_EQ(compressed(*contractive, key, x), everything ? x : Vector(4)) << "the same draw";
    }
    EXPECT_NEAR(static_cast<double>(sent), kDraws * 0.25, 5 * std::sqrt(kDraws * 0.25 * 0.75));
  }
}

TEST(Sign, IsAsFarOffAsTheFormula) {
  for (const std::size_t dim : kDims) {
    for (const auto& [name, x] : vectors(dim)) {
      if (name == "tiny" || name == "huge") continue;  // their squares overflow or underflow
      double sizes = 0;
      for (const double v : x) sizes += std::abs(v);
      const double expected = norm_sq(x) - sizes * sizes / static_cast<double>(dim);
      EXPECT_NEAR(distance_sq(x, compressed(*make("sign", dim), {}, x)), expected, 1e-12 * norm_sq(x))
          << name << ", dim " << dim;
    }
  }
}

TEST(Sign, ZerosArePositive) {
  const Vector x = {0, -0.0, -3, 5};
  EXPECT_EQ(compressed(*make("sign", 4), {}, x), (Vector{2, 2, -2, 2}));
  for (const double zero : {0.0, -0.0}) {
    EXPECT_EQ(compressed(*make("sign", 77), {}, Vector(77, zero)), Vector(77))
        << "no message of zeros adds anything";
  }
}

/// Whether y is one of the two qsgd levels (multiples of unit) next to x.
bool neighbours_uniform(double y, double x, double unit) {
  return std::abs(y - x) < unit * (1 + 1e-12) && std::abs(std::remainder(y, unit)) <= 1e-12 * std::abs(y);
}

/// Whether y is one of the two levels of natural-dithering(s) next to x.
bool neighbours_powers(double y, double x, double norm, int s) {
  const double least = std::ldexp(norm, 1 - s);
  double low = std::abs(x) < least ? 0 : norm;
  while (low > std::abs(x)) low /= 2;
  const double high = low == 0 ? least : 2 * low;
  return (y == 0 || y * x > 0) && (std::abs(y) == low || std::abs(y) == high);
}

/// The value in a message of levels. It is the norm over `steps`, or slightly more, never less.
double value_of(const Message& message, Wire wire, View x, double steps) {
  const std::uint8_t* const at = message.bytes.data() + (are_sparse_levels(message) ? 8 : 4);
  const double value = wire == Wire::f32 ? static_cast<double>(load_le<float>(at)) : load_le<double>(at);
  const double norm = std::sqrt(norm_sq(x));
  EXPECT_GE(value * steps, norm * (1 - 1e-14));
  EXPECT_LE(value * steps, norm * (1 + (wire == Wire::f32 ? 0x1p-22 : 1e-14)));
  for (const double v : x) EXPECT_GE(value * steps, std::abs(v));
  return value;
}

TEST(Dithering, RoundsToNeighbouringLevels) {
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    for (const std::size_t dim : kDims) {
      for (const auto& [name, x] : vectors(dim)) {
        if (name == "tiny" || name == "huge" || norm_sq(x) == 0) continue;
        for (const int s : {1, 2, 3, 4, 7, 8, 100, 127, 128, 300, 32767}) {
          SCOPED_TRACE(fmt::format("{}, s = {}, dim {}", name, s, dim));
          const Key key{18, 1, 0, 0, 0};
          Message message;
          make(fmt::format("qsgd({})", s), dim, wire)->compress(key, x, message);
          const Vector y = decoded(key, message, dim);
          const double step = value_of(message, wire, x, s);
          double nonzeros = 0;
          for (std::size_t j = 0; j < dim; ++j) {
            EXPECT_TRUE(neighbours_uniform(y[j], x[j], step)) << x[j] << " to " << y[j];
            nonzeros += y[j] != 0 ? 1 : 0;
          }
          const double bits = 1 + std::ceil(std::log2(s + 1));
          EXPECT_EQ(counted_floats(message, dim), 1 + nonzeros * bits / (wire == Wire::f32 ? 32 : 64));
          if (s > 127) continue;
          make(fmt::format("natural-dithering({})", s), dim, wire)->compress(key, x, message);
          const Vector z = decoded(key, message, dim);
          const double norm = value_of(message, wire, x, 1);
          for (std::size_t j = 0; j < dim; ++j) {
            EXPECT_TRUE(neighbours_powers(z[j], x[j], norm, s)) << x[j] << " to " << z[j];
          }
        }
      }
    }
  }
}

TEST(Dithering, ReachesItsOmega) {
  // qsgd(1): E|Q(x) - x|^2 = |x| |x|_1 - |x|^2. If all entries are equal, this is sqrt(d) - 1 times |x|^2,
  // and the expected number of non-zeros is also sqrt(d).
  const Vector x(64, 1.0);
  const MonteCarlo one(*make("qsgd(1)", 64), x, 20000);
  EXPECT_NEAR(one.error, 7 * norm_sq(x), 5 * one.error_error);
  EXPECT_NEAR(one.floats, make("qsgd(1)", 64)->bound().floats, 5 * one.floats_error);
  // qsgd(4) in the middle between two levels, the worst case: d/(4 s^2).
  const MonteCarlo four(*make("qsgd(4)", 64), x, 20000);
  EXPECT_NEAR(four.error, norm_sq(x), 5 * four.error_error);
  // natural-dithering at 1/3 of the norm, between 1/4 and 1/2: the worst case of rounding to powers of two.
  const Vector thirds(9, 1.0);
  const MonteCarlo natural(*make("natural-dithering(10)", 9), thirds, 20000);
  EXPECT_NEAR(natural.error, norm_sq(thirds) / 8, 5 * natural.error_error);
}

TEST(Dithering, AtTheEndsOfTheRange) {
  for (const char* spec :
       {"qsgd(1)", "qsgd(4)", "qsgd(32767)", "natural-dithering(1)", "natural-dithering(127)"}) {
    for (const double v : {5e-324, 1e-310, 1e-200, 1e200, 1.7e308}) {
      SCOPED_TRACE(std::string(spec) + ", " + std::to_string(v));
      // A single entry equals the norm and is recovered up to the rounding of norm / s.
      EXPECT_NEAR(compressed(*make(spec, 3), {}, Vector{0, -v, 0})[1], -v, 1e-11 * v + 2e-319);
    }
    // A norm beyond the range of f32: the values are sent instead.
    EXPECT_EQ(compressed(*make(spec, 3, Wire::f32), {}, Vector{1, -1e300, 0}), (Vector{1, -INFINITY, 0}));
    // A norm far below the range becomes the least positive value, never zero, so that there is no bias.
    for (const double v : compressed(*make(spec, 2, Wire::f32), {}, Vector{1e-300, 0})) EXPECT_EQ(v, 0);
    for (const Wire wire : {Wire::f32, Wire::f64}) {
      EXPECT_EQ(compressed(*make(spec, 2, wire), {}, Vector{0, -0.0}), Vector(2));
    }
  }
}

/// The definition, implemented by sorting.
Vector top_k_of(View x, std::size_t k) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return std::abs(x[a]) > std::abs(x[b]); });
  Vector y(x.size());
  for (std::size_t i = 0; i < k; ++i) y[order[i]] = x[order[i]];
  return y;
}

TEST(TopK, IsWhatSortingGives) {
  for (const std::size_t dim : kDims) {
    for (const auto& [name, x] : vectors(dim)) {
      for (std::size_t k = 1; k <= dim; k += 1 + dim / 7) {
        Message message;
        const auto compressor = make("top-k(" + std::to_string(k) + ")", dim);
        compressor->compress({}, x, message);
        EXPECT_EQ(decoded({}, message, dim), top_k_of(x, k)) << name << ", dim " << dim << ", k " << k;
        EXPECT_EQ(counted_floats(message, dim), static_cast<double>(k)) << "exactly k, zeros included";
      }
    }
  }
}

TEST(TopK, TiesGoToTheLowestIndex) {
  Entries entries;
  largest_entries(Vector{1, -2, 2, 0, -1, 2, 1}, 2, entries);
  EXPECT_EQ(entries.index, (std::vector<std::uint32_t>{1, 2}));
  largest_entries(Vector{1, -2, 2, 0, -1, 2, 1}, 5, entries);
  EXPECT_EQ(entries.index, (std::vector<std::uint32_t>{0, 1, 2, 4, 5}));
  largest_entries(Vector{0, -0.0, 0, 1}, 3, entries);
  EXPECT_EQ(entries.index, (std::vector<std::uint32_t>{0, 1, 3}));
}

/// On vectors for which the guess succeeds, meets ties, or fails: random, sorted, sparse, constant.
void expect_the_largest_of_every_kind(std::size_t dim) {
  Stream stream = Key{77, 0, 0, 0, 0}.stream(Purpose::batch);
  Vector random(dim);
  for (double& v : random) v = stream.uniform() * 2 - 1;
  std::vector<Input> inputs;
  inputs.push_back({"random", random});
  Vector sorted = random;
  std::sort(sorted.begin(), sorted.end());
  inputs.push_back({"sorted", sorted});
  inputs.push_back({"reverse sorted", Vector(sorted.rbegin(), sorted.rend())});
  inputs.push_back({"constant", Vector(dim, -2.5)});
  inputs.push_back({"zeros", Vector(dim)});
  Vector sparse(dim);
  for (std::size_t j = 0; j < dim; j += 150) sparse[j] = random[j];
  inputs.push_back({"mostly zero", sparse});
  Vector levels(dim);
  for (std::size_t j = 0; j < dim; ++j) levels[j] = std::round(random[j] * 8);
  inputs.push_back({"few levels", levels});
  Vector burst(dim, 1e-9);
  for (std::size_t j = dim / 40; j < dim / 22; ++j) burst[j] = random[j] * 1e9;
  inputs.push_back({"one burst", burst});
  Vector two(dim, 1.0);
  for (std::size_t j = 0; j < dim; j += 2) two[j] = 1.0 + 0x1p-52;
  inputs.push_back({"two neighbouring doubles", two});
  Vector cubes(dim);
  for (std::size_t j = 0; j < dim; ++j) cubes[j] = std::pow(random[j], 31);
  inputs.push_back({"heavy-tailed", cubes});
  for (const auto& [name, x] : inputs) {
    for (const std::size_t k : {std::size_t{1}, dim / 100 + 1, dim / 10, dim / 3, dim - 1, dim}) {
      Entries entries;
      largest_entries(x, k, entries);
      Vector y(dim);
      ASSERT_EQ(entries.index.size(), k);
      for (std::size_t i = 0; i < k; ++i) {
        ASSERT_TRUE(i == 0 || entries.index[i - 1] < entries.index[i]);
        y[entries.index[i]] = entries.value[i];
      }
      EXPECT_TRUE(y == top_k_of(x, k)) << name << ", k " << k << " of " << dim;

      Vector half = x;
      scale(0.5, half);  // x - x/2 = x/2, without rounding
      Entries of_difference;
      largest_entries(half, k, entries);
      largest_entries_of_difference(x, half, k, of_difference);
      EXPECT_TRUE(of_difference.index == entries.index && of_difference.value == entries.value)
          << name << ", k " << k << " of " << dim;
    }
  }
}

TEST(TopK, LongVectorsOfEveryKind) { expect_the_largest_of_every_kind(200000); }

TEST(TopK, ShortVectorsOfEveryKind) {
  for (const std::size_t dim : {10, 63, 64, 65, 129, 1000, 20011}) expect_the_largest_of_every_kind(dim);
}

/// Pearson's statistic of counts with expectation `expected`, in standard deviations above its mean.
double excess(const std::vector<double>& counts, double expected, double freedom, double variance_share) {
  double chi_square = 0;
  for (const double c : counts) chi_square += (c - expected) * (c - expected) / (expected * variance_share);
  return (chi_square - freedom) / std::sqrt(2 * freedom);
}

TEST(Subset, EverySubsetIsEquallyLikely) {
  // All subsets of a small set, as bit sets; with the bitmap and its complement.
  constexpr std::size_t kDim = 6;
  for (std::size_t k = 1; k < kDim; ++k) {
    std::vector<double> count(std::size_t{1} << kDim);
    constexpr std::uint32_t kDraws = 60000;
    std::vector<std::uint32_t> support;
    for (std::uint32_t t = 0; t < kDraws; ++t) {
      draw_subset(Key{1, t, 0, 0, 0}.stream(Purpose::compressor), k, kDim, support);
      std::size_t bits = 0;
      for (const std::uint32_t j : support) bits |= std::size_t{1} << j;
      ++count[bits];
    }
    std::vector<double> of_size;
    for (std::size_t bits = 0; bits < count.size(); ++bits) {
      if (static_cast<std::size_t>(std::popcount(bits)) == k) {
        of_size.push_back(count[bits]);
      } else {
        EXPECT_EQ(count[bits], 0);
      }
    }
    const double subsets = static_cast<double>(of_size.size());
    EXPECT_LT(excess(of_size, kDraws / subsets, subsets - 1, 1), 5) << k;
  }
}

TEST(Subset, CoordinatesAreEquallyLikelyOnEveryPath) {
  struct Case {
    std::size_t count, dim;
    std::uint32_t draws;
  };
  // Bitmap; complement; sorted sample (few draws of many).
  for (const Case& c : {Case{10, 300, 20000}, Case{250, 300, 20000}, Case{3, 16384, 60000}, Case{1, 1, 10}}) {
    constexpr std::size_t kBins = 50;
    const std::size_t bins = std::min(kBins, c.dim);
    std::vector<double> count(bins);
    std::vector<std::uint32_t> support;
    for (std::uint32_t t = 0; t < c.draws; ++t) {
      draw_subset(Key{2, t, 0, 0, 0}.stream(Purpose::compressor), c.count, c.dim, support);
      ASSERT_EQ(support.size(), c.count);
      for (std::size_t i = 0; i < c.count; ++i) {
        ASSERT_LT(support[i], c.dim);
        ASSERT_TRUE(i == 0 || support[i - 1] < support[i]);
        ++count[support[i] * bins / c.dim];
      }
    }
    if (c.count == c.dim) continue;
    // Bin widths differ by one coordinate at most.
    std::vector<double> expected(bins);
    for (std::size_t j = 0; j < c.dim; ++j) {
      expected[j * bins / c.dim] +=
          static_cast<double>(c.draws) * static_cast<double>(c.count) / static_cast<double>(c.dim);
    }
    // Without replacement, the variance of a bin is that of a Poisson variable times the share not drawn.
    const double share = 1 - static_cast<double>(c.count) / static_cast<double>(c.dim);
    double chi_square = 0;
    for (std::size_t b = 0; b < bins; ++b) {
      chi_square += (count[b] - expected[b]) * (count[b] - expected[b]) / (expected[b] * share);
    }
    const double freedom = static_cast<double>(bins - 1);
    EXPECT_LT(std::abs(chi_square - freedom) / std::sqrt(2 * freedom), 5) << c.count << " of " << c.dim;
  }
}

TEST(Subset, IsTheDocumentedFunctionOfTheWords) {
  // The definition in subset.h, implemented literally.
  for (const auto& [count, dim] : {std::pair<std::size_t, std::size_t>{10, 300},
                                   {2, 100000},
                                   {290, 300},
                                   {150, 300},
                                   {1000, 1000},
                                   {700, 3000000},
                                   {733, 3000000}}) {
    const Stream stream = Key{4, static_cast<std::uint32_t>(count), 0, 0, 0}.stream(Purpose::compressor);
    const bool complement = count > dim - count;
    std::vector<bool> drawn(dim);
    Stream words = stream;
    for (std::size_t missing = complement ? dim - count : count; missing > 0;) {
      const std::uint64_t product = std::uint64_t{words.next32()} * dim;
      if (product % (std::uint64_t{1} << 32) < (std::uint64_t{1} << 32) % dim) continue;
      missing -= drawn[product >> 32] ? 0 : 1;
      drawn[product >> 32] = true;
    }
    std::vector<std::uint32_t> expected;
    for (std::size_t j = 0; j < dim; ++j) {
      if (drawn[j] != complement) expected.push_back(static_cast<std::uint32_t>(j));
    }
    std::vector<std::uint32_t> support;
    draw_subset(stream, count, dim, support);
    EXPECT_EQ(support, expected) << count << " of " << dim;
  }
}

struct Collective {
  std::size_t dim, clients;
};
// n divides d, or not; n = d; d divides n, or not; one client; one coordinate.
constexpr Collective kCollectives[] = {{12, 4}, {13, 4}, {11, 4}, {5, 5}, {4, 12},
                                       {4, 13}, {4, 11}, {7, 1},  {1, 6}, {3, 5}};

TEST(PermK, BlocksAreDisjointAndCoverEverything) {
  for (const auto& [dim, clients] : kCollectives) {
    for (std::uint32_t round = 0; round < 50; ++round) {
      std::vector<std::size_t> times(dim);
      for (std::uint32_t client = 0; client < clients; ++client) {
        const Indices block = dealt_block({6, round, client, 0, 0}, dim, clients);
        if (dim >= clients) {
          EXPECT_GE(block.size(), dim / clients);
          EXPECT_LE(block.size(), (dim + clients - 1) / clients);
        } else {
          EXPECT_EQ(block.size(), 1U);
        }
        for (const std::uint32_t j : block) ++times[j];
      }
      for (const std::size_t t : times) {
        EXPECT_GE(t, dim >= clients ? 1 : clients / dim);
        EXPECT_LE(t, dim >= clients ? 1 : (clients + dim - 1) / dim);
      }
    }
  }
}

TEST(PermK, EveryClientGetsEveryCoordinateEquallyOften) {
  for (const auto& [dim, clients] : kCollectives) {
    constexpr std::uint32_t kRounds = 40000;
    std::vector<double> count(dim * clients);
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      for (std::uint32_t client = 0; client < clients; ++client) {
        for (const std::uint32_t j : dealt_block({7, round, client, 0, 0}, dim, clients))
          ++count[client * dim + j];
      }
    }
    const double p = 1 / static_cast<double>(std::min(dim, clients));
    for (const double c : count)
      EXPECT_NEAR(c, kRounds * p, 5 * std::sqrt(kRounds * p * (1 - p))) << dim << ' ' << clients;
  }
}

TEST(PermK, TheDealDoesNotDependOnWhoAsksFirst) {
  const auto block_of = [](std::uint32_t round, std::uint32_t client) {
    const Indices block = dealt_block({8, round, client, 0, 1}, 10, 3);
    return std::vector<std::uint32_t>(block.begin(), block.end());
  };
  const auto first = block_of(1, 2);
  EXPECT_NE(first, block_of(2, 2));
  EXPECT_EQ(first, block_of(1, 2));
  // The copy changes a client's own draws; the deal depends on the round ..
  const Indices block = dealt_block({8, 1, 2, 0, 0}, 10, 3);
  EXPECT_EQ(first, std::vector<std::uint32_t>(block.begin(), block.end()));
  // .. and on the part of its messages: two parts have different deals, whatever calls come in between.
  const auto part_of = [](unsigned part, std::uint32_t client) {
    const Indices dealt = dealt_block(key_of_part({8, 1, client, 0, 0}, part), 10, 3);
    return std::vector<std::uint32_t>(dealt.begin(), dealt.end());
  };
  const auto of_first_part = part_of(0, 2);
  EXPECT_NE(of_first_part, part_of(1, 2));
  EXPECT_EQ(of_first_part, part_of(0, 2));
}

TEST(PermK, APartOfADealIsDrawnFromIt) {
  for (const auto& [dim, clients] : kCollectives) {
    const std::size_t most = std::max<std::size_t>(1, dim / clients);
    for (std::size_t k = 1; k <= most; ++k) {
      constexpr std::uint32_t kRounds = 20000;
      std::vector<double> count(dim * clients);
      for (std::uint32_t round = 0; round < kRounds; ++round) {
        for (std::uint32_t client = 0; client < clients; ++client) {
          const Key key{14, round, client, 0, 0};
          const Indices kept = dealt_subset(key, dim, clients, k);
          ASSERT_EQ(kept.size(), k);
          ASSERT_TRUE(std::adjacent_find(kept.begin(), kept.end(), std::greater_equal<>()) == kept.end());
          for (const std::uint32_t j : kept) ++count[client * dim + j];
          const Indices block = dealt_block(key, dim, clients);
          ASSERT_TRUE(std::includes(block.begin(), block.end(), kept.begin(), kept.end()));
        }
      }
      // Uniform for each client, whatever the block sizes are.
      const double p = static_cast<double>(k) / static_cast<double>(dim);
      for (const double c : count) {
        EXPECT_NEAR(c, kRounds * p, 5 * std::sqrt(kRounds * p * (1 - p)))
            << k << " of " << dim << ' ' << clients;
      }
    }
  }
}

TEST(PermK, TheMeanOfEqualVectorsIsExact) {
  for (const auto& [dim, clients] : kCollectives) {
    if (dim < clients) continue;
    const auto perm_k = make("perm-k", dim, Wire::f64, clients);
    Vector x(dim);
    for (std::size_t j = 0; j < dim; ++j) x[j] = 1 + static_cast<double>(j) / 4;
    for (std::uint32_t round = 0; round < 20; ++round) {
      Vector sum(dim);
      double floats = 0;
      for (std::uint32_t client = 0; client < clients; ++client) {
        const Key key{9, round, client, 0, 0};
        Message message;
        perm_k->compress(key, x, message);
        decode_add(key, message, 1, sum);
        floats += counted_floats(message, dim);
      }
      for (std::size_t j = 0; j < dim; ++j) EXPECT_EQ(sum[j], static_cast<double>(clients) * x[j]);
      EXPECT_DOUBLE_EQ(floats / static_cast<double>(clients), perm_k->bound().floats);
    }
  }
}

void expect_ab_equality(const std::string& spec, std::size_t dim, std::size_t clients) {
  const auto perm_k = make(spec, dim, Wire::f64, clients);
  const Bound bound = perm_k->bound();
  const double n = static_cast<double>(clients);
  std::vector<Vector> inputs(clients, Vector(dim));
  Stream stream = Key{10, 0, 0, 0, 0}.stream(Purpose::batch);
  Vector mean(dim);
  double mean_sq = 0;
  for (Vector& a : inputs) {
    for (double& v : a) v = stream.uniform() + 0.5;
    axpy(1 / n, a, mean);
    mean_sq += norm_sq(a) / n;
  }
  constexpr std::uint32_t kRounds = 30000;
  double sum = 0;
  double sum_sq = 0;
  Message message;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    Vector average(dim);
    for (std::uint32_t client = 0; client < clients; ++client) {
      const Key key{10, round, client, 0, 0};
      perm_k->compress(key, inputs[client], message);
      decode_add(key, message, 1 / n, average);
    }
    const double e = distance_sq(average, mean);
    sum += e;
    sum_sq += e * e;
  }
  const double e = sum / kRounds;
  const double sigma = std::sqrt((sum_sq / kRounds - e * e) / kRounds);
  EXPECT_NEAR(e, bound.A * mean_sq - bound.B * norm_sq(mean), 5 * sigma + 1e-12)
      << spec << ' ' << dim << ' ' << clients;
}

TEST(PermK, TheVarianceOfTheMeanIsTheABEquality) {
  for (const auto& [dim, clients] : kCollectives) {
    expect_ab_equality("perm-k", dim, clients);
    for (const std::size_t k : {1, 2}) {
      if (k <= std::max<std::size_t>(1, dim / clients))
        expect_ab_equality("perm-k(" + std::to_string(k) + ")", dim, clients);
    }
  }
}

TEST(PermK, OfAllThatIsDealtIsPermK) {
  const Vector x = vectors(12)[5].x;
  Message all, counted;
  make("perm-k", 12)->compress({1, 2, 3, 0, 0}, x, all);
  make("perm-k(3)", 12)->compress({1, 2, 3, 0, 0}, x, counted);
  EXPECT_EQ(all.bytes, counted.bytes);
}

TEST(Compressors, BoundsAreTheFormulas) {
  const Bound rand_k = make("rand-k(3)", 12)->bound();
  EXPECT_EQ(rand_k.omega, 3);
  EXPECT_EQ(rand_k.alpha, std::nullopt);
  EXPECT_EQ(rand_k.A, 0.75);
  EXPECT_EQ(rand_k.B, 0);
  EXPECT_EQ(rand_k.density, 3);
  const Bound top_k = make("top-k(3)", 12)->bound();
  EXPECT_EQ(top_k.alpha, 0.25);
  EXPECT_EQ(top_k.omega, std::nullopt);
  const Bound identity = make("identity", 12)->bound();
  EXPECT_EQ(identity.alpha, 1);
  EXPECT_EQ(identity.omega, 0);
  const Bound natural = make("natural", 32)->bound();
  EXPECT_EQ(natural.omega, 0.125);
  EXPECT_EQ(natural.A, 0.125 / 4);
  EXPECT_EQ(natural.density, 32);
  EXPECT_EQ(natural.floats, 6);
  EXPECT_EQ(make("natural", 32, Wire::f32)->bound().floats, 9);
  const Bound c_rand_k = make("c-rand-k(3)", 12)->bound();
  EXPECT_EQ(c_rand_k.alpha, 0.25);
  EXPECT_EQ(c_rand_k.omega, std::nullopt);
  EXPECT_EQ(c_rand_k.A, 0);
  EXPECT_EQ(c_rand_k.floats, 3);
  const Bound lazy = make("bernoulli(0.25)", 12)->bound();
  EXPECT_EQ(lazy.omega, 3);
  EXPECT_EQ(lazy.alpha, std::nullopt);
  EXPECT_EQ(lazy.A, 0.75);
  EXPECT_EQ(lazy.density, 3);
  EXPECT_EQ(lazy.floats, 3);
  const Bound comp = make("comp(3, 5)", 20)->bound();
  EXPECT_EQ(comp.omega, std::nullopt);
  EXPECT_DOUBLE_EQ(comp.alpha.value(), (2 - 5.0 / 3) * 5 / 20);
  EXPECT_DOUBLE_EQ(comp.bias_variance.value().eta, std::sqrt(0.75));
  EXPECT_DOUBLE_EQ(comp.bias_variance.value().omega, 2.0 / 3);
  EXPECT_DOUBLE_EQ(comp.bias_variance.value().omega_mean, 1.0 / 6);
  EXPECT_EQ(make("comp(3, 6)", 20)->bound().alpha, std::nullopt);
  EXPECT_EQ(make("comp(3, 20)", 20)->bound().omega, 20.0 / 3 - 1);
  EXPECT_EQ(make("comp(3, 3)", 20)->bound().alpha, 3.0 / 20);
  const Bound mix = make("mix(3, 5)", 20)->bound();
  EXPECT_EQ(mix.alpha, 8.0 / 20);
  EXPECT_EQ(mix.floats, 8);
  EXPECT_DOUBLE_EQ(mix.bias_variance.value().eta, 12 / std::sqrt(17.0 * 20));
  EXPECT_DOUBLE_EQ(mix.bias_variance.value().omega, 5.0 * 12 / (17 * 20));
  EXPECT_DOUBLE_EQ(bias_variance_of(make("top-k(5)", 20)->bound()).value().eta, std::sqrt(0.75));
  EXPECT_EQ(bias_variance_of(make("rand-k(5)", 20)->bound()).value().omega, 3);
  EXPECT_EQ(bias_variance_of(make("sign(scale=one)", 20)->bound()).has_value(), false);
  const Bound low_rank = make("low-rank(2)", 100)->bound();
  EXPECT_EQ(low_rank.alpha, 0.2);
  EXPECT_EQ(low_rank.omega, std::nullopt);
  EXPECT_EQ(low_rank.floats, 40);
  EXPECT_EQ(make("low-rank(2)", 10)->bound().alpha, 1) << "sent whole";
  EXPECT_EQ(make("low-rank(2)", 10)->bound().omega, 0) << "sent whole";
  const Bound sketch = make("sketch(3)", 100)->bound();
  EXPECT_EQ(sketch.omega, 3);
  EXPECT_EQ(sketch.A, 3.0 / 4);
  EXPECT_EQ(sketch.floats, 30);
  const Bound c_lazy = make("c-bernoulli(0.25)", 12)->bound();
  EXPECT_EQ(c_lazy.alpha, 0.25);
  EXPECT_EQ(c_lazy.omega, std::nullopt);
  EXPECT_EQ(c_lazy.floats, 3);
  const Bound qsgd_1 = make("qsgd(1)", 100)->bound();
  EXPECT_EQ(qsgd_1.omega, 9);
  EXPECT_EQ(qsgd_1.A, 9.0 / 4);
  EXPECT_EQ(qsgd_1.density, 10);
  EXPECT_EQ(qsgd_1.floats, 1 + 10 * 2 / 64.0);
  const Bound qsgd_4 = make("qsgd(4)", 10000, Wire::f32)->bound();
  EXPECT_EQ(qsgd_4.omega, 25) << "sqrt(d)/s";
  EXPECT_EQ(qsgd_4.density, 4 * 104);
  EXPECT_EQ(qsgd_4.floats, 1 + 4 * 104 * 4 / 32.0);
  EXPECT_EQ(qsgd_4.alpha, std::nullopt);
  EXPECT_EQ(make("qsgd(4)", 4)->bound().omega, 0.25) << "d/s^2";
  EXPECT_EQ(make("qsgd(4)", 4)->bound().density, 4);
  const Bound dithering = make("natural-dithering(3)", 64)->bound();
  EXPECT_EQ(dithering.omega, 0.125 + 2);
  EXPECT_EQ(dithering.density, 64);
  EXPECT_EQ(dithering.floats, 1 + 64 * 3 / 64.0) << "s + 1 levels and a sign: 3 bits";
  EXPECT_EQ(make("natural-dithering(6)", 64)->bound().omega, 0.125 + 1.0 / 16);
  const Bound sign = make("sign", 64)->bound();
  EXPECT_EQ(sign.alpha, 1.0 / 64);
  EXPECT_EQ(sign.omega, std::nullopt);
  EXPECT_EQ(sign.floats, 2);
  EXPECT_EQ(make("sign", 64, Wire::f32)->bound().floats, 3);
  EXPECT_EQ(make("sign(block=16)", 64)->bound().alpha, 1.0 / 16);
  EXPECT_EQ(make("sign(block=16)", 64)->bound().floats, 5);
  EXPECT_EQ(make("sign(scale=one)", 64)->bound().alpha, std::nullopt);
  const Bound one_bit = make("one-bit", 64, Wire::f32)->bound();
  EXPECT_EQ(one_bit.omega, 63);
  EXPECT_EQ(one_bit.alpha, std::nullopt);
  EXPECT_EQ(one_bit.floats, 3);
  EXPECT_EQ(one_bit.A, 63.0 / 4);
  EXPECT_EQ(make("one-bit(scale=block, block=16)", 64)->bound().omega, 15);
  for (const char* spec : {"one-bit(scale=fixed, bound=1)", "one-bit(scale=none)", "dithered-sign(1)"}) {
    EXPECT_EQ(make(spec, 64)->bound().omega, std::nullopt) << spec;
    EXPECT_EQ(make(spec, 64)->bound().floats, 1) << spec;
  }
  const Bound perm_k = make("perm-k", 13)->bound();
  EXPECT_EQ(perm_k.omega, 3);
  EXPECT_EQ(perm_k.density, 4);
  EXPECT_EQ(perm_k.floats, 13.0 / 4);
  EXPECT_EQ(perm_k.A, 1);
  EXPECT_EQ(perm_k.B, 1);
  // 3PCv2-Rand4oPerm10 of the 3PC paper: 4 of the 10 coordinates dealt to each of 100 clients.
  const Bound few = make("perm-k(4)", 1000, Wire::f64, 100)->bound();
  EXPECT_EQ(few.omega, 249);
  EXPECT_EQ(few.alpha, std::nullopt);
  EXPECT_EQ(few.density, 4);
  EXPECT_EQ(few.floats, 4);
  EXPECT_EQ(few.A, 2.5);
  EXPECT_EQ(few.B, 1);
  const Bound c_perm_k = make("c-perm-k", 13)->bound();
  EXPECT_EQ(c_perm_k.alpha, 0.25);
  EXPECT_EQ(c_perm_k.omega, std::nullopt);
  EXPECT_EQ(c_perm_k.floats, 13.0 / 4);
  EXPECT_EQ(make("c-perm-k(4)", 1000, Wire::f64, 100)->bound().alpha, 0.004);
  EXPECT_EQ(make("c-perm-k", 4, Wire::f64, 12)->bound().alpha, 0.25);
  EXPECT_EQ(make("perm-k", 4, Wire::f64, 1)->bound().alpha, 1) << "one client says everything";
  const Bound crowd = make("perm-k", 4, Wire::f64, 12)->bound();
  EXPECT_EQ(crowd.omega, 3);
  EXPECT_DOUBLE_EQ(crowd.A, 3.0 / 11);
  EXPECT_DOUBLE_EQ(crowd.B, 3.0 / 11);
}

TEST(Compressors, AWrongDescriptionIsRefusedWithAReason) {
  const auto refusal = [](const char* text) { return error_of([text] { make(text, 300); }); };
  EXPECT_EQ(refusal("rand-k(0)"), "column 1: rand-k(0): k = 0; need a whole number with 1 <= k <= 300");
  EXPECT_EQ(refusal("top-k(301)"), "column 1: top-k(301): k = 301; need a whole number with 1 <= k <= 300");
  EXPECT_EQ(refusal("top-k"), "column 1: top-k: \"k\" is missing: a count such as 10, or a share such as 1%");
  EXPECT_EQ(refusal("rand-k(1.5)"), "column 1: rand-k(1.5): k = 1.5; need a whole number with 1 <= k <= 300");
  EXPECT_EQ(refusal("rand-k(101%)"),
            "column 1: rand-k(101%): k = 101%; need a whole number with 1 <= k <= 300");
  EXPECT_EQ(refusal("natural(3)"), "column 1: natural(3): takes no argument without a name; found 1 more: 3");
  EXPECT_EQ(refusal("perm-k(j=3)"),
            "column 1: perm-k(j=3): unknown option \"j\" (did you mean \"k\"?); known: k");
  EXPECT_EQ(refusal("perm-k(k=76)"),
            "column 1: perm-k(k=76): k = 76; need k <= 75, the coordinates that every client is dealt");
  EXPECT_EQ(refusal("c-perm-k(0)"), "column 1: c-perm-k(0): k = 0; need a whole number with 1 <= k <= 300");
  EXPECT_EQ(refusal("c-rand-k(301)"),
            "column 1: c-rand-k(301): k = 301; need a whole number with 1 <= k <= 300");
  EXPECT_EQ(refusal("comp(5, 3)"),
            "column 1: comp(5, 3): k = 5; need k <= kk = 3, the number of the largest");
  EXPECT_EQ(refusal("mix(299, 2)"), "column 1: mix(299, 2): kk = 2; need kk <= 1, the number of the others");
  EXPECT_EQ(refusal("low-rank"), "column 1: low-rank: \"r\" is missing: a rank, such as 2");
  EXPECT_EQ(refusal("low-rank(0)"), "column 1: low-rank(0): r = 0; need a whole number >= 1");
  EXPECT_EQ(refusal("low-rank(1.5)"), "column 1: low-rank(1.5): r = 1.5; need a whole number >= 1");
  EXPECT_EQ(refusal("sketch(16777216)"), "column 1: sketch(16777216): r = 16777216; need 1 <= r <= 16777215");
  for (const std::string lazy : {"bernoulli", "c-bernoulli"}) {
    const auto refusal_of = [&](const std::string& arguments) { return refusal((lazy + arguments).c_str()); };
    const std::string begin = "column 1: " + lazy;
    EXPECT_EQ(refusal_of(""), begin + ": \"q\" is missing: a probability such as 0.1");
    EXPECT_EQ(refusal_of("(0)"), begin + "(0): q = 0; need 0 < q <= 1");
    EXPECT_EQ(refusal_of("(1.5)"), begin + "(1.5): q = 1.5; need 0 < q <= 1");
    EXPECT_EQ(refusal_of("(-1)"), begin + "(-1): q = -1; need 0 < q <= 1");
    EXPECT_EQ(refusal_of("(half)"), begin + "(half): q = half; need a number");
  }
  EXPECT_EQ(refusal("qsgd"), "column 1: qsgd: \"s\" is missing: the number of levels, such as 4");
  EXPECT_EQ(refusal("qsgd(0)"), "column 1: qsgd(0): s = 0; need a whole number with 1 <= s <= 32767");
  EXPECT_EQ(refusal("qsgd(2.5)"), "column 1: qsgd(2.5): s = 2.5; need a whole number with 1 <= s <= 32767");
  EXPECT_EQ(refusal("qsgd(32768)"),
            "column 1: qsgd(32768): s = 32768; need a whole number with 1 <= s <= 32767");
  EXPECT_EQ(refusal("natural-dithering(128)"),
            "column 1: natural-dithering(128): s = 128; need a whole number with 1 <= s <= 127");
  EXPECT_EQ(
      refusal("one-bit(scale=block)"),
      "column 1: one-bit(scale=block): \"block\" is missing: the coordinates of a block, as in block=64");
  EXPECT_EQ(refusal("sign(block=12)"),
            "column 1: sign(block=12): block = 12; need a multiple of 8 below 2^24");
  EXPECT_EQ(
      refusal("one-bit(scale=fixed)"),
      "column 1: one-bit(scale=fixed): \"bound\" is missing: the largest size of an entry, as in bound=0.1");
  EXPECT_EQ(refusal("dithered-sign(-1)"),
            "column 1: dithered-sign(-1): bound = -1; need 1e-38 <= bound <= 3e38");
  EXPECT_EQ(refusal("one-bit(bound=1)"),
            "column 1: one-bit(bound=1): unknown option \"bound\"; known: scale");
  EXPECT_EQ(refusal("sign(1)"), "column 1: sign(1): takes no argument without a name; found 1 more: 1");
  const std::string known =
      "known: identity, rand-k, c-rand-k, top-k, comp, mix, chunk-top-k, low-rank, sketch, perm-k, c-perm-k, "
      "natural, "
      "qsgd, "
      "natural-dithering, "
      "bernoulli, c-bernoulli, sign, one-bit, dithered-sign";
  EXPECT_EQ(refusal("rand-q(3)"),
            "column 1: unknown compressor \"rand-q\" (did you mean \"rand-k\"?); " + known);
  EXPECT_EQ(refusal("10"), "column 1: unknown compressor \"10\"; " + known);
  EXPECT_EQ(error_of([] { make("perm-k", 10, Wire::f32, std::size_t{1} << 20); }),
            "column 1: perm-k: clients = 1048576; need fewer than 2^20");
  EXPECT_EQ(error_of([] { make("top-k(5)", std::size_t{1} << 32); }),
            "column 1: top-k(5): 4294967296 coordinates; need fewer than 2^32");
}

// --- one bit per coordinate ----------------------------------------------------------------------

Vector random_vector(std::size_t dim, std::uint64_t seed) {
  Vector x(dim);
  fill_normal(Key{.seed = seed}.stream(Purpose::data), x);
  return x;
}

/// By the formula and the definition of the words, one coordinate at a time.
Vector drawn_by_the_rule(const Key& key, double s, View x) {
  const Stream stream = key.stream(Purpose::compressor);
  Vector q(x.size());
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double share = std::clamp(0.5 + x[j] / (2 * s), 0.0, 1.0);
    const auto threshold = static_cast<std::uint64_t>(std::llround(0x1p32 * share));
    q[j] = stream.block(j / 4)[j % 4] < threshold ? s : -s;
  }
  return q;
}

TEST(OneBit, DrawsByTheRuleWordByWord) {
  for (const std::size_t dim : {1UL, 63UL, 64UL, 65UL, 511UL, 512UL, 513UL, 1000UL, 1000003UL}) {
    const Vector x = random_vector(dim, dim);
    const Key key{3, 1, 4, 1, 5};
    const double largest = largest_size(x);
    EXPECT_EQ(compressed(*make("one-bit", dim), key, x), drawn_by_the_rule(key, largest, x));
    const double bound = known_scale(0.7);
    EXPECT_EQ(compressed(*make("one-bit(scale=fixed, bound=0.7)", dim), key, x),
              drawn_by_the_rule(key, bound, x));
    const double rounded = std::nextafter(static_cast<float>(largest * (1 + 1e-9)), INFINITY);
    const Vector narrow = compressed(*make("one-bit", dim, Wire::f32), key, x);
    EXPECT_GE(std::abs(narrow[0]), largest) << "rounded up";
    EXPECT_LE(std::abs(narrow[0]), rounded);
    EXPECT_EQ(narrow, drawn_by_the_rule(key, std::abs(narrow[0]), x)) << "measured by what is said";
  }
}

TEST(OneBit, BlocksAreDrawnAsOneVectorByTheirOwnScales) {
  const std::size_t dim = 1000;
  const Vector x = random_vector(dim, 8);
  const Key key{3, 1, 4, 0, 0};
  const Vector q = compressed(*make("one-bit(scale=block, block=72)", dim), key, x);
  for (std::size_t begin = 0; begin < dim; begin += 72) {
    const std::size_t end = std::min(dim, begin + 72);
    const double s = largest_size(View(x).subspan(begin, end - begin));
    const Vector whole = drawn_by_the_rule(key, s, x);
    for (std::size_t j = begin; j < end; ++j) EXPECT_EQ(q[j], whole[j]);
  }
}

TEST(OneBit, HasTheVarianceOfTheFormula) {
  const std::size_t dim = 40;
  const Vector x = random_vector(dim, 5);
  const double largest = largest_size(x);
  const double bound = known_scale(3);
  ASSERT_LT(largest, bound);
  for (const auto& [spec, s_sq] : {std::pair<const char*, double>{"one-bit", largest * largest},
                                   {"one-bit(scale=l2)", norm_sq(x)},
                                   {"one-bit(scale=fixed, bound=3)", bound * bound},
                                   {"dithered-sign(3)", bound * bound}}) {
    const MonteCarlo drawn(*make(spec, dim), x, 200000);
    const double variance = static_cast<double>(dim) * s_sq - norm_sq(x);
    EXPECT_NEAR(drawn.error, variance, 0.02 * variance) << spec;
    double off = 0;
    for (std::size_t j = 0; j < dim; ++j) off += (drawn.mean[j] - x[j]) * (drawn.mean[j] - x[j]);
    EXPECT_GT(drawn.draws * off / variance, 0.4) << spec;
    EXPECT_LT(drawn.draws * off / variance, 2.5) << spec;
  }
}

TEST(OneBit, AKnownBoundAndADitherAreOneLaw) {
  const std::size_t dim = 50;
  const int draws = 20000;
  Vector x(dim);
  for (std::size_t j = 0; j < dim; ++j) x[j] = -1 + 2 * static_cast<double>(j) / (dim - 1);
  const MonteCarlo one(*make("one-bit(scale=fixed, bound=1)", dim), x, draws);
  const MonteCarlo other(*make("dithered-sign(1)", dim), x, draws);
  for (std::size_t j = 0; j < dim; ++j) {
    const double p = (1 + x[j]) / 2;
    // of the difference of two means of -1 and 1
    const double deviation = 2 * std::sqrt(2 * p * (1 - p) / draws);
    EXPECT_LE(std::abs(one.mean[j] - other.mean[j]), 4.5 * deviation) << j;
  }
}

TEST(OneBit, EdgesAreCertainAndZerosAreFair) {
  for (std::uint32_t round = 0; round < 2000; ++round) {
    const Key key{7, round, 0, 0, 0};
    const Vector edges = {2, -2, 0, -0.0};
    const Vector q = compressed(*make("one-bit", 4), key, edges);
    EXPECT_EQ(q[0], 2);
    EXPECT_EQ(q[1], -2);
    const Vector clipped = compressed(*make("one-bit(scale=fixed, bound=0.5)", 4), key, edges);
    EXPECT_EQ(clipped[0], 0.5);
    EXPECT_EQ(clipped[1], -0.5);
  }
  for (const char* spec : {"one-bit", "one-bit(scale=l2)", "one-bit(scale=block, block=8)"})
    EXPECT_EQ(compressed(*make(spec, 77), {}, Vector(77)), Vector(77)) << spec;
  for (const double zero : {0.0, -0.0}) {
    const Vector coins = compressed(*make("one-bit(scale=fixed, bound=1)", 10000), {}, Vector(10000, zero));
    EXPECT_LE(std::abs(std::accumulate(coins.begin(), coins.end(), 0.0)), 4.5 * 100);
  }
}

TEST(OneBit, WhatIsNoNumberIsNeverABit) {
  for (const char* spec : {"one-bit", "one-bit(scale=l2)", "one-bit(scale=block, block=8)",
                           "one-bit(scale=none)", "one-bit(scale=fixed, bound=1)", "dithered-sign(1)"}) {
    for (const double wrong : {double{NAN}, double{INFINITY}, -double{INFINITY}}) {
      for (const std::size_t at : {0, 17, 32}) {
        Vector x(33, 1.0);
        x[at] = wrong;
        const Vector q = compressed(*make(spec, 33), {}, x);
        EXPECT_FALSE(std::isfinite(q[at])) << spec << " of " << wrong;
      }
    }
  }
}

TEST(OneBit, ClientsAndRoundsDrawApart) {
  const std::size_t dim = 40000;
  const auto coins = make("one-bit(scale=fixed, bound=1)", dim);
  const Vector zeros(dim);
  const Vector one = compressed(*coins, {1, 1, 1, 0, 0}, zeros);
  EXPECT_EQ(one, compressed(*coins, {1, 1, 1, 0, 0}, zeros));
  for (const Key& other : {Key{2, 1, 1, 0, 0}, {1, 2, 1, 0, 0}, {1, 1, 2, 0, 0}})
    EXPECT_LE(std::abs(dot(one, compressed(*coins, other, zeros))), 5 * std::sqrt(static_cast<double>(dim)));
}

TEST(OneBit, KnownScalesAreTheLeastOfThreeBytes) {
  EXPECT_EQ(known_scale(1), 1);
  EXPECT_EQ(known_scale(0.75), 0.75);
  for (const double c : {0.1, 1 / 3.0, 1e-38, 3e38, 1 + 1e-9, 255.99}) {
    const double known = known_scale(c);
    EXPECT_GE(known, c);
    EXPECT_LE(known, c * (1 + 0x1p-15));
    EXPECT_EQ(known, known_scale(known));
  }
}

TEST(Sign, OfBlocksIsTheSignOfEach) {
  const Vector x = random_vector(100, 4);
  const Vector q = compressed(*make("sign(block=24)", 100), {}, x);
  for (std::size_t begin = 0; begin < 100; begin += 24) {
    const View block = View(x).subspan(begin, std::min<std::size_t>(24, 100 - begin));
    const Vector alone = compressed(*make("sign", block.size()), {}, block);
    for (std::size_t j = 0; j < block.size(); ++j) EXPECT_EQ(q[begin + j], alone[j]);
  }
  EXPECT_EQ(compressed(*make("sign(scale=one)", 4), {}, Vector{0, -0.0, -3, 5}), (Vector{1, 1, -1, 1}));
}

// --- matrices ------------------------------------------------------------------------------------

/// Two matrices with other coordinates before, between and behind them.
const std::vector<MatrixBlock> kBlocks = {{.offset = 3, .rows = 6, .cols = 5},
                                          {.offset = 35, .rows = 4, .cols = 9}};
constexpr std::size_t kBlockDim = 75;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

std::unique_ptr<Compressor> make_on_blocks(const std::string& text, Wire wire = Wire::f64) {
  return make_compressor(parse(text),
                         {.dim = kBlockDim, .clients = kClients, .wire = wire, .blocks = kBlocks});
}

Matrix matrix_in(View x, const MatrixBlock& block) {
  return Eigen::Map<const Matrix>(x.data() + block.offset, static_cast<Eigen::Index>(block.rows),
                                  static_cast<Eigen::Index>(block.cols));
}

bool in_a_block(std::size_t j) {
  return std::any_of(kBlocks.begin(), kBlocks.end(),
                     [j](const MatrixBlock& b) { return j >= b.offset && j < b.offset + b.rows * b.cols; });
}

TEST(LowRank, IsTheProjectionOfOnePowerIteration) {
  const Vector x = random_vector(kBlockDim, 31);
  for (const std::size_t rank : {1, 2}) {
    const auto c = make_on_blocks(fmt::format("low-rank({}, warm=0)", rank));
    const Key key{7, 3, 2, 0, 0};
    Message message;
    c->compress(key, x, message);
    EXPECT_EQ(counted_floats(message, kBlockDim),
              static_cast<double>(rank * (11 + 13) + kBlockDim - 30 - 36));
    const Vector y = decoded(key, message, kBlockDim);
    for (std::size_t j = 0; j < kBlockDim; ++j) {
      if (!in_a_block(j)) {
        EXPECT_EQ(y[j], x[j]) << j;
      }
    }
    Stream words = key.stream(Purpose::compressor);
    for (const MatrixBlock& block : kBlocks) {
      const Matrix M = matrix_in(x, block);
      Matrix Q(M.cols(), static_cast<Eigen::Index>(rank));
      for (Eigen::Index l = 0; l < Q.cols(); ++l) {
        for (Eigen::Index k = 0; k < Q.rows(); ++k) Q(k, l) = (words.next32() + 0.5) / 0x1p31 - 1;
      }
      const Matrix P =
          Eigen::HouseholderQR<Matrix>(M * Q).householderQ() * Matrix::Identity(M.rows(), Q.cols());
      EXPECT_LE((P * (P.transpose() * M) - matrix_in(y, block)).norm(), 1e-12 * M.norm());
    }
  }
}

TEST(LowRank, SplitsTheSquaredNorm) {
  for_all([](const Row& row, const Compressor& compressor, Wire wire, View x) {
    if (!std::string(row.spec).starts_with("low-rank")) return;
    const Vector y = compressed(compressor, {5, 5, 0, 0, 0}, x);
    const double slack = wire == Wire::f32 ? 1e-6 : 1e-12;
    EXPECT_LE(norm_sq(y), norm_sq(x) * (1 + slack) + 1e-70);
    const double both = distance_sq(x, y) + norm_sq(y);
    EXPECT_LE(both, norm_sq(x) * (1 + slack) + 1e-70);
    // Zeros behind the vector are dropped, whatever they have become.
    if (x.size() == 64) {
      EXPECT_GE(both, norm_sq(x) * (1 - slack) - 1e-70);
    }
  });
  const Vector x = random_vector(kBlockDim, 30);
  for (const char* spec : {"low-rank(1)", "low-rank(2)"}) {
    const Vector y = compressed(*make_on_blocks(spec), {5, 5, 0, 0, 0}, x);
    EXPECT_NEAR(distance_sq(x, y) + norm_sq(y), norm_sq(x), 1e-12 * norm_sq(x)) << spec;
  }
}

TEST(LowRank, FindsAMatrixOfItsRank) {
  Vector x(90);
  for (std::size_t j = 0; j < 90; ++j)
    x[j] = static_cast<double>((j / 9 + 1) * (j % 9)) - static_cast<double>((j / 9 % 3) * (j % 9 % 2)) * 7;
  const auto c = make("low-rank(2)", 90);
  EXPECT_LE(distance_sq(compressed(*c, {5, 5, 0, 0, 0}, x), x), 1e-24 * norm_sq(x));
  EXPECT_GT(distance_sq(compressed(*make("low-rank(1)", 90), {5, 5, 0, 0, 0}, x), x), 1e-4 * norm_sq(x));
}

TEST(LowRank, ZerosStayZeros) {
  Vector x(kBlockDim);
  for (const char* spec : {"low-rank(1)", "low-rank(2, warm=0)", "sketch(2)"})
    EXPECT_EQ(compressed(*make_on_blocks(spec), {1, 2, 3, 0, 0}, x), x) << spec;
  for (std::size_t j = 0; j < 30; ++j) x[3 + j] = static_cast<double>(j * j % 7);  // the other matrix is 0
  const Vector y = compressed(*make_on_blocks("low-rank(2)"), {1, 2, 3, 0, 0}, x);
  EXPECT_TRUE(all_finite(y));
  for (std::size_t j = 35; j < 71; ++j) EXPECT_EQ(y[j], 0);
}

/// The message of a client that keeps `numbers`, which are updated.
Message say_and_keep(const Compressor& c, const Key& key, View x, Vector& numbers) {
  Message message;
  c.compress_with(key, x, numbers, message);
  c.keep(message, numbers);
  return message;
}

TEST(LowRank, StartsFromItsLastMessage) {
  const Vector x = random_vector(kBlockDim, 32);
  const auto warm = make_on_blocks("low-rank(2)");
  const auto cold = make_on_blocks("low-rank(2, warm=0)");
  EXPECT_EQ(warm->keeps(), 2 * (5 + 9U));
  EXPECT_EQ(cold->keeps(), 0U);
  EXPECT_EQ(make("low-rank(2)", 10)->keeps(), 0U) << "sent whole";
  Vector numbers(warm->keeps());
  // The first message starts from the draw of round 0, whatever its round is.
  Message first;
  cold->compress({1, 0, 3, 0, 0}, x, first);
  EXPECT_EQ(say_and_keep(*warm, {1, 4, 3, 0, 0}, x, numbers).bytes, first.bytes);
  double before = distance_sq(decoded({}, first, kBlockDim), x);
  for (std::uint32_t t = 5; t < 60; ++t) {
    const double now =
        distance_sq(decoded({}, say_and_keep(*warm, {1, t, 3, 0, 0}, x, numbers), kBlockDim), x);
    EXPECT_LE(now, before * (1 + 1e-12)) << t;
    before = now;
  }
  double best = 0;  // Eckart and Young
  for (const MatrixBlock& block : kBlocks) {
    const auto values = Eigen::JacobiSVD<Matrix>(matrix_in(x, block)).singularValues();
    best += values.tail(values.size() - 2).squaredNorm();
  }
  EXPECT_NEAR(before, best, 1e-4 * best);
}

TEST(LowRank, KeepsTheRightFactorAsItWasSent) {
  const Vector x = random_vector(kBlockDim, 33);
  const auto c = make_on_blocks("low-rank(1)", Wire::f32);
  Vector numbers(c->keeps());
  const Message message = say_and_keep(*c, {1, 4, 3, 0, 0}, x, numbers);
  const std::uint8_t* const values = message.bytes.data() + message.bytes.size() - 4 * (11 + 13 + 9);
  for (std::size_t k = 0; k < 5; ++k)  // 3 coordinates, 6 of P, and then Q
    EXPECT_EQ(numbers[k], static_cast<double>(load_le<float>(values + 4 * (9 + k)))) << k;
  for (std::size_t k = 0; k < 9; ++k)  // 2 coordinates and 4 of P later
    EXPECT_EQ(numbers[5 + k], static_cast<double>(load_le<float>(values + 4 * (20 + k)))) << k;
  const Vector kept = numbers;
  Message other;
  write_dense(Wire::f32, x, other);
  c->keep(other, numbers);
  write_nothing(Wire::f32, other);
  c->keep(other, numbers);
  EXPECT_EQ(numbers, kept) << "no messages of its own";
}

TEST(LowRank, GoesOnAfterZeros) {
  const Vector x = random_vector(kBlockDim, 34);
  const auto c = make_on_blocks("low-rank(2)");
  Vector numbers(c->keeps());
  const Message first = say_and_keep(*c, {1, 1, 3, 0, 0}, x, numbers);
  say_and_keep(*c, {1, 2, 3, 0, 0}, Vector(kBlockDim), numbers);
  EXPECT_EQ(numbers, Vector(c->keeps()));
  EXPECT_EQ(say_and_keep(*c, {1, 3, 3, 0, 0}, x, numbers).bytes, first.bytes);
}

TEST(Sketch, IsTheDefinition) {
  const Vector x = random_vector(kBlockDim, 35);
  const Key key{7, 3, 2, 0, 0};
  const Vector y = compressed(*make_on_blocks("sketch(3)"), key, x);
  Stream words = key.stream(Purpose::compressor);
  for (const MatrixBlock& block : kBlocks) {
    const Matrix M = matrix_in(x, block);
    Matrix W(M.cols(), 3);
    std::uint32_t word = 0;
    for (Eigen::Index bit = 0; bit < W.size(); ++bit) {
      if (bit % 32 == 0) word = words.next32();
      W(bit % W.rows(), bit / W.rows()) = (word >> (bit % 32)) % 2 == 1 ? 1 : -1;
    }
    EXPECT_LE((M * W * W.transpose() / 3 - matrix_in(y, block)).norm(), 1e-13 * M.norm());
  }
  for (std::size_t j = 0; j < kBlockDim; ++j) {
    if (!in_a_block(j)) {
      EXPECT_EQ(y[j], x[j]) << j;
    }
  }
}

TEST(Sketch, ReachesItsOmega) {
  const Vector x = random_vector(100, 36);
  const MonteCarlo drawn(*make("sketch(3)", 100), x, 20000);
  EXPECT_NEAR(drawn.error, 3 * norm_sq(x), 5 * drawn.error_error);
}

TEST(Compressors, SharesAreOfTheDimension) {
  EXPECT_EQ(make("rand-k(1%)", 1000)->bound().floats, 10);
  EXPECT_EQ(make("top-k(k=1%)", 1001)->bound().floats, 11);
}

/// The first usage of a row, with 1 for each argument that has no name.
std::string example_of(const CompressorRow& row) {
  std::string text = row.name;
  if (!row.usage.substr(row.name.size()).starts_with('(')) return text;
  Spec first = parse(row.usage.substr(0, row.usage.find(')') + 1));
  for (Spec& arg : first.args) arg = parse("1");
  return print(first);
}

TEST(Compressors, TheTableListsThemAll) {
  for (const CompressorRow& row : compressors()) {
    EXPECT_TRUE(row.usage.starts_with(row.name));
    EXPECT_FALSE(row.summary.empty());
    EXPECT_NE(make(example_of(row), 5), nullptr);
  }
}

}  // namespace
}  // namespace laconic
