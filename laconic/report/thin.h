// SPDX-License-Identifier: Apache-2.0
// Fewer rows of a long trace, for a figure that looks the same.
#pragma once

#include <cstddef>
#include <vector>

#include "laconic/report/trace.h"

namespace laconic {

/// Rows that stand for all of them, ascending: the first, the last, and others spread evenly over the rounds and over
/// their logarithm, `limit` >= 2 at most; and besides these, each row at which the squared gradient norm is first at or
/// below a power of ten: what it took to get there remains exact.
std::vector<std::size_t> rows_to_show(const Table& trace, std::size_t limit);

/// The table of these rows alone.
Table with_rows(const Table& table, const std::vector<std::size_t>& rows);

}  // namespace laconic
