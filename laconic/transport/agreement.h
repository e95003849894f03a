// SPDX-License-Identifier: Apache-2.0
// What the processes of one run agree on before they do anything together.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "laconic/core/failure.h"
#include "laconic/transport/transport.h"

namespace laconic {

/// Does the action on every rank, then asks all how it went; where one rank failed, all throw the
/// SharedFailure of the lowest that did, which names it unless all failed alike. The action makes no
/// collective call. Collective.
void together(Transport& transport, const std::function<void()>& action);

/// Whether it is so on every rank. Collective.
bool on_all(Transport& transport, bool is_so);

/// SharedFailure of a wrong input, naming the first line that differs, unless `text` is
/// the same on all. Collective.
void require_same(Transport& transport, const std::string& text);
/// The same of one rank's text and that of rank 0, for a caller that knows both.
void require_same_of_rank(std::size_t rank, const std::string& text, const std::string& text_of_first);

}  // namespace laconic
