// SPDX-License-Identifier: Apache-2.0
// Agreement: what the processes of one run check together before they start.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "laconic/core/failure.h"
#include "laconic/transport/transport.h"

namespace laconic {

/// Performs the action on every rank, then exchanges the outcomes. If ranks failed, all ranks throw the
/// SharedFailure of the lowest failed rank; it names that rank unless all failed with the same message. The
/// action must not make collective calls. Collective.
void together(Transport& transport, const std::function<void()>& action);

/// Whether `is_so` is true on every rank. Collective.
bool on_all(Transport& transport, bool is_so);

/// Throws SharedFailure of a wrong input, with the first line that differs, unless `text` is the same on all
/// ranks. Collective.
void require_same(Transport& transport, const std::string& text);
/// The same check for the text of one rank and that of rank 0, if the caller has both. Not collective.
void require_same_of_rank(std::size_t rank, const std::string& text, const std::string& text_of_first);

}  // namespace laconic
