// SPDX-License-Identifier: Apache-2.0
// What a service (a run, a sweep, advice) tells its caller while it works, and what it asks.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "laconic/core/request.h"

namespace laconic {

/// The services print nothing; what there is to see comes through here. Every call may throw: the service then ends,
/// what it has written stays readable, and its caller gets the exception. Calls come from one thread at a time, the
/// one that called the service, but for asked().
class Observer {
 public:
  virtual ~Observer() = default;

  /// A part of the set-up begins that may take long, as in "constants" or "reading a9a".
  virtual void stage(const std::string& /*name*/) {}
  /// Set-up is over: rounds begin, and from here on asked() is answered.
  virtual void begin() {}
  /// So much of all is done. `text` is made only where it is shown. Called often.
  virtual void progress(std::size_t /*done*/, std::size_t /*all*/,
                        const std::function<std::string()>& /*text*/) {}
  /// What a user should know and would not find in the result, in one sentence.
  virtual void remark(const std::string& /*sentence*/) {}
  /// What the service was asked for since the last call; a request to end stays. Called between rounds, from any
  /// thread.
  virtual Request asked() { return Request::none; }
};

}  // namespace laconic
