// SPDX-License-Identifier: Apache-2.0
// Compressors of the matrices in a vector.
//
// low-rank: one power iteration on each matrix M (PowerSGD: Vogels, Karimireddy, Jaggi, NeurIPS 2019, arXiv
// 1905.13727). P = M Q, P^ = orthonormalise(P), Q+ = M' P^, and C(M) = P^ Q+'. C projects the columns of M
// onto the span of P^, so |C(M) - M|^2 = |M|^2 - |C(M)|^2. With a Gaussian Q, E|C(M)|^2 >= R/min(rows, cols)
// |M|^2; the uniform numbers drawn here fall short of it by less than 1 % in the cases tried. With warm=1 a
// client's next Q is its last Q+.
// sketch: C(M) = M W W' / R for random signs W, cols x R, which are not sent. It is unbiased. For one column
// w of W, E|w w' m|^2 = cols |m|^2, and so E|C(M) - M|^2 = (cols - 1)/R |M|^2.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "laconic/compress/factories.h"
#include "laconic/core/error.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

/// The matrices of a vector: those of the problem, or the whole vector in about as many rows as columns.
std::vector<MatrixBlock> matrices_of(const CompressorSetting& setting) {
  if (setting.blocks.empty()) {
    std::size_t rows = 1;
    while (rows * rows < setting.dim) ++rows;
    return {{.offset = 0, .rows = rows, .cols = (setting.dim + rows - 1) / rows}};
  }
  std::size_t end = 0;
  for (const MatrixBlock& block : setting.blocks) {
    check(block.rows >= 1 && block.cols >= 1 && block.offset >= end &&
              block.offset + block.rows * block.cols <= setting.dim,
          "the matrices of a problem are not ascending stretches of its vector");
    end = block.offset + block.rows * block.cols;
  }
  return setting.blocks;
}

/// The matrices that R times lines(block) numbers describe, where that is fewer than their entries. All other
/// coordinates are sent as they are.
class Matrices {
 public:
  template <class Lines>
  Matrices(std::size_t rank, const CompressorSetting& setting, Lines lines) : dim_(setting.dim) {
    std::size_t values = setting.dim;
    for (const MatrixBlock& block : matrices_of(setting)) {
      if (rank * lines(block) >= block.rows * block.cols) continue;
      blocks_.push_back(block);
      values += rank * lines(block);
      values -= std::min(block.rows * block.cols, setting.dim - block.offset);
    }
    floats_ = static_cast<double>(values);
  }

  [[nodiscard]] const std::vector<MatrixBlock>& blocks() const { return blocks_; }
  [[nodiscard]] double floats() const { return floats_; }

  /// values = the coordinates of x between the matrices, and at its place what add(block) appends for each.
  template <class Add>
  void collect(View x, Vector& values, Add add) const {
    check(x.size() == dim_, "a compressor of matrices was made for another dim");
    values.clear();
    std::size_t end = 0;
    const auto take_until = [&](std::size_t begin) {
      values.insert(values.end(), x.begin() + static_cast<std::ptrdiff_t>(end),
                    x.begin() + static_cast<std::ptrdiff_t>(begin));
    };
    for (const MatrixBlock& block : blocks_) {
      take_until(block.offset);
      add(block);
      end = std::min(block.offset + block.rows * block.cols, x.size());
    }
    take_until(x.size());
  }

 private:
  std::size_t dim_;
  std::vector<MatrixBlock> blocks_;
  double floats_ = 0;
};

/// Row j of the matrix; shorter where the vector ends.
View row_of(const MatrixBlock& block, View x, std::size_t j) {
  const std::size_t begin = block.offset + j * block.cols;
  return x.subspan(begin, std::min(block.cols, x.size() - begin));
}

// The factors of a matrix are stored column by column here, and row by row in messages.

/// left = M right.
void multiply(const MatrixBlock& block, View x, std::size_t rank, View right, Vector& left) {
  left.resize(block.rows * rank);
  for (std::size_t j = 0; j < block.rows; ++j) {
    const View row = row_of(block, x, j);
    for (std::size_t l = 0; l < rank; ++l)
      left[l * block.rows + j] = dot(row, right.subspan(l * block.cols, row.size()));
  }
}

/// right = M' left.
void multiply_transposed(const MatrixBlock& block, View x, std::size_t rank, View left, Vector& right) {
  right.assign(block.cols * rank, 0.0);
  for (std::size_t j = 0; j < block.rows; ++j) {
    const View row = row_of(block, x, j);
    for (std::size_t l = 0; l < rank; ++l)
      axpy(left[l * block.rows + j], row, MutView(right).subspan(l * block.cols, row.size()));
  }
}

/// Appends a factor to the values of a message.
void append(View factor, std::size_t rank, Vector& values) {
  const std::size_t rows = factor.size() / rank;
  for (std::size_t j = 0; j < rows; ++j) {
    for (std::size_t l = 0; l < rank; ++l) values.push_back(factor[l * rows + j]);
  }
}

/// Makes the columns of p orthonormal from left to right. The parts of a column along the earlier ones are
/// subtracted one by one, twice; then it is divided by its norm. A column with at most 1e-30 of the norm of p
/// becomes 0.
void orthonormalise(std::size_t rank, MutView p) {
  // A power of two changes no digit, and keeps squares within range.
  double largest = 0;
  for (const double v : p) largest = std::max(largest, std::abs(v));
  if (largest == 0 || !std::isfinite(largest)) return;
  int exponent = 0;
  std::frexp(largest, &exponent);
  for (double& v : p) v = std::ldexp(v, -exponent);

  const std::size_t rows = p.size() / rank;
  const double least = 1e-30 * std::sqrt(norm_sq(p));
  for (std::size_t l = 0; l < rank; ++l) {
    const MutView column = p.subspan(l * rows, rows);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t m = 0; m < l; ++m) {
        const View earlier = p.subspan(m * rows, rows);
        axpy(-dot(earlier, column), earlier, column);
      }
    }
    const double length = std::sqrt(norm_sq(column));
    for (double& v : column) v = length > least ? v / length : 0;
  }
}

class LowRank final : public Compressor {
 public:
  LowRank(std::size_t rank, bool warm, const CompressorSetting& setting)
      : rank_(rank),
        warm_(warm),
        setting_(setting),
        matrices_(rank, setting, [](const MatrixBlock& block) { return block.rows + block.cols; }) {}

  void compress(const Key& key, View x, Message& out) const override {
    thread_local Vector right;  // reused, so that a round does not allocate
    draw(key, right);
    say(x, right, out);
  }

  [[nodiscard]] std::size_t keeps() const override { return warm_ ? right_numbers() : 0; }

  void compress_with(const Key& key, View x, View kept, Message& out) const override {
    check(kept.size() == keeps(), "low-rank keeps another number of numbers");
    if (kept.empty()) return compress(key, x, out);
    thread_local Vector right;  // reused, so that a round does not allocate
    right.assign(kept.begin(), kept.end());
    start_zero_columns(key, right);
    say(x, right, out);
  }

  void keep(const Message& message, MutView kept) const override {
    if (!kept.empty()) read_right_factors(message, setting_.dim, kept);
  }

  [[nodiscard]] Bound bound() const override {
    double alpha = 1;
    for (const MatrixBlock& block : matrices_.blocks())
      alpha =
          std::min(alpha, static_cast<double>(rank_) / static_cast<double>(std::min(block.rows, block.cols)));
    Bound bound{.alpha = alpha,
                .density = static_cast<double>(setting_.dim),
                .floats = matrices_.floats(),
                .shrinks = true};
    if (alpha == 1) bound.omega = 0;
    return bound;
  }

 private:
  [[nodiscard]] std::size_t right_numbers() const {
    std::size_t numbers = 0;
    for (const MatrixBlock& block : matrices_.blocks()) numbers += rank_ * block.cols;
    return numbers;
  }

  /// right = Q of each matrix, with numbers in (-1, 1).
  void draw(const Key& key, Vector& right) const {
    right.resize(right_numbers());
    Stream stream = key.stream(Purpose::compressor);
    for (double& v : right) v = (static_cast<double>(stream.next32()) + 0.5) * 0x1p-31 - 1;
  }

  /// A column of zeros has not been kept yet, or M had no further direction: it starts at the client's first
  /// draw, which is that of round 0.
  void start_zero_columns(const Key& key, Vector& right) const {
    thread_local Vector first;  // reused, so that a round does not allocate
    bool drawn = false;
    std::size_t begin = 0;
    for (const MatrixBlock& block : matrices_.blocks()) {
      for (std::size_t l = 0; l < rank_; ++l, begin += block.cols) {
        const MutView column = MutView(right).subspan(begin, block.cols);
        if (std::any_of(column.begin(), column.end(), [](double v) { return v != 0; })) continue;
        if (!std::exchange(drawn, true)) {
          Key start = key;
          start.round = 0;
          draw(start, first);
        }
        copy(View(first).subspan(begin, block.cols), column);
      }
    }
  }

  void say(View x, View right, Message& out) const {
    if (matrices_.blocks().empty()) {
      check(x.size() == setting_.dim, "low-rank was made for another dim");
      return write_dense(setting_.wire, x, out);
    }
    thread_local Vector values, left, next;  // reused, so that a round does not allocate
    std::size_t begin = 0;
    matrices_.collect(x, values, [&](const MatrixBlock& block) {
      multiply(block, x, rank_, right.subspan(begin, block.cols * rank_), left);
      orthonormalise(rank_, left);
      multiply_transposed(block, x, rank_, left, next);
      append(left, rank_, values);
      append(next, rank_, values);
      begin += block.cols * rank_;
    });
    write_low_rank(setting_.wire, rank_, matrices_.blocks(), values, out);
  }

  std::size_t rank_;
  bool warm_;
  CompressorSetting setting_;
  Matrices matrices_;
};

class Sketch final : public Compressor {
 public:
  Sketch(std::size_t rank, const CompressorSetting& setting)
      : rank_(rank),
        setting_(setting),
        matrices_(rank, setting, [](const MatrixBlock& block) { return block.rows; }) {}

  void compress(const Key& key, View x, Message& out) const override {
    if (matrices_.blocks().empty()) {
      check(x.size() == setting_.dim, "sketch was made for another dim");
      return write_dense(setting_.wire, x, out);
    }
    thread_local Vector values, signs;  // reused, so that a round does not allocate
    Stream stream = key.stream(Purpose::compressor);
    matrices_.collect(x, values, [&](const MatrixBlock& block) {
      draw_sketch(stream, rank_, block.cols, signs);
      for (std::size_t j = 0; j < block.rows; ++j) {
        const View row = row_of(block, x, j);
        for (std::size_t l = 0; l < rank_; ++l) {
          const View column = View(signs).subspan(l * block.cols, row.size());
          values.push_back(dot(row, column) / static_cast<double>(rank_));
        }
      }
    });
    write_sketch(setting_.wire, rank_, matrices_.blocks(), values, out);
  }

  [[nodiscard]] Bound bound() const override {
    double omega = 0;
    for (const MatrixBlock& block : matrices_.blocks())
      omega = std::max(omega, static_cast<double>(block.cols - 1) / static_cast<double>(rank_));
    Bound bound{.omega = omega,
                .density = static_cast<double>(setting_.dim),
                .floats = matrices_.floats(),
                .A = omega / static_cast<double>(setting_.clients)};
    if (omega == 0) bound.alpha = 1;
    bound.shrinks = omega == 0;
    return bound;
  }

 private:
  std::size_t rank_;
  CompressorSetting setting_;
  Matrices matrices_;
};

std::size_t read_rank(Arguments& args) {
  if (args.find("r", 0) == nullptr) args.fail("\"r\" is missing: a rank, such as 2");
  const std::size_t rank = args.whole("r", 1, 1, 0);
  if (rank >= kHeaderCountLimit)
    args.fail(fmt::format("r = {}; need 1 <= r <= {}", rank, kHeaderCountLimit - 1));
  return rank;
}

}  // namespace

std::unique_ptr<Compressor> make_low_rank(const Spec& spec, const CompressorSetting& setting) {
  Arguments args(spec);
  const std::size_t rank = read_rank(args);
  const bool warm = args.flag("warm", true);
  args.done();
  return std::make_unique<LowRank>(rank, warm, setting);
}

std::unique_ptr<Compressor> make_sketch(const Spec& spec, const CompressorSetting& setting) {
  Arguments args(spec);
  const std::size_t rank = read_rank(args);
  args.done();
  return std::make_unique<Sketch>(rank, setting);
}

}  // namespace laconic
