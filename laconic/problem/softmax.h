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

/// Copies the rows of the shards `own` (of all shards where `own` is unset; features keep their format: a
/// byte a pixel, or sparse), and the test set, if there is one, for test_accuracy(). Measured::correct counts
/// the rows with the largest entry of W a at their label (among equal entries the lowest class counts as the
/// largest). A gradient costs four flops a class and feature. Sums run in the order of the rows. Constants
/// are as for linear models with curvature bound c = 1/2 (Boehning 1992). Throws InputError for labels that
/// are not classes, and for a test set that does not fit (labelled_data.h).
std::unique_ptr<Problem> make_softmax(const Dataset& data, const Shards& shards, const ModelOptions& options,
                                      const std::optional<Dataset>& test = {},
                                      const std::optional<IndexSet>& own = {});

/// The same over generated rows, data.classes >= 2; without a test set.
std::unique_ptr<Problem> make_softmax(const GeneratedOptions& data, std::size_t clients,
                                      const ModelOptions& options, const std::optional<IndexSet>& own = {});

}  // namespace laconic
