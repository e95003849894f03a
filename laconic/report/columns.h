// SPDX-License-Identifier: Apache-2.0
// The quantities that a figure can draw: the columns of a trace, and two that are computed from them:
// gap = f - f*, and both_bits = uplink_bits + downlink_bits.
#pragma once

#include <string>
#include <vector>

#include "laconic/report/saved_run.h"

namespace laconic {

/// Whether some trace or every figure has the quantity.
bool is_drawable(const std::string& name);

/// The quantity in words, with its unit; an unknown name is returned as it is.
std::string axis_title(const std::string& name);

/// Whether the quantity is a cost or a measure that falls to 0 over powers of ten, such as a gap.
bool falls_to_zero(const std::string& name);

/// One value for each row of the run. Throws InputError if the run does not have the quantity: an unknown
/// column, `gap` without a known f*, `network_seconds` without a clock.
std::vector<double> values_of(const SavedRun& run, const std::string& name);

}  // namespace laconic
