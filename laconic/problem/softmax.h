// SPDX-License-Identifier: Apache-2.0
// Multinomial logistic regression: f_i(x) = (1/m_i) sum over the rows of shard i of -log softmax(W a)_label +
// regulariser(x). x is W, classes x columns, class by class: x[c * columns + j]; classes are the distinct
// labels of the training set in ascending order, and `bias` appends a column of ones.
#pragma once

#include <memory>
#include <optional>

#include "laconic/data/generated.h"
#include "laconic/problem/model.h"
#include "laconic/problem/problem.h"

namespace laconic {

/// Copies the rows of the shards `own`, all where it is unset (features stay as they are: a byte a pixel),
/// and, where there is one, the held-out set with which test_accuracy is measured. Measured::correct counts
/// rows whose largest entry of W a is at their label, the lowest class of equals. A gradient is four flops a
/// class and feature; sums run in the order of the rows. Constants: as of linear models with curvature bound
/// c = 1/2 (Boehning 1992). InputError for labels that are no classes, and a test set that does not fit
/// (labelled_data.h).
std::unique_ptr<Problem> make_softmax(const Dataset& data, const Shards& shards, const ModelOptions& options,
                                      const std::optional<Dataset>& test = {},
                                      const std::optional<IndexSet>& own = {});

/// The same over rows that are drawn, data.classes >= 2 of them; without a test set.
std::unique_ptr<Problem> make_softmax(const GeneratedOptions& data, std::size_t clients,
                                      const ModelOptions& options, const std::optional<IndexSet>& own = {});

}  // namespace laconic
