// SPDX-License-Identifier: Apache-2.0
// Linear models: f_i(x) = (1/m_i) sum over the rows of shard i of l(a'x; b) + regulariser(x). x has one
// weight a feature, and with `bias` one more at the end, for an appended column of ones.
//
// Each problem copies the rows of the shards `own` (of all shards where `own` is unset; any features; pixels
// as pixel / 255) and keeps no reference to the data set, which must have stored these rows. A gradient over
// all rows uses a packed copy (packed_rows.h) if the shard has 64 rows or more and the data allows packing.
// Otherwise, and over listed rows, it costs two passes over the rows' entries. Both agree up to rounding.
//
// Constants: with curvature bound c of the loss and r of the regulariser, L_i = c lmax(A_i'A_i)/m_i + r,
// L_minus = c lmax((1/n) sum A_i'A_i/m_i) + r, L_tilde is the quadratic mean of the L_i, and L_plus = L_pm =
// L_tilde (no smaller bound is proven). Each eigenvalue costs some tens of full gradients; L_i of a few rows
// costs less.
#pragma once

#include <memory>
#include <optional>

#include "laconic/core/index_set.h"
#include "laconic/data/dataset.h"
#include "laconic/data/generated.h"
#include "laconic/problem/loss.h"
#include "laconic/problem/model.h"
#include "laconic/problem/problem.h"

namespace laconic {

/// l = log(1 + exp(-b a'x)). There must be two distinct labels: the larger becomes b = +1, the smaller -1.
/// Any other number of labels is an InputError. A row counts as correct if b a'x > 0. The test set, if there
/// is one, is copied too; InputError if it does not fit (require_test_fits(), model.h).
std::unique_ptr<Problem> make_logistic(const Dataset& data, const Shards& shards, const ModelOptions& options,
                                       const std::optional<Dataset>& test = {},
                                       const std::optional<IndexSet>& own = {});

/// l = (1 - sigma(b a'x))^2. Labels and test set are as for make_logistic().
std::unique_ptr<Problem> make_nonconvex(const Dataset& data, const Shards& shards,
                                        const ModelOptions& options, const std::optional<Dataset>& test = {},
                                        const std::optional<IndexSet>& own = {});

/// l = (a'x - b)^2 / 2, where b is the label itself.
std::unique_ptr<Problem> make_least_squares(const Dataset& data, const Shards& shards,
                                            const ModelOptions& options,
                                            const std::optional<IndexSet>& own = {});

/// The same over generated rows (data.classes = 2, or 0 for least squares). If the entries of all clients
/// need more than 512 MiB, rows are drawn anew at each use instead of kept, unless that would cost much more
/// than a pass over them: uniform rows, fewer than 64 a client, of at most 512 columns. The constants then
/// take one pass. L_minus, and mu of least squares, differ from those of kept rows by rounding.
std::unique_ptr<Problem> make_linear_model(Loss loss, const GeneratedOptions& data, std::size_t clients,
                                           const ModelOptions& options,
                                           const std::optional<IndexSet>& own = {});

}  // namespace laconic
