// SPDX-License-Identifier: Apache-2.0
// Tables of the classes that clients hold.
#pragma once

#include <string>
#include <vector>

#include "laconic/data/split.h"

namespace laconic {

/// CSV with a line for each client: its number, its number of rows, and the number of its rows in each class.
/// The columns of the classes are class_LABEL, by ascending label. Empty if the labels are not classes
/// (data/classes.h).
std::string clients_csv(const std::vector<double>& labels, const Shards& shards);

/// The same in aligned columns, for the terminal. If there are too many classes for columns, it gives the
/// number of classes of each client and its most frequent class. If the labels are not classes, it gives the
/// numbers of rows only.
std::string clients_text(const std::vector<double>& labels, const Shards& shards);

}  // namespace laconic
