// SPDX-License-Identifier: Apache-2.0
// The linear autoencoder of the experiments of 3PC (Richtarik et al., ICML 2022, arXiv 2202.00998): f_i(D, E)
// = (1/m_i) sum over the rows a of shard i of |D E a - a|^2, with D of columns x hidden and E of hidden x
// columns. x is D row by row, then E row by row; d = 2 * columns * hidden. Labels are not used.
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
  std::size_t hidden = 16;  // size of the code of a row, >= 1; 2 * columns * hidden < 2^32
  std::uint64_t seed = 1;   // of the starting point
};

/// Keeps the rows of the shards `own` (of all shards where `own` is unset): a byte a pixel, or sparse. A
/// gradient costs 8 * hidden flops an entry that is not 0 (of images: a pixel, unless it is 0 in four rows),
/// and 8 * columns * hidden^2 flops a call; the .cc says how it avoids D E a. Each thread keeps 4 * columns *
/// hidden doubles of scratch. All arithmetic is in doubles, in one fixed order; its bits depend on the CPU
/// only in whether it has fused multiply-adds. The error of the value is some 1e-16 of the mean |a|^2, and
/// the value is never below 0. The starting point is uniform on +-sqrt(6 / (columns + hidden)) in every entry
/// (Glorot and Bengio, AISTATS 2010), because the gradient is 0 at x = 0. There are no constants: f is a
/// polynomial of degree four, which is smooth on bounded sets only. Throws InputError for an option out of
/// its range, no shards, a shard without rows, or a row that is not in the data set.
std::unique_ptr<Problem> make_autoencoder(const Dataset& data, const Shards& shards,
                                          const AutoencoderOptions& options,
                                          const std::optional<IndexSet>& own = {});

/// The same over generated rows.
std::unique_ptr<Problem> make_autoencoder(const GeneratedOptions& data, std::size_t clients,
                                          const AutoencoderOptions& options,
                                          const std::optional<IndexSet>& own = {});

}  // namespace laconic
