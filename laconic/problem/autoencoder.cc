// SPDX-License-Identifier: Apache-2.0
// With z = E a for a row a, the residual is D z - a and
//   dD = (2/m) sum (D z - a) z' = (2/m) (D K - Q),   Q = sum a z',   K = sum z z' = E Q,
//   dE = (2/m) sum w a',   w = D'(D z - a) = C a,   C = D'D E - D',
//   f  = (1/m) sum (w'z - (D'a)'z + |a|^2) = (1/m) (<E', T> - <D, Q> + sum |a|^2),   T = sum a w'.
// So a call needs only two products with the rows: z and w from [E; C] a, and [Q T] from a [z; w]'. Both use
// only the nonzero entries, a fifth of MNIST. The residual of all columns, which is dense, is never computed.
#include "laconic/problem/autoencoder.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <Eigen/Dense>
#include <Eigen/SparseCore>
#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"
#include "laconic/problem/model.h"

namespace laconic {
namespace {

using Index = Eigen::Index;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMap = Eigen::Map<const Matrix>;
using Map = Eigen::Map<Matrix>;
using DataRows = Eigen::SparseMatrix<double, Eigen::RowMajor>;

/// The nonzero entries of the rows of a shard.
DataRows rows_of_shard(const Dataset& data, const std::vector<std::uint32_t>& shard) {
  DataRows rows(static_cast<Index>(shard.size()), static_cast<Index>(data.columns));
  for (Index j = 0; j < rows.rows(); ++j) {
    rows.startVec(j);
    for_each_entry(data, shard[static_cast<std::size_t>(j)], [&](std::uint32_t column, double value) {
      rows.insertBack(j, static_cast<Index>(column)) = value;
    });
  }
  rows.finalize();
  rows.data().squeeze();
  return rows;
}

/// Scratch space, one for each thread, kept between calls.
struct Scratch {
  Matrix encoders;           // columns x two: row c is column c of E and of C
  Matrix sums;               // columns x two: Q and T
  Eigen::RowVectorXd codes;  // z and w of one row
};

class Autoencoder final : public Problem {
 public:
  Autoencoder(std::size_t columns, const AutoencoderOptions& options, std::vector<std::size_t> rows,
              std::uint32_t data_checksum, OwnShards<DataRows> shards)
      : columns_(static_cast<Index>(columns)),
        hidden_(static_cast<Index>(options.hidden)),
        seed_(options.seed),
        data_checksum_(data_checksum),
        rows_(std::move(rows)),
        shards_(std::move(shards)) {}

  [[nodiscard]] std::size_t dim() const override { return static_cast<std::size_t>(2 * columns_ * hidden_); }
  [[nodiscard]] std::size_t shards() const override { return rows_.size(); }
  [[nodiscard]] std::vector<MatrixBlock> blocks() const override {
    const auto columns = static_cast<std::size_t>(columns_);
    const auto hidden = static_cast<std::size_t>(hidden_);
    return {{.offset = 0, .rows = columns, .cols = hidden},
            {.offset = columns * hidden, .rows = hidden, .cols = columns}};
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
    const DataRows& data = shards_[shard];
    const std::size_t count = rows.count(rows_[shard]);
    check(count > 0, "the gradient of no rows was asked for");
    const ConstMap D(x.data(), columns_, hidden_);
    const ConstMap E(x.data() + columns_ * hidden_, hidden_, columns_);
    Map D_gradient(g.data(), columns_, hidden_);
    Map E_gradient(g.data() + columns_ * hidden_, hidden_, columns_);

    thread_local Scratch s;
    s.encoders.resize(columns_, 2 * hidden_);
    s.encoders.leftCols(hidden_) = E.transpose();
    s.encoders.rightCols(hidden_) = -D;
    s.encoders.rightCols(hidden_).noalias() += E.transpose() * (D.transpose() * D);
    s.sums.setZero(columns_, 2 * hidden_);
    double squares = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const auto row = static_cast<Index>(rows[k]);
      s.codes.setZero(2 * hidden_);
      for (DataRows::InnerIterator a(data, row); a; ++a) {
        s.codes += a.value() * s.encoders.row(a.index());
        squares += a.value() * a.value();
      }
      for (DataRows::InnerIterator a(data, row); a; ++a) s.sums.row(a.index()) += a.value() * s.codes;
    }

    const auto Q = s.sums.leftCols(hidden_);
    const auto T = s.sums.rightCols(hidden_);
    const double share = 1 / static_cast<double>(count);
    D_gradient = -2 * share * Q;
    D_gradient.noalias() += 2 * share * D * (E * Q);
    E_gradient = 2 * share * T.transpose();
    const double value = share * (E.transpose().cwiseProduct(T).sum() - D.cwiseProduct(Q).sum() + squares);
    return {std::max(value, 0.0), 0};  // this order of arguments keeps NaN
  }

 private:
  Index columns_;
  Index hidden_;
  std::uint64_t seed_;
  std::uint32_t data_checksum_;
  std::vector<std::size_t> rows_;  // of every shard
  OwnShards<DataRows> shards_;
};

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
  return std::make_unique<Autoencoder>(
      data.columns, options, std::move(rows), data.checksum,
      OwnShards<DataRows>(shards.size(), own, [&](std::size_t i) { return rows_of_shard(data, shards[i]); }));
}

std::unique_ptr<Problem> make_autoencoder(const GeneratedOptions& data, std::size_t clients,
                                          const AutoencoderOptions& options,
                                          const std::optional<IndexSet>& own) {
  require_usable(options, data.columns);
  const auto generator = make_generator(data);
  OwnShards<DataRows> shards(clients, own, [&](std::size_t i) {
    const Dataset drawn = generator->rows_of(i);
    return rows_of_shard(drawn, all_rows(drawn.rows));
  });
  return std::make_unique<Autoencoder>(data.columns, options, std::vector<std::size_t>(clients, data.rows), 0,
                                       std::move(shards));
}

}  // namespace laconic
