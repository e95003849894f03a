// SPDX-License-Identifier: Apache-2.0
// With z = E a for a row a, the residual is D z - a and
//   dD = (2/m) sum (D z - a) z' = (2/m) (D K - Q),   Q = sum a z',   K = sum z z' = E Q,
//   dE = (2/m) sum w a',   w = D'(D z - a) = C a,   C = D'D E - D',
//   f  = (1/m) sum (w'z - (D'a)'z + |a|^2) = (1/m) (<E', T> - <D, Q> + sum |a|^2),   T = sum a w'.
// So the rows are met in two products only, z and w from [E; C] a, and [Q T] from a [z; w]', and both meet
// the entries other than 0 only: a fifth of MNIST. The residual of all columns, which is dense, is never
// made.
#include "laconic/problem/autoencoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"
#include "laconic/problem/model.h"
#include "laconic/problem/vector_math.h"

namespace laconic {
namespace {

struct alignas(64) CacheLine {
  static constexpr std::size_t kDoubles = 8;
  double at[kDoubles];
};

std::size_t round_up(std::size_t n) {
  return (n + CacheLine::kDoubles - 1) / CacheLine::kDoubles * CacheLine::kDoubles;
}

/// Its rows begin on cache lines, as a vector load that straddles two costs double.
class Matrix {
 public:
  /// All 0. `width` is a multiple of 8.
  void assign(std::size_t rows, std::size_t width) {
    width_ = width;
    lines_.assign(rows * width / CacheLine::kDoubles, {});
  }

  double* row(std::size_t i) { return reinterpret_cast<double*>(lines_.data()) + i * width_; }
  [[nodiscard]] const double* row(std::size_t i) const {
    return reinterpret_cast<const double*>(lines_.data()) + i * width_;
  }

 private:
  std::size_t width_ = 0;
  std::vector<CacheLine> lines_;
};

// Rows of a matrix are added up, or added to, in tiles of 4 * kVectors numbers that stay in registers.

template <std::size_t kVectors, class Factor, class Row>
void combine_tile(std::size_t count, Factor factor, Row row, std::size_t at, double* out) {
  Doubles sum[kVectors]{};
  for (std::size_t t = 0; t < count; ++t) {
    const Doubles f = all(factor(t));
    const double* const from = row(t) + at;
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kVectors; ++k)
      sum[k] = multiply_add(f, load<Doubles>(from + k * kLanes), sum[k]);
  }
  std::memcpy(out + at, sum, sizeof sum);
}

template <std::size_t kVectors, class Factor, class Row>
void spread_tile(std::size_t count, Factor factor, Row row, std::size_t at, const double* in) {
  Doubles add[kVectors];
  std::memcpy(add, in + at, sizeof add);
  for (std::size_t t = 0; t < count; ++t) {
    const Doubles f = all(factor(t));
    double* const to = row(t) + at;
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kVectors; ++k) {
      const Doubles sum = multiply_add(f, add[k], load<Doubles>(to + k * kLanes));
      std::memcpy(to + k * kLanes, &sum, sizeof sum);
    }
  }
}

/// out[0 .. width-1] = sum over t < count of factor(t) * row(t)
template <class Factor, class Row>
void combine(std::size_t width, std::size_t count, Factor factor, Row row, double* out) {
  std::size_t at = 0;
  for (; at + 8 * kLanes <= width; at += 8 * kLanes) combine_tile<8>(count, factor, row, at, out);
  for (; at + 4 * kLanes <= width; at += 4 * kLanes) combine_tile<4>(count, factor, row, at, out);
  for (; at < width; at += 2 * kLanes) combine_tile<2>(count, factor, row, at, out);
}

/// row(t) += factor(t) * in[0 .. width-1] for every t < count
template <class Factor, class Row>
void spread(std::size_t width, std::size_t count, Factor factor, Row row, const double* in) {
  std::size_t at = 0;
  for (; at + 8 * kLanes <= width; at += 8 * kLanes) spread_tile<8>(count, factor, row, at, in);
  for (; at + 4 * kLanes <= width; at += 4 * kLanes) spread_tile<4>(count, factor, row, at, in);
  for (; at < width; at += 2 * kLanes) spread_tile<2>(count, factor, row, at, in);
}

/// The entries other than 0 of rows that shards name by their place here. Pixels stay bytes: a feature is
/// kUnit * value.
template <class Value>
class StoredRows {
 public:
  static constexpr double kUnit = std::is_same_v<Value, std::uint8_t> ? 1 / 255.0 : 1.0;

  void append(const Dataset& data, std::size_t row) {
    double square = 0;
    for_each_entry(data, row, [&](std::uint32_t column, double feature) {
      column_.push_back(column);
      if constexpr (std::is_same_v<Value, std::uint8_t>) {
        value_.push_back(static_cast<std::uint8_t>(std::lround(feature * 255)));
      } else {
        value_.push_back(feature);
      }
      square += feature * feature;
    });
    begin_.push_back(column_.size());
    norm_sq_.push_back(square);
  }

  /// No more rows will come.
  void shrink_to_fit() {
    begin_.shrink_to_fit();
    column_.shrink_to_fit();
    value_.shrink_to_fit();
    norm_sq_.shrink_to_fit();
  }

  [[nodiscard]] double norm_sq(std::size_t place) const { return norm_sq_[place]; }

  /// out = sum over the row's entries (c, value) of value * from.row(c)
  void combine(std::size_t place, std::size_t width, const Matrix& from, double* out) const {
    const std::uint32_t* const column = column_.data() + begin_[place];
    laconic::combine(
        width, begin_[place + 1] - begin_[place], values(place),
        [&from, column](std::size_t e) { return from.row(column[e]); }, out);
  }

  /// to.row(c) += value * in for each of the row's entries (c, value)
  void spread(std::size_t place, std::size_t width, const double* in, Matrix& to) const {
    const std::uint32_t* const column = column_.data() + begin_[place];
    laconic::spread(
        width, begin_[place + 1] - begin_[place], values(place),
        [&to, column](std::size_t e) { return to.row(column[e]); }, in);
  }

 private:
  [[nodiscard]] auto values(std::size_t place) const {
    return [value = value_.data() + begin_[place]](std::size_t e) { return static_cast<double>(value[e]); };
  }

  std::vector<std::uint64_t> begin_{0};
  std::vector<std::uint32_t> column_;
  std::vector<Value> value_;
  Vector norm_sq_;
};

/// Kept from call to call, one a thread. Each half of a row of two is padded to whole cache lines.
struct Scratch {
  Matrix D;         // columns x hidden
  Matrix gram;      // D'D, and later K
  Matrix encoders;  // columns x two: row c is column c of E and of C
  Matrix codes;     // z and w of one row
  Matrix sums;      // columns x two: Q and T
};

template <class Value>
class Autoencoder final : public Problem {
 public:
  using Places = std::vector<std::uint32_t>;

  Autoencoder(std::size_t columns, const AutoencoderOptions& options, std::vector<std::size_t> rows,
              std::uint32_t data_checksum, StoredRows<Value> stored, OwnShards<Places> shards)
      : columns_(columns),
        hidden_(options.hidden),
        half_(round_up(options.hidden)),
        seed_(options.seed),
        data_checksum_(data_checksum),
        rows_(std::move(rows)),
        stored_(std::move(stored)),
        shards_(std::move(shards)) {
    stored_.shrink_to_fit();
  }

  [[nodiscard]] std::size_t dim() const override { return 2 * columns_ * hidden_; }
  [[nodiscard]] std::size_t shards() const override { return rows_.size(); }
  [[nodiscard]] std::size_t rows(std::size_t shard) const override { return rows_[shard]; }
  [[nodiscard]] std::uint32_t data_checksum() const override { return data_checksum_; }
  [[nodiscard]] std::optional<Constants> constants(AllShards& /*all*/) const override { return {}; }

  void start(MutView x) const override {
    const double bound = std::sqrt(6 / static_cast<double>(columns_ + hidden_));
    Stream stream = Key{.seed = seed_}.stream(Purpose::start);
    for (double& v : x) v = bound * (2 * stream.uniform() - 1);
  }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    const Places& places = shards_[shard];
    const std::size_t count = rows.all ? places.size() : rows.list.size();
    check(count > 0, "the gradient of no rows was asked for");
    thread_local Scratch scratch;
    prepare(x, scratch);
    double squares = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t place = places[rows.all ? k : rows.list[k]];
      stored_.combine(place, 2 * half_, scratch.encoders, scratch.codes.row(0));
      stored_.spread(place, 2 * half_, scratch.codes.row(0), scratch.sums);
      squares += stored_.norm_sq(place);
    }
    const double share = 1 / static_cast<double>(count);
    const double value = share * (collect(x, 2 * share, scratch, g) + squares);
    return {std::max(value, 0.0), 0};  // in this order: what is not a number stays so
  }

 private:
  /// D and E of x, or where their gradients go in g.
  auto decoder(auto x) const { return x.first(columns_ * hidden_); }
  auto encoder(auto x) const { return x.last(columns_ * hidden_); }

  void prepare(View x, Scratch& s) const {
    const View D = decoder(x), E = encoder(x);
    s.D.assign(columns_, half_);
    for (std::size_t c = 0; c < columns_; ++c) std::copy_n(&D[c * hidden_], hidden_, s.D.row(c));
    s.gram.assign(hidden_, half_);
    const auto decoder_row = [&s](std::size_t c) { return s.D.row(c); };
    for (std::size_t k = 0; k < hidden_; ++k) {
      combine(
          half_, columns_, [&](std::size_t c) { return s.D.row(c)[k]; }, decoder_row, s.gram.row(k));
    }
    s.encoders.assign(columns_, 2 * half_);
    for (std::size_t c = 0; c < columns_; ++c) {
      double* const e = s.encoders.row(c);
      for (std::size_t k = 0; k < hidden_; ++k) e[k] = E[k * columns_ + c];
      combine(
          half_, hidden_, [e](std::size_t k) { return e[k]; }, [&s](std::size_t k) { return s.gram.row(k); },
          e + half_);
      for (std::size_t k = 0; k < hidden_; ++k) {
        e[half_ + k] = (e[half_ + k] - s.D.row(c)[k]) * StoredRows<Value>::kUnit;
        e[k] *= StoredRows<Value>::kUnit;
      }
    }
    s.codes.assign(1, 2 * half_);
    s.sums.assign(columns_, 2 * half_);
  }

  /// g = factor * (D K - Q, T'); returns <E', T> - <D, Q>.
  double collect(View x, double factor, Scratch& s, MutView g) const {
    const View E = encoder(x);
    const MutView D_gradient = decoder(g), E_gradient = encoder(g);
    double value = 0;
    for (std::size_t c = 0; c < columns_; ++c) {
      double* const q = s.sums.row(c);
      const double* const t = q + half_;
      for (std::size_t k = 0; k < hidden_; ++k) {
        q[k] *= StoredRows<Value>::kUnit;
        const double sum = t[k] * StoredRows<Value>::kUnit;
        value += E[k * columns_ + c] * sum - s.D.row(c)[k] * q[k];
        E_gradient[k * columns_ + c] = factor * sum;
      }
    }
    for (std::size_t k = 0; k < hidden_; ++k) {
      combine(
          half_, columns_, [&](std::size_t c) { return E[k * columns_ + c]; },
          [&s](std::size_t c) { return s.sums.row(c); }, s.gram.row(k));
    }
    double* const product = s.codes.row(0);
    for (std::size_t c = 0; c < columns_; ++c) {
      const double* const d = s.D.row(c);
      combine(
          half_, hidden_, [d](std::size_t k) { return d[k]; }, [&s](std::size_t k) { return s.gram.row(k); },
          product);
      for (std::size_t k = 0; k < hidden_; ++k)
        D_gradient[c * hidden_ + k] = factor * (product[k] - s.sums.row(c)[k]);
    }
    return value;
  }

  std::size_t columns_;
  std::size_t hidden_;
  std::size_t half_;  // hidden_ in whole cache lines
  std::uint64_t seed_;
  std::uint32_t data_checksum_;
  std::vector<std::size_t> rows_;  // of every shard
  StoredRows<Value> stored_;       // of all own shards
  OwnShards<Places> shards_;
};

void require_usable(const AutoencoderOptions& options, std::size_t columns) {
  if (options.hidden < 1) throw InputError("hidden = 0; need hidden >= 1");
  constexpr double kMost = 0x1p32;  // what a message can index
  if (2.0 * static_cast<double>(columns) * static_cast<double>(options.hidden) >= kMost) {
    throw InputError(fmt::format("hidden = {}; need 2 * {} * hidden < 2^32, as the rows have {} columns",
                                 options.hidden, columns, columns));
  }
}

template <class Value>
std::unique_ptr<Problem> make(const Dataset& data, const Shards& shards, const AutoencoderOptions& options,
                              const std::optional<Range>& own) {
  const std::vector<std::uint32_t> kept = rows_of(shards, own.value_or(Range{0, shards.size()}));
  StoredRows<Value> stored;
  for (const std::uint32_t row : kept) stored.append(data, row);
  OwnShards<std::vector<std::uint32_t>> places(shards.size(), own, [&](std::size_t i) {
    std::vector<std::uint32_t> place;
    for (const std::uint32_t row : shards[i]) {
      place.push_back(
          static_cast<std::uint32_t>(std::lower_bound(kept.begin(), kept.end(), row) - kept.begin()));
    }
    return place;
  });
  std::vector<std::size_t> rows;
  for (const auto& shard : shards) rows.push_back(shard.size());
  return std::make_unique<Autoencoder<Value>>(data.columns, options, std::move(rows), data.checksum,
                                              std::move(stored), std::move(places));
}

}  // namespace

std::unique_ptr<Problem> make_autoencoder(const Dataset& data, const Shards& shards,
                                          const AutoencoderOptions& options,
                                          const std::optional<Range>& own) {
  require_usable(data, shards, ModelOptions{});
  require_usable(options, data.columns);
  return std::holds_alternative<PixelRows>(data.features) ? make<std::uint8_t>(data, shards, options, own)
                                                          : make<double>(data, shards, options, own);
}

std::unique_ptr<Problem> make_autoencoder(const GeneratedOptions& data, std::size_t clients,
                                          const AutoencoderOptions& options,
                                          const std::optional<Range>& own) {
  require_usable(options, data.columns);
  StoredRows<double> stored;
  std::uint32_t next = 0;
  OwnShards<std::vector<std::uint32_t>> places(clients, own, [&](std::size_t i) {
    const Dataset drawn = generate(data, i);
    std::vector<std::uint32_t> place;
    for (std::size_t row = 0; row < drawn.rows; ++row) {
      stored.append(drawn, row);
      place.push_back(next++);
    }
    return place;
  });
  return std::make_unique<Autoencoder<double>>(data.columns, options,
                                               std::vector<std::size_t>(clients, data.rows), 0,
                                               std::move(stored), std::move(places));
}

}  // namespace laconic
