// SPDX-License-Identifier: Apache-2.0
// Which classes clients hold, as a table.
#pragma once

#include <string>
#include <vector>

#include "laconic/data/split.h"

namespace laconic {

/// CSV, a line for each client: its number, its rows, and how many of them are of each class, in columns
/// class_LABEL by ascending label. Empty where the labels are not classes (data/classes.h).
std::string clients_csv(const std::vector<double>& labels, const Shards& shards);

/// The same for the terminal, in aligned columns. Where classes are too many for columns, how many classes a
/// client has rows of, and of which it has the most; where labels are not classes, rows alone.
std::string clients_text(const std::vector<double>& labels, const Shards& shards);

}  // namespace laconic
