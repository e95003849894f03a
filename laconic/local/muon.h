// SPDX-License-Identifier: Apache-2.0
// Muon (Jordan et al. 2024; MuLoCo, arXiv 2505.23725): the client's steps along matrices have orthogonal
// directions. For each hidden matrix W, rows x cols, with its gradient G:
//   m <- b m + (1 - b) G;  u = (1 - b) G + b m
//   W <- W (1 - gamma decay) - gamma sqrt(max(1, rows/cols)) NS5(u)
// All other coordinates take AdamW's steps (local/inner_rule.h) with a length of their own.
#pragma once

#include <memory>
#include <vector>

#include "laconic/core/matrix_block.h"
#include "laconic/core/vec.h"
#include "laconic/local/inner_rule.h"

namespace laconic {

struct MuonOptions {
  double momentum = 0.95;  // b, 0 <= b < 1
  double adamw_step = 3e-4;
  AdamW adamw = {.beta1 = 0.9, .beta2 = 0.95};  // its decay, >= 0, is that of the matrices too
};

/// The blocks are those of the problem, and lie inside of its vectors. Two vectors are kept; the second is of
/// use outside of the matrices only. The rule takes no scale.
std::unique_ptr<InnerRule> muon(const MuonOptions& options, std::vector<MatrixBlock> blocks);

/// out = NS5(u) of a matrix of rows x cols, row by row: five Newton-Schulz steps from X = u / (|u| + 1e-7),
/// X <- a X + (b A + c A^2) X with A = X X'. On singular values it is p(s) = a s + b s^3 + c s^5, five times,
/// which moves them to about [0.68, 1.13].
void newton_schulz(View u, std::size_t rows, std::size_t cols, MutView out);

inline constexpr double kNewtonSchulz[] = {3.4445, -4.7750, 2.0315};  // a, b, c

}  // namespace laconic
