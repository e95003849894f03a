// SPDX-License-Identifier: Apache-2.0
// Speed of compressors and of decoding. Each case checks its result before it is timed, and alternates with
// its reference in the same run. Counters:
//   ratio   median time over the median time of the reference (a vectorised sum of the same vector)
//   GB/s    bytes of the dense vector of doubles (8 d) per second of work, at the median time
//   ns      median nanoseconds of one call, for small vectors
// For sums of many messages, the counters use the minimum times, which are less disturbed on busy machines:
//   Gcoord/s   client-coordinates per second, in 1e9
//   ratio      time over that of the reference, which the case names
// Rows of floats: ratio is the minimum time of a vector of floats over that of the same values in doubles.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/timing.h"
#include "laconic/compress/compressor.h"
#include "laconic/compress/select.h"
#include "laconic/mechanism/mechanism.h"
#include "laconic/message/bits.h"
#include "laconic/message/deal.h"
#include "laconic/message/subset.h"
#include "laconic/message/sum.h"

namespace laconic {
namespace {

constexpr std::size_t kLong = 10'000'000;

void require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "wrong answer, not timed: %s\n", what);
  std::exit(1);
}

/// The reference: reads every entry once.
double vector_sum(View x) {
  std::array<double, 32> lane{};
  std::size_t j = 0;
  for (; j + lane.size() <= x.size(); j += lane.size()) {
    for (std::size_t l = 0; l < lane.size(); ++l) lane[l] += x[j + l];
  }
  double sum = 0;
  for (const double v : lane) sum += v;
  for (; j < x.size(); ++j) sum += x[j];
  return sum;
}

/// Times `work`, alternating with the sum of x; `undo` is not timed.
template <class Work, class Undo>
void compare_with_sum(benchmark::State& state, View x, Work&& work, Undo&& undo) {
  std::vector<double> reference;
  std::vector<double> own;
  work(0);  // lets buffers grow
  undo();
  std::uint32_t round = 0;
  for ([[maybe_unused]] auto _ : state) {
    const double a = cpu_seconds();
    benchmark::DoNotOptimize(vector_sum(x));
    const double b = cpu_seconds();
    work(++round);
    const double c = cpu_seconds();
    reference.push_back(b - a);
    own.push_back(c - b);
    state.SetIterationTime(c - b);
    undo();
  }
  state.counters["ratio"] = median(own) / median(reference);
  state.counters["sum_ms"] = 1e3 * median(reference);
  state.counters["GB/s"] = 8e-9 * static_cast<double>(x.size()) / median(own);
}

template <class Work>
void compare_with_sum(benchmark::State& state, View x, Work&& work) {
  compare_with_sum(state, x, work, [] {});
}

/// Drawn once: the draws take longer than most benchmarks, which begin several times.
Vector normal_vector(std::size_t dim, std::uint64_t seed = 1) {
  static std::map<std::pair<std::size_t, std::uint64_t>, Vector> drawn;
  Vector& x = drawn[{dim, seed}];
  if (!x.empty()) return x;
  x.resize(dim);
  Stream stream = Key{seed, 0, 0, 0, 0}.stream(Purpose::batch);
  for (std::size_t j = 0; j < dim; j += 2) {
    const double radius = std::sqrt(-2 * std::log(1 - stream.uniform()));
    const double angle = 6.283185307179586 * stream.uniform();
    x[j] = radius * std::cos(angle);
    if (j + 1 < dim) x[j + 1] = radius * std::sin(angle);
  }
  return x;
}

Vector long_vector(const std::string& kind) {
  Vector x = normal_vector(kLong);
  if (kind == "tied") std::fill(x.begin(), x.end(), 1.0);
  if (kind == "sorted") std::sort(x.begin(), x.end());
  if (kind == "reversed") std::sort(x.begin(), x.end(), std::greater<>());
  if (kind == "zeros") {
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = j % 128 == 0 ? x[j] : 0;
  }
  if (kind == "levels") {
    for (double& v : x) v = std::round(2 * v);
  }
  return x;
}

std::unique_ptr<Compressor> make(const std::string& spec, std::size_t dim, Wire wire = Wire::f32) {
  return make_compressor(parse(spec), {.dim = dim, .clients = 10, .wire = wire});
}

/// Whether `chosen` are the `count` largest entries of x; ties go to the lowest index.
bool are_largest(View x, std::size_t count, const Entries& chosen) {
  std::vector<double> sizes(x.size());
  std::transform(x.begin(), x.end(), sizes.begin(), [](double v) { return std::abs(v); });
  std::nth_element(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(count - 1), sizes.end(),
                   std::greater<>());
  const double least = sizes[count - 1];
  std::size_t ties = count;
  for (const double v : x) ties -= std::abs(v) > least ? 1 : 0;
  std::size_t i = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    if (std::abs(x[j]) < least) continue;
    if (std::abs(x[j]) == least && ties-- == 0) {
      ties = 0;
      continue;
    }
    if (i == count || chosen.index[i] != j || chosen.value[i] != x[j]) return false;
    ++i;
  }
  return i == count;
}

void top_k(benchmark::State& state, const char* kind) {
  const Vector x = long_vector(kind);
  constexpr std::size_t kCount = kLong / 100;
  Entries chosen;
  largest_entries(x, kCount, chosen);
  require(are_largest(x, kCount, chosen), "top-k");
  const auto compressor = make("top-k(1%)", kLong);
  Message message;
  compare_with_sum(state, x, [&](std::uint32_t round) {
    compressor->compress({1, round, 0, 0, 0}, x, message);
  });
}
BENCHMARK_CAPTURE(top_k, normal, "normal")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(top_k, tied, "tied")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(top_k, sorted, "sorted")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(top_k, reversed, "reversed")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(top_k, mostly_zero, "zeros")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(top_k, few_levels, "levels")->UseManualTime()->Unit(benchmark::kMillisecond);

void top_k_select(benchmark::State& state) {
  const Vector x = long_vector("normal");
  Entries chosen;
  compare_with_sum(state, x, [&](std::uint32_t) { largest_entries(x, kLong / 100, chosen); });
}
BENCHMARK(top_k_select)->UseManualTime()->Unit(benchmark::kMillisecond);

void top_k_decode(benchmark::State& state) {
  const Vector x = long_vector("normal");
  Message message;
  make("top-k(1%)", kLong)->compress({}, x, message);
  Vector acc(kLong);
  compare_with_sum(state, x, [&](std::uint32_t) { decode_add({}, message, 0.5, acc); });
}
BENCHMARK(top_k_decode)->UseManualTime()->Unit(benchmark::kMillisecond);

/// A step of EF21 with a gradient x: sends the largest entries of x - h, and adds the message to h.
void memory_step(benchmark::State& state) {
  const Vector x = normal_vector(kLong);
  Vector h = normal_vector(kLong, 2);
  const MechanismPtr ef21 = memory(make("top-k(1%)", kLong), 1);
  Message message;
  const auto step = [&](std::uint32_t round) {
    const Key key{1, round, 0, 0, 0};
    ef21->encode(key, {h}, x, message);
    decode_add(key, message, 1, h);
  };
  const Vector before = h;
  step(0);
  Vector difference(kLong);
  subtract(x, before, difference);
  Entries chosen;
  for (std::size_t j = 0; j < kLong; ++j) {
    if (h[j] == before[j]) continue;
    require(std::abs(h[j] - x[j]) <= 1e-6 * std::abs(difference[j]), "memory step: added");
    chosen.index.push_back(static_cast<std::uint32_t>(j));
    chosen.value.push_back(difference[j]);
  }
  require(chosen.index.size() == kLong / 100 && are_largest(difference, kLong / 100, chosen),
          "memory step: chosen");
  copy(before, h);
  compare_with_sum(state, x, step, [&] { decode_add({}, message, -1, h); });
}
BENCHMARK(memory_step)->UseManualTime()->Unit(benchmark::kMillisecond);

void index_coding(benchmark::State& state) {
  const auto dim = static_cast<std::size_t>(state.range(0));
  const auto count = static_cast<std::size_t>(state.range(1));
  std::vector<std::uint32_t> support;
  draw_subset(Key{1, 0, 0, 0, 0}.stream(Purpose::compressor), count, dim, support);
  std::size_t bits = 0;
  std::vector<double> times;
  for ([[maybe_unused]] auto _ : state) {
    const double begin = cpu_seconds();
    GapCodes codes(count, dim);
    bits = 0;
    std::uint32_t next = 0;
    for (const std::uint32_t j : support) {
      bits += codes.next(dim - next).length(j - next);
      next = j + 1;
    }
    benchmark::DoNotOptimize(bits);
    times.push_back(cpu_seconds() - begin);
    state.SetIterationTime(times.back());
  }
  const double d = static_cast<double>(dim);
  const double k = static_cast<double>(count);
  const double least = (std::lgamma(d + 1) - std::lgamma(k + 1) - std::lgamma(d - k + 1)) / std::log(2.0);
  state.counters["bits/index"] = static_cast<double>(bits) / k;
  state.counters["%_above_binomial"] = 100 * (static_cast<double>(bits) / least - 1);
}
BENCHMARK(index_coding)
    ->UseManualTime()
    ->Args({1'000, 10})
    ->Args({10'000, 100})
    ->Args({kLong, kLong / 1000})
    ->Args({kLong, kLong / 100})
    ->Args({kLong, kLong / 17})
    ->Args({kLong, kLong / 10})
    ->Iterations(20);

void natural(benchmark::State& state, Wire wire) {
  const Vector x = normal_vector(kLong);
  const auto compressor = make("natural", kLong, wire);
  Message message;
  Vector acc(kLong);
  compressor->compress({}, x, message);
  decode_add({}, message, 1, acc);
  for (std::size_t j = 0; j < kLong; ++j) {
    const double low = std::exp2(std::floor(std::log2(std::abs(x[j]))));
    require(x[j] * acc[j] >= 0 && (std::abs(acc[j]) == low || std::abs(acc[j]) == 2 * low), "natural");
  }
  compare_with_sum(state, x, [&](std::uint32_t round) {
    compressor->compress({1, round, 0, 0, 0}, x, message);
    decode_add({}, message, 0.5, acc);
  });
}
BENCHMARK_CAPTURE(natural, f32, Wire::f32)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(natural, f64, Wire::f64)->UseManualTime()->Unit(benchmark::kMillisecond);

/// Times encode followed by decode. `right(x, y)`: whether y is a possible decoding of the vector x.
template <class Right>
void both_sides(benchmark::State& state, const char* spec, Wire wire, Right&& right) {
  const Vector x = normal_vector(kLong);
  const auto compressor = make(spec, kLong, wire);
  Message message;
  Vector acc(kLong);
  compressor->compress({}, x, message);
  decode_add({}, message, 1, acc);
  require(right(x, acc), spec);
  compare_with_sum(state, x, [&](std::uint32_t round) {
    compressor->compress({1, round, 0, 0, 0}, x, message);
    decode_add({}, message, 0.5, acc);
  });
}

void sign(benchmark::State& state, Wire wire) {
  both_sides(state, "sign", wire, [](View x, View y) {
    double scale = 0;
    for (const double v : x) scale += std::abs(v) / kLong;
    for (std::size_t j = 0; j < kLong; ++j) {
      if (!(std::abs(y[j] - (x[j] < 0 ? -scale : scale)) <= 1e-7 * scale)) return false;
    }
    return true;
  });
}
BENCHMARK_CAPTURE(sign, f32, Wire::f32)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sign, f64, Wire::f64)->UseManualTime()->Unit(benchmark::kMillisecond);

/// Checks that levels are neighbours, and that the mean over the coordinates shows no bias.
void dithering(benchmark::State& state, const char* spec, double top_gap) {
  both_sides(state, spec, Wire::f32, [top_gap](View x, View y) {
    const double norm = std::sqrt(norm_sq(x));
    const double omega = std::min(kLong * top_gap * top_gap, std::sqrt(kLong) * top_gap) + 0.125;
    double difference = 0;
    for (std::size_t j = 0; j < kLong; ++j) {
      if (!(std::abs(y[j] - x[j]) <= top_gap * norm * (1 + 1e-6))) return false;
      difference += y[j] - x[j];
    }
    return std::abs(difference) <= 5 * std::sqrt(omega) * norm;
  });
}
BENCHMARK_CAPTURE(dithering, qsgd_1, "qsgd(1)", 1.0)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dithering, qsgd_4, "qsgd(4)", 0.25)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dithering, qsgd_100, "qsgd(100)", 0.01)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dithering, qsgd_3000, "qsgd(3000)", 1.0 / 3000)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(dithering, natural_12, "natural-dithering(12)", 0.5)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

enum class Side { encode, decode };

/// One side of any compressor.
void one_side(benchmark::State& state, const char* spec, Side side, Wire wire) {
  const Vector x = normal_vector(kLong);
  const auto compressor = make(spec, kLong, wire);
  Message message;
  Vector acc(kLong);
  compressor->compress({}, x, message);
  decode_add({}, message, 1, acc);
  require(distance_sq(acc, x) <= (1.2 * compressor->bound().omega.value_or(1) + 1e-9) * norm_sq(x), spec);
  compare_with_sum(state, x, [&](std::uint32_t round) {
    if (side == Side::encode) compressor->compress({1, round, 0, 0, 0}, x, message);
    if (side == Side::decode) decode_add({1, round, 0, 0, 0}, message, 0.5, acc);
  });
}
BENCHMARK_CAPTURE(one_side, natural_encode_f32, "natural", Side::encode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, natural_decode_f32, "natural", Side::decode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, natural_encode_f64, "natural", Side::encode, Wire::f64)->UseManualTime();
BENCHMARK_CAPTURE(one_side, natural_decode_f64, "natural", Side::decode, Wire::f64)->UseManualTime();
BENCHMARK_CAPTURE(one_side, sign_encode_f32, "sign", Side::encode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, sign_decode_f32, "sign", Side::decode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, one_bit_encode_f32, "one-bit", Side::encode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, one_bit_decode_f32, "one-bit", Side::decode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, one_bit_blocks_encode_f32, "one-bit(scale=block, block=1024)", Side::encode,
                  Wire::f32)
    ->UseManualTime();
BENCHMARK_CAPTURE(one_side, qsgd_4_encode_f32, "qsgd(4)", Side::encode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, qsgd_4_decode_f32, "qsgd(4)", Side::decode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, rand_k_encode, "rand-k(1%)", Side::encode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, rand_k_decode, "rand-k(1%)", Side::decode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, rand_k_30_encode, "rand-k(30%)", Side::encode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, rand_k_90_encode, "rand-k(90%)", Side::encode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, rand_k_1000_encode, "rand-k(1000)", Side::encode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, dense_encode, "identity", Side::encode, Wire::f32)->UseManualTime();
BENCHMARK_CAPTURE(one_side, dense_decode, "identity", Side::decode, Wire::f32)->UseManualTime();

double least(const std::vector<double>& times) { return *std::min_element(times.begin(), times.end()); }

/// One side of a compressor for a vector of floats. The reference is the same for doubles with the same values,
/// in the same run. widening_ratio: that of a copy in doubles before or behind the reference.
void floats(benchmark::State& state, const char* spec, Side side) {
  const Vector wide = [] {
    Vector x = normal_vector(kLong);
    for (double& v : x) v = static_cast<double>(static_cast<float>(v));
    return x;
  }();
  const std::vector<float> x(wide.begin(), wide.end());
  const auto compressor = make(spec, kLong);
  Message message, other;
  Vector acc(kLong), copied(kLong);
  std::vector<float> acc_of_floats(kLong);
  compressor->compress({}, wide, message);
  compressor->compress_floats({}, x, other);
  require(message.bytes == other.bytes, "the bytes of floats");
  decode_add({}, message, 0.5, acc);
  decode_add({}, message, 0.5, acc_of_floats);
  for (std::size_t j = 0; j < kLong; ++j)
    require(acc_of_floats[j] == static_cast<float>(acc[j]), "the sum in floats");
  std::vector<double> own, reference, widened;
  for ([[maybe_unused]] auto _ : state) {
    const Key key{1, static_cast<std::uint32_t>(own.size()), 0, 0, 0};
    const double a = cpu_seconds();
    if (side == Side::encode) compressor->compress_floats(key, x, message);
    if (side == Side::decode) decode_add(key, message, 0.5, acc_of_floats);
    const double b = cpu_seconds();
    if (side == Side::encode) compressor->compress(key, wide, message);
    if (side == Side::decode) decode_add(key, message, 0.5, acc);
    const double c = cpu_seconds();
    if (side == Side::encode) {
      std::copy(x.begin(), x.end(), copied.begin());
      compressor->compress(key, copied, message);
    } else {
      std::copy(acc_of_floats.begin(), acc_of_floats.end(), copied.begin());
      decode_add(key, message, 0.5, copied);
      std::transform(copied.begin(), copied.end(), acc_of_floats.begin(),
                     [](double v) { return static_cast<float>(v); });
    }
    const double d = cpu_seconds();
    own.push_back(b - a);
    reference.push_back(c - b);
    widened.push_back(d - c);
    state.SetIterationTime(b - a);
  }
  state.counters["ratio"] = least(own) / least(reference);
  state.counters["widening_ratio"] = least(widened) / least(reference);
}
#define LACONIC_BENCH_FLOATS(name, spec)                       \
  BENCHMARK_CAPTURE(floats, name##_encode, spec, Side::encode) \
      ->UseManualTime()                                        \
      ->Unit(benchmark::kMillisecond)                          \
      ->Iterations(15);                                        \
  BENCHMARK_CAPTURE(floats, name##_decode, spec, Side::decode) \
      ->UseManualTime()                                        \
      ->Unit(benchmark::kMillisecond)                          \
      ->Iterations(15)
LACONIC_BENCH_FLOATS(dense, "identity");
LACONIC_BENCH_FLOATS(rand_k, "rand-k(1%)");
LACONIC_BENCH_FLOATS(top_k, "top-k(1%)");
LACONIC_BENCH_FLOATS(natural, "natural");
LACONIC_BENCH_FLOATS(sign, "sign");
LACONIC_BENCH_FLOATS(sign_blocks, "sign(block=1024)");
LACONIC_BENCH_FLOATS(one_bit, "one-bit");
LACONIC_BENCH_FLOATS(one_bit_l2, "one-bit(scale=l2)");
LACONIC_BENCH_FLOATS(one_bit_blocks, "one-bit(scale=block, block=1024)");
LACONIC_BENCH_FLOATS(one_bit_fixed, "one-bit(scale=fixed, bound=4)");
LACONIC_BENCH_FLOATS(qsgd_1, "qsgd(1)");
LACONIC_BENCH_FLOATS(qsgd_4, "qsgd(4)");
LACONIC_BENCH_FLOATS(qsgd_100, "qsgd(100)");
LACONIC_BENCH_FLOATS(qsgd_3000, "qsgd(3000)");
LACONIC_BENCH_FLOATS(natural_dithering, "natural-dithering(12)");
#undef LACONIC_BENCH_FLOATS

/// Messages of this number of clients, and the arguments that pass them to decode_add_all.
struct Said {
  std::vector<Message> messages;
  std::vector<Addend> sum;

  Said(const char* spec, std::size_t clients, std::size_t dim) : messages(clients) {
    const Vector x = normal_vector(dim);
    const auto compressor = make(spec, dim);
    for (std::uint32_t i = 0; i < clients; ++i) {
      const Key key{.seed = 1, .client = i};
      compressor->compress(key, x, messages[i]);
      sum.push_back({key, messages[i].bytes, 1.0 / static_cast<double>(clients)});
    }
  }
};

/// acc += the messages, by a plain loop; the scale is an f32 in front of the bit plane.
void add_plainly(std::span<const Addend> sum, MutView acc) {
  for (const Addend& one : sum) {
    const auto c = static_cast<double>(load_le<float>(one.message.data() + 1));
    const std::uint8_t* const plane = one.message.data() + 5;
    for (std::size_t j = 0; j < acc.size(); ++j)
      acc[j] += one.weight * ((plane[j / 8] >> (j % 8) & 1) != 0 ? -c : c);
  }
}

/// Signs with a scale each, of 100 clients and 1e6 coordinates. The reference is the plain loop, one message
/// after another. decode_add_ratio: the same with a decode_add for each message.
void fold_scaled_signs(benchmark::State& state) {
  const std::size_t dim = 1'000'000;
  const Said said("one-bit", 100, dim);
  ThreadPool pool(1);
  SignCount counted;
  Vector acc(dim), expected(dim);
  add_plainly(said.sum, expected);
  decode_add_all(said.sum, counted, pool, acc);
  require(acc == expected, "the fold of scaled signs");
  std::vector<double> own, plain, in_turn;
  for ([[maybe_unused]] auto _ : state) {
    const double a = cpu_seconds();
    decode_add_all(said.sum, counted, pool, acc);
    const double b = cpu_seconds();
    for (std::size_t m = 0; m < said.sum.size(); ++m)
      decode_add(said.sum[m].key, said.messages[m], said.sum[m].weight, acc);
    const double c = cpu_seconds();
    add_plainly(said.sum, acc);
    const double d = cpu_seconds();
    own.push_back(b - a);
    in_turn.push_back(c - b);
    plain.push_back(d - c);
    state.SetIterationTime(b - a);
  }
  state.counters["Gcoord/s"] = 1e-9 * static_cast<double>(dim * said.sum.size()) / least(own);
  state.counters["ratio"] = least(own) / least(plain);
  state.counters["decode_add_ratio"] = least(own) / least(in_turn);
}
BENCHMARK(fold_scaled_signs)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(15);

/// Signs with a common known scale, of 100 clients. The reference reads the messages once. with_sum: also
/// times the addition of the counts to 1e7 doubles.
void count_signs(benchmark::State& state) {
  const Said said("one-bit(scale=fixed, bound=4)", 100, kLong);
  ThreadPool pool(1);
  SignCount counted;
  Vector acc(kLong);
  decode_add_all(said.sum, counted, pool, acc);
  counted.settle(pool, acc);
  for (std::size_t j = 0; j < kLong; j += 97) {
    int minus = 0;
    for (const Message& message : said.messages) minus += message.bytes[4 + j / 8] >> (j % 8) & 1;
    require(acc[j] == 0.01 * 4 * (100 - 2 * minus), "the count of signs");
  }
  std::vector<double> count, with_sum, read;
  for ([[maybe_unused]] auto _ : state) {
    const double a = cpu_seconds();
    std::uint64_t bits = 0;
    for (const Message& message : said.messages) {
      for (std::size_t at = 0; at + 8 <= message.bytes.size(); at += 8)
        bits ^= load_le<std::uint64_t>(message.bytes.data() + at);
    }
    benchmark::DoNotOptimize(bits);
    const double b = cpu_seconds();
    decode_add_all(said.sum, counted, pool, acc);
    const double c = cpu_seconds();
    counted.settle(pool, acc);
    const double d = cpu_seconds();
    read.push_back(b - a);
    count.push_back(c - b);
    with_sum.push_back(d - b);
    state.SetIterationTime(d - b);
  }
  state.counters["Gcoord/s"] = 1e-9 * static_cast<double>(kLong * said.sum.size()) / least(with_sum);
  state.counters["ratio"] = least(count) / least(read);
  state.counters["ratio_with_sum"] = least(with_sum) / least(read);
  state.counters["read_ms"] = 1e3 * least(read);
}
BENCHMARK(count_signs)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(15);

/// What bounds the others, in sums too: a pass that reads two vectors and writes one, 24 bytes a coordinate.
void roof_axpy(benchmark::State& state) {
  const Vector x = normal_vector(kLong);
  Vector acc(kLong);
  compare_with_sum(state, x, [&](std::uint32_t) {
    axpy(1e-9, x, acc);
    benchmark::ClobberMemory();
  });
}
BENCHMARK(roof_axpy)->UseManualTime()->Unit(benchmark::kMillisecond);

/// A random word of 32 bits for each coordinate, in tiles that stay in the L1 cache.
void roof_words(benchmark::State& state) {
  const Vector x = normal_vector(kLong);
  std::array<std::uint32_t, 512> words;  // NOLINT: filled before it is read
  compare_with_sum(state, x, [&](std::uint32_t round) {
    const Stream stream = Key{1, round, 0, 0, 0}.stream(Purpose::compressor);
    for (std::size_t j = 0; j < kLong; j += words.size()) {
      stream.fill(j / 4, words);
      benchmark::DoNotOptimize(words.data());
    }
  });
}
BENCHMARK(roof_words)->UseManualTime()->Unit(benchmark::kMillisecond);

void deal_a_round(benchmark::State& state) {
  const Vector x = normal_vector(kLong);
  compare_with_sum(state, x, [&](std::uint32_t round) {
    benchmark::DoNotOptimize(dealt_block({1, round, 0, 0, 0}, kLong, 100));
  });
}
BENCHMARK(deal_a_round)->UseManualTime()->Unit(benchmark::kMillisecond);

void philox_fill(benchmark::State& state) {
  std::vector<std::uint32_t> words(4096);
  const Stream stream = Key{}.stream(Purpose::batch);
  std::uint64_t block = 0;
  for ([[maybe_unused]] auto _ : state) {
    stream.fill(block, words);
    block += words.size() / 4;
    benchmark::DoNotOptimize(words.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(4 * words.size()));
}
BENCHMARK(philox_fill);

/// Small vectors, as in convex experiments: the time of one call. The vectors take turns, so that the CPU does
/// not learn the branches of one.
void small(benchmark::State& state, const char* spec, std::size_t dim, Side side) {
  constexpr std::uint32_t kTurns = 64;
  const auto compressor = make(spec, dim);
  std::vector<Vector> x;
  std::vector<Message> messages(kTurns);
  for (std::uint32_t k = 0; k < kTurns; ++k) {
    x.push_back(normal_vector(dim, k + 1));
    compressor->compress({1, k, 3, 0, 0}, x[k], messages[k]);
  }
  Vector acc(dim);
  std::uint32_t round = 0;
  for ([[maybe_unused]] auto _ : state) {
    const std::uint32_t k = ++round % kTurns;
    Message& message = messages[k];
    const Key key{1, k, 3, 0, 0};
    if (side == Side::encode) compressor->compress(key, x[k], message);
    if (side == Side::decode) decode_add(key, message, 0.5, acc);
    benchmark::DoNotOptimize(message.bytes.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK_CAPTURE(small, rand_k_10_of_300_encode, "rand-k(10)", 300, Side::encode);
BENCHMARK_CAPTURE(small, rand_k_10_of_300_decode, "rand-k(10)", 300, Side::decode);
BENCHMARK_CAPTURE(small, top_k_12_of_123_encode, "top-k(12)", 123, Side::encode);
BENCHMARK_CAPTURE(small, top_k_12_of_123_decode, "top-k(12)", 123, Side::decode);
BENCHMARK_CAPTURE(small, top_k_10_of_1000_encode, "top-k(10)", 1000, Side::encode);
BENCHMARK_CAPTURE(small, top_k_100_of_1000_encode, "top-k(100)", 1000, Side::encode);
BENCHMARK_CAPTURE(small, top_k_50_of_1000_encode, "top-k(50)", 1000, Side::encode);
BENCHMARK_CAPTURE(small, top_k_251_of_25088_encode, "top-k(251)", 25088, Side::encode);
BENCHMARK_CAPTURE(small, natural_of_300_encode, "natural", 300, Side::encode);
BENCHMARK_CAPTURE(small, natural_of_300_decode, "natural", 300, Side::decode);
BENCHMARK_CAPTURE(small, perm_k_of_300_encode, "perm-k", 300, Side::encode);
BENCHMARK_CAPTURE(small, identity_of_300_encode, "identity", 300, Side::encode);

}  // namespace
}  // namespace laconic
