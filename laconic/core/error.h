// SPDX-License-Identifier: Apache-2.0
// Two kinds of failure, so that the program can tell its user whose turn it is.
#pragma once

#include <stdexcept>

namespace laconic {

/// The description, the data or a file is wrong: known before round 0, mended by the user. Exit code 2.
/// what() is one line that names the place, what was found and what was expected.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An InputError about a place in a spec: what() begins with `column 8: `, and whoever knows
/// which text that is says so.
class SpecError : public InputError {
 public:
  using InputError::InputError;
};

/// The run itself failed: it diverged, or a file or a message was lost on the way. Exit code 1.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A gradient or a point is no longer finite: the step was too long. Ends a run, not the program's trust in
/// it.
class Diverged : public RunError {
 public:
  using RunError::RunError;
};

/// Our own bug: a promise between two parts of laconic is broken.
inline void check(bool promise, const char* what) {
  if (!promise) throw std::logic_error(what);
}

}  // namespace laconic
