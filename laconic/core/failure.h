// SPDX-License-Identifier: Apache-2.0
// How an exception is reported to the user.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "laconic/core/request.h"

namespace laconic {

struct Failure {
  enum class Kind : std::uint8_t {
    none,
    run,        // the run failed: RunError, a file that was lost
    input,      // the description, the data or a file is wrong: InputError; also too little memory for it
    interrupt,  // the user asked for the end
    terminate,  // the system asked for the end
  };
  Kind kind = Kind::none;
  std::string message;  // one line of printable UTF-8
};

/// Describes the exception in flight. Call it inside a catch block. Exceptions of the C++ library get a
/// message of laconic's own.
Failure failure_in_flight();

/// Work ended because a request asked for it.
class Interrupted : public std::runtime_error {
 public:
  Interrupted(Request request, const std::string& message) : std::runtime_error(message), request_(request) {}

  [[nodiscard]] Request request() const { return request_; }

 private:
  Request request_;
};

/// A failure of one process that all processes of the run know of. Every process throws it.
class SharedFailure : public std::runtime_error {
 public:
  SharedFailure(Failure::Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  [[nodiscard]] Failure::Kind kind() const { return kind_; }

 private:
  Failure::Kind kind_;
};

/// Whether the bytes are well-formed UTF-8.
bool is_utf8(const std::string& text);

}  // namespace laconic
