// SPDX-License-Identifier: Apache-2.0
// LIBSVM text: one row a line, `label index:value index:value ...`, indices from 1 and ascending.
//
// Read besides: numbers with a plus sign, decimals or an exponent; indices with a plus sign; rows without a
// feature; explicit zeros (kept); CRLF line ends, tabs, blanks behind a colon or around a line; blank lines,
// and `# comments` (skipped); a missing last line end; a byte order mark. A number too small for a double is 0.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "laconic/data/dataset.h"

namespace laconic {

struct LibsvmOptions {
  /// Features of a row, >= 1. Unset: the highest index of the whole text, which may be less than the features
  /// of the set it belongs to (a9a.t stops at 122 of 123).
  std::optional<std::size_t> columns = {};
  /// Keeps the first so many rows, >= 1 and no more than there are. The rest is still checked and still
  /// counts for the columns, so that the dimension does not depend on this.
  std::optional<std::size_t> rows = {};
  /// Stores the features of some of those rows only; unset: of all.
  ChooseRows choose = {};
};

/// Rows in file order, labels as written. `place` begins every message, as FILE:LINE:COLUMN where one place
/// is to blame (lines and byte columns from 1). Cost: one pass over the text, about 10 ms for a9a, and
/// where rows are chosen another over theirs; the whole text is checked, whichever are. Throws
/// InputError for what is not LIBSVM text, an index out of 1..columns (or above 2^31), values or labels that
/// are not finite, a text without rows, or one without features when no columns are declared.
Dataset parse_libsvm(std::string_view text, const std::string& place, const LibsvmOptions& options = {});

/// The same of a plain or gzip file; the path is the place and the name. Throws also as read_file (gzip.h)
/// does.
Dataset read_libsvm(const std::string& path, const LibsvmOptions& options = {});

/// Whether a text that begins with `start` (a few KiB, cut anywhere) can be LIBSVM text with features.
bool looks_like_libsvm(std::string_view start);

}  // namespace laconic
