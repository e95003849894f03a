// SPDX-License-Identifier: Apache-2.0
// Selects rows of a long trace, for a figure that looks the same.
#pragma once

#include <cstddef>
#include <vector>

#include "laconic/report/trace.h"

namespace laconic {

/// Indices of representative rows, ascending: the first, the last, and others spread evenly over the rounds
/// and over their logarithm, at most `limit` >= 2 in all; and in addition each row at which the squared
/// gradient norm is first at or below a power of ten, so that the cost of reaching it stays exact.
std::vector<std::size_t> rows_to_show(const Table& trace, std::size_t limit);

/// The table with these rows only.
Table with_rows(const Table& table, const std::vector<std::size_t>& rows);

}  // namespace laconic
