// SPDX-License-Identifier: Apache-2.0
#include "laconic/local/muon.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "laconic/core/error.h"
#include "laconic/core/products.h"
#include "laconic/core/range.h"

namespace laconic {
namespace {

class Muon final : public InnerRule {
 public:
  Muon(const MuonOptions& options, std::vector<MatrixBlock> blocks) : options_(options) {
    std::erase_if(blocks, [](const MatrixBlock& block) { return block.kind != MatrixBlock::Kind::hidden; });
    matrices_ = std::move(blocks);
  }
  std::size_t memory() const override { return 2; }
  bool takes_scale() const override { return false; }

  void step(const InnerStep& step, MutView g, std::span<Vector> memory, View from,
            MutView to) const override {
    std::size_t end = 0;
    for (const MatrixBlock& matrix : matrices_) {
      step_of_others(step, {end, matrix.offset}, g, memory, from, to);
      step_of_matrix(step, matrix, g, memory[0], from, to);
      end = matrix.offset + matrix.rows * matrix.cols;
    }
    step_of_others(step, {end, to.size()}, g, memory, from, to);
  }

 private:
  void step_of_matrix(const InnerStep& step, const MatrixBlock& matrix, View g, Vector& m, View from,
                      MutView to) const {
    const double b = options_.momentum;
    const std::size_t size = matrix.rows * matrix.cols;
    thread_local Vector u;  // reused, so that a round does not allocate
    u.resize(size);
    for (std::size_t k = 0; k < size; ++k) {
      const std::size_t j = matrix.offset + k;
      m[j] = b * m[j] + (1 - b) * g[j];
      u[k] = (1 - b) * g[j] + b * m[j];
    }
    newton_schulz(u, matrix.rows, matrix.cols, u);
    const double shape = static_cast<double>(matrix.rows) / static_cast<double>(matrix.cols);
    const double length = step.length * std::sqrt(std::max(1.0, shape));
    const double keep = 1 - step.length * options_.adamw.decay;
    for (std::size_t k = 0; k < size; ++k) {
      const std::size_t j = matrix.offset + k;
      to[j] = from[j] * keep - length * u[k];
    }
  }

  void step_of_others(const InnerStep& step, Range range, View g, std::span<Vector> memory, View from,
                      MutView to) const {
    adamw_step(options_.adamw, options_.adamw_step, step.number, range, g, memory[0], memory[1], from, to);
  }

  MuonOptions options_;
  std::vector<MatrixBlock> matrices_;  // hidden ones
};

}  // namespace

std::unique_ptr<InnerRule> muon(const MuonOptions& options, std::vector<MatrixBlock> blocks) {
  check(options.momentum >= 0 && options.momentum < 1 && options.adamw.decay >= 0 && options.adamw_step > 0,
        "muon needs 0 <= momentum < 1, decay >= 0 and adamw_step > 0");
  return std::make_unique<Muon>(options, std::move(blocks));
}

void newton_schulz(View u, std::size_t rows, std::size_t cols, MutView out) {
  const auto [a, b, c] = kNewtonSchulz;
  const bool tall = rows > cols;
  const std::size_t n = tall ? cols : rows, m = tall ? rows : cols;
  thread_local Vector X, A, B, next;  // reused: X is n x m, n <= m
  X.resize(n * m);
  A.resize(n * n);
  B.resize(n * n);
  next.resize(n * m);
  const double size = std::sqrt(norm_sq(u)) + 1e-7;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j) X[i * m + j] = (tall ? u[j * n + i] : u[i * m + j]) / size;
  for (int k = 0; k < 5; ++k) {
    const MatrixView<const double> x{X.data(), n, m, m}, square{A.data(), n, n, n};
    multiply(x, x.transposed(), {A.data(), n, n, n});
    multiply(square, square, {B.data(), n, n, n});
    for (std::size_t j = 0; j < n * n; ++j) B[j] = c * B[j] + b * A[j];
    for (std::size_t j = 0; j < n * m; ++j) next[j] = a * X[j];
    add_product({B.data(), n, n, n}, x, {next.data(), n, m, m});
    X.swap(next);
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j) (tall ? out[j * n + i] : out[i * m + j]) = X[i * m + j];
}

}  // namespace laconic
