// SPDX-License-Identifier: Apache-2.0
// Linear models: f_i(x) = (1/m_i) sum over the rows of shard i of l(a'x; b) + regulariser(x). One weight a
// feature, and one more, the last, for the column of ones that `bias` appends.
//
// Each problem copies the rows of the shards `own` (all where it is unset; any features; pixels as pixel /
// 255), which the data set must have stored, and keeps nothing of it. A gradient over all rows runs over a
// packed copy (packed_rows.h) where the shard has 64 rows or more and the data allows it; over listed rows,
// and where it does not, it costs two passes over the rows' entries. Both agree up to rounding.
//
// Constants: with curvature bound c of the loss and r of the regulariser, L_i = c lmax(A_i'A_i)/m_i + r,
// L_minus = c lmax((1/n) sum A_i'A_i/m_i) + r, L_tilde the quadratic mean of the L_i, and L_plus = L_pm =
// L_tilde (nothing smaller is proven). Some tens of full gradients each; less for L_i of a few rows.
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

/// l = log(1 + exp(-b a'x)). Two distinct labels, the larger becomes b = +1, the smaller -1; any other number
/// of them is an InputError. A row is labelled right where b a'x > 0, also of the test set, if there is one,
/// which is copied too; InputError where it does not fit (require_test_fits(), model.h).
std::unique_ptr<Problem> make_logistic(const Dataset& data, const Shards& shards, const ModelOptions& options,
                                       const std::optional<Dataset>& test = {},
                                       const std::optional<IndexSet>& own = {});

/// l = (1 - sigma(b a'x))^2, labels and test set as for make_logistic.
std::unique_ptr<Problem> make_nonconvex(const Dataset& data, const Shards& shards,
                                        const ModelOptions& options, const std::optional<Dataset>& test = {},
                                        const std::optional<IndexSet>& own = {});

/// l = (a'x - b)^2 / 2, b the label as it is.
std::unique_ptr<Problem> make_least_squares(const Dataset& data, const Shards& shards,
                                            const ModelOptions& options,
                                            const std::optional<IndexSet>& own = {});

/// The same over rows that are drawn (data.classes: 2, of least squares 0).
std::unique_ptr<Problem> make_linear_model(Loss loss, const GeneratedOptions& data, std::size_t clients,
                                           const ModelOptions& options,
                                           const std::optional<IndexSet>& own = {});

}  // namespace laconic
