// SPDX-License-Identifier: Apache-2.0
// The linear autoencoder of the experiments of 3PC (Richtarik et al., ICML 2022, arXiv 2202.00998):
// f_i(D, E) = (1/m_i) sum over the rows a of shard i of |D E a - a|^2, with D of columns x hidden and E of
// hidden x columns. x is D row by row, then E row by row; d = 2 * columns * hidden. Labels play no part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "laconic/core/index_set.h"
#include "laconic/data/dataset.h"
#include "laconic/data/generated.h"
#include "laconic/data/split.h"
#include "laconic/problem/problem.h"

namespace laconic {

struct AutoencoderOptions {
  std::size_t hidden = 16;  // numbers that stand for a row, >= 1; 2 * columns * hidden < 2^32
  std::uint64_t seed = 1;   // of the start
};

/// Keeps the entries other than 0 of the rows of the shards `own`, all where it is unset. A gradient costs
/// 8 * hidden flops an entry (D E a of a row is never made: see the .cc) and 8 * columns * hidden^2 a call;
/// each thread keeps 4 * columns * hidden doubles of scratch. All of it is in doubles, in one fixed order, so
/// that the value is right to some 1e-16 of the mean |a|^2; it is never below 0. Starts with every entry
/// uniform on +-sqrt(6 / (columns + hidden)) (Glorot and Bengio, AISTATS 2010): at 0 the gradient is 0. No
/// constants: f is a polynomial of degree four, smooth on bounded sets only. InputError for options out of
/// their range, no shard, a shard without rows, rows that are not in the set.
std::unique_ptr<Problem> make_autoencoder(const Dataset& data, const Shards& shards,
                                          const AutoencoderOptions& options,
                                          const std::optional<IndexSet>& own = {});

/// The same over rows that are drawn.
std::unique_ptr<Problem> make_autoencoder(const GeneratedOptions& data, std::size_t clients,
                                          const AutoencoderOptions& options,
                                          const std::optional<IndexSet>& own = {});

}  // namespace laconic
