// SPDX-License-Identifier: Apache-2.0
// With z = E a for a row a, the residual is D z - a and
//   dD = (2/m) sum (D z - a) z' = (2/m) (D K - Q),   Q = sum a z',   K = sum z z' = E Q,
//   dE = (2/m) sum w a',   w = D'(D z - a) = C a,   C = D'D E - D',
//   f  = (1/m) sum (w'z - (D'a)'z + |a|^2) = (1/m) (<E', T> - <D, Q> + sum |a|^2),   T = sum a w'.
// So a call needs only two products with the rows: z and w from [E; C] a, and [Q T] from a [z; w]'. Both
// leave out zeros (row_groups.h), which are most entries of images. The residual of all columns is never
// computed.
#include "laconic/problem/autoencoder.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/products.h"
#include "laconic/core/rng.h"
#include "laconic/core/round_up.h"
#include "laconic/problem/kept_rows.h"
#include "laconic/problem/model.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/problem/autoencoder.cc"
#include "laconic/problem/sparse_panel.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

constexpr std::size_t kRowsOfBlock = 64;
static_assert(kRowsOfBlock % kGroup == 0);

/// Scratch space, one for each thread, kept between calls. The rows of the matrices have `width` numbers, the
/// last of which are 0.
struct Scratch {
  std::size_t columns = 0, width = 0;
  AlignedNumbers<double> encoders{0};  // columns x width: [E' C']
  AlignedNumbers<double> sums{0};      // columns x width: [Q T]
  AlignedNumbers<double> codes{0};     // kRowsOfBlock x width: z and w of each row
  GroupReader<double> rows;
  Vector hidden_squared;  // hidden x hidden

  void make_room(std::size_t for_columns, std::size_t for_hidden) {
    hidden_squared.resize(for_hidden * for_hidden);
    const std::size_t for_width = round_up(2 * for_hidden, kWidestLanes<double>);
    if (columns == for_columns && width == for_width) return;
    columns = for_columns;
    width = for_width;
    encoders = AlignedNumbers<double>(columns * width);
    sums = AlignedNumbers<double>(columns * width);
    codes = AlignedNumbers<double>(kRowsOfBlock * width);
  }
};

class Autoencoder final : public Problem {
 public:
  Autoencoder(std::size_t columns, const AutoencoderOptions& options, std::vector<std::size_t> rows,
              std::uint32_t data_checksum, OwnShards<KeptRows> shards)
      : columns_(columns),
        hidden_(options.hidden),
        seed_(options.seed),
        data_checksum_(data_checksum),
        rows_(std::move(rows)),
        shards_(std::move(shards)) {}

  [[nodiscard]] std::size_t dim() const override { return 2 * columns_ * hidden_; }
  [[nodiscard]] std::size_t shards() const override { return rows_.size(); }
  [[nodiscard]] std::vector<MatrixBlock> blocks() const override {
    return {{.offset = 0, .rows = columns_, .cols = hidden_},
            {.offset = columns_ * hidden_, .rows = hidden_, .cols = columns_}};
  }
  [[nodiscard]] std::size_t rows(std::size_t shard) const override { return rows_[shard]; }
  [[nodiscard]] std::uint32_t data_checksum() const override { return data_checksum_; }
  [[nodiscard]] std::optional<Constants> constants(AllShards& /*all*/) const override { return {}; }

  void start(MutView x) const override {
    const double bound = std::sqrt(6 / static_cast<double>(columns_ + hidden_));
    Stream stream = Key{.seed = seed_}.stream(Purpose::start);
    for (double& v : x) v = bound * (2 * stream.uniform() - 1);
  }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    const KeptRows& data = shards_[shard];
    const std::size_t count = rows.count(rows_[shard]);
    check(count > 0, "the gradient of no rows was asked for");
    const MatrixView<const double> D{x.data(), columns_, hidden_, hidden_};
    const MatrixView<const double> E{x.data() + columns_ * hidden_, hidden_, columns_, columns_};
    const MatrixView<double> D_gradient{g.data(), columns_, hidden_, hidden_};
    double* const E_gradient = g.data() + columns_ * hidden_;

    thread_local Scratch s;
    s.make_room(columns_, hidden_);
    const std::size_t width = s.width;
    make_encoders(D, E, s);
    std::fill_n(s.sums.data(), columns_ * width, 0.0);
    double squares = 0;
    for (std::size_t first = 0; first < count; first += kRowsOfBlock) {
      const std::size_t in_block = std::min(kRowsOfBlock, count - first);
      for (std::size_t k = first; k < first + in_block; ++k) squares += data.squares[rows[k]];
      read(data, rows, first, in_block, s.rows);
      std::fill_n(s.codes.data(), kRowsOfBlock * width, 0.0);
      s.rows.visit([&](const auto& groups) {
        add_product_of_rows(groups, width, s.encoders.data(), s.codes.data());
        add_transposed_product_of_rows(groups, width, s.codes.data(), s.sums.data());
      });
    }

    const MatrixView<const double> Q{s.sums.data(), columns_, hidden_, width};
    const double* const T = Q.data + hidden_;
    const double share = 1 / static_cast<double>(count);
    Vector& K = s.hidden_squared;  // E Q
    multiply(E, Q, {K.data(), hidden_, hidden_, hidden_});
    for (double& k : K) k *= 2 * share;
    double t_with_e = 0, q_with_d = 0;  // <E', T> and <D, Q>
    for (std::size_t c = 0; c < columns_; ++c) {
      for (std::size_t h = 0; h < hidden_; ++h) {
        const double q = Q.data[c * width + h], t = T[c * width + h];
        D_gradient.data[c * hidden_ + h] = -2 * share * q;
        E_gradient[h * columns_ + c] = 2 * share * t;
        q_with_d += D.data[c * hidden_ + h] * q;
        t_with_e += E.data[h * columns_ + c] * t;
      }
    }
    add_product(D, {K.data(), hidden_, hidden_, hidden_}, D_gradient);
    return {std::max(share * (t_with_e - q_with_d + squares), 0.0), 0};  // this order of arguments keeps NaN
  }

 private:
  /// [E' C'], C' = E' D'D - D.
  void make_encoders(const MatrixView<const double>& D, const MatrixView<const double>& E, Scratch& s) const {
    double* const encoders = s.encoders.data();
    for (std::size_t c = 0; c < columns_; ++c) {
      for (std::size_t h = 0; h < hidden_; ++h) {
        encoders[c * s.width + h] = E.data[h * columns_ + c];
        encoders[c * s.width + hidden_ + h] = -D.data[c * hidden_ + h];
      }
    }
    double* const DD = s.hidden_squared.data();
    multiply(D.transposed(), D, {DD, hidden_, hidden_, hidden_});
    add_product(E.transposed(), {DD, hidden_, hidden_, hidden_},
                {encoders + hidden_, columns_, hidden_, s.width});
  }

  void read(const KeptRows& data, Rows rows, std::size_t first, std::size_t count,
            GroupReader<double>& reader) const {
    if (data.images) {
      reader.read_images(count, columns_,
                         [&](std::size_t k) { return data.pixel.data() + rows[first + k] * columns_; });
    } else {
      reader.read_sparse(count, columns_, [&](std::size_t k, auto entry) {
        const SparseRows& sparse = data.sparse;
        const std::size_t row = rows[first + k];
        for (std::uint64_t e = sparse.begin[row]; e < sparse.begin[row + 1]; ++e)
          entry(sparse.column[e], sparse.value[e]);
      });
    }
  }

  std::size_t columns_;
  std::size_t hidden_;
  std::uint64_t seed_;
  std::uint32_t data_checksum_;
  std::vector<std::size_t> rows_;  // of every shard
  OwnShards<KeptRows> shards_;
};

std::unique_ptr<Problem> new_autoencoder(std::size_t columns, const AutoencoderOptions& options,
                                         std::vector<std::size_t> rows, std::uint32_t data_checksum,
                                         OwnShards<KeptRows> shards) {
  return std::make_unique<Autoencoder>(columns, options, std::move(rows), data_checksum, std::move(shards));
}

}  // namespace
}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

HWY_EXPORT(new_autoencoder);

void require_usable(const AutoencoderOptions& options, std::size_t columns) {
  if (options.hidden < 1) throw InputError("hidden = 0; need hidden >= 1");
  constexpr double kMost = 0x1p32;  // limit of the indices in messages
  if (2.0 * static_cast<double>(columns) * static_cast<double>(options.hidden) >= kMost) {
    throw InputError(fmt::format("hidden = {}; need 2 * {} * hidden < 2^32, as the rows have {} columns",
                                 options.hidden, columns, columns));
  }
}

}  // namespace

std::unique_ptr<Problem> make_autoencoder(const Dataset& data, const Shards& shards,
                                          const AutoencoderOptions& options,
                                          const std::optional<IndexSet>& own) {
  require_usable(data, shards, ModelOptions{});
  require_usable(options, data.columns);
  std::vector<std::size_t> rows;
  for (const auto& shard : shards) rows.push_back(shard.size());
  return HWY_DYNAMIC_DISPATCH(new_autoencoder)(
      data.columns, options, std::move(rows), data.checksum,
      OwnShards<KeptRows>(shards.size(), own, [&](std::size_t i) { return keep_rows(data, shards[i]); }));
}

std::unique_ptr<Problem> make_autoencoder(const GeneratedOptions& data, std::size_t clients,
                                          const AutoencoderOptions& options,
                                          const std::optional<IndexSet>& own) {
  require_usable(options, data.columns);
  const auto generator = make_generator(data);
  OwnShards<KeptRows> shards(clients, own, [&](std::size_t i) {
    const Dataset drawn = generator->rows_of(i);
    return keep_rows(drawn, all_rows(drawn.rows));
  });
  return HWY_DYNAMIC_DISPATCH(new_autoencoder)(
      data.columns, options, std::vector<std::size_t>(clients, data.rows), 0, std::move(shards));
}

}  // namespace laconic
#endif
