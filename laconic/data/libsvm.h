// SPDX-License-Identifier: Apache-2.0
// LIBSVM text: one row per line, `label index:value index:value ...`, indices from 1 and ascending.
//
// Also accepted: numbers with a plus sign, decimals or an exponent; indices with a plus sign; rows without a
// feature; explicit zeros (kept); CRLF line ends, tabs, blanks after a colon or around a line; blank lines
// and `# comments` (skipped); a missing last line end; a byte order mark. A number too small for a double is
// 0.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "laconic/data/dataset.h"

namespace laconic {

struct LibsvmOptions {
  /// Features per row, >= 1. Unset: the highest index in the whole text. That may be less than the number of
  /// features of the data set (a9a.t ends at 122 of 123).
  std::optional<std::size_t> columns = {};
  /// Keeps only the first `rows` rows, >= 1 and at most as many as there are. The other rows are still
  /// checked and still count for the columns, so that the dimension does not depend on this.
  std::optional<std::size_t> rows = {};
  /// Stores the features of the chosen rows only; unset: of all.
  ChooseRows choose = {};
  /// Called several times a second. It may throw. Empty: nothing is called.
  std::function<void()> working = {};
};

/// Rows in file order, labels as in the text. Every error message begins with `place`, as FILE:LINE:COLUMN if
/// one position is wrong (lines and byte columns from 1). Cost: one pass over the text, about 10 ms for a9a,
/// and with `choose` a second pass over the chosen rows. The whole text is always checked. Throws InputError
/// if the text is not LIBSVM text, an index is not in 1..columns (or is above 2^31), a value or label is not
/// finite, the text has no rows, or it has no features and no columns are declared.
Dataset parse_libsvm(std::string_view text, const std::string& place, const LibsvmOptions& options = {});

/// The same for a plain or gzip file; `path` is both the place and the name. Also throws as read_file
/// (gzip.h) does.
Dataset read_libsvm(const std::string& path, const LibsvmOptions& options = {});

/// Whether a text that begins with `start` (a few KiB, cut anywhere) can be LIBSVM text with features.
bool looks_like_libsvm(std::string_view start);

}  // namespace laconic
