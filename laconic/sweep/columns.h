// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "laconic/report/trace.h"

namespace laconic {

/// The columns of sweep.csv and cells.csv, besides the axes of the sweep and the columns of the trace, for
/// `laconic help`.
std::span<const ColumnRow> sweep_columns();

}  // namespace laconic
