// SPDX-License-Identifier: Apache-2.0
// Two kinds of failure: errors that the user can correct, and errors of the run.
#pragma once

#include <stdexcept>

namespace laconic {

/// The description, the data or a file is wrong. The error is found before round 0, and the user can correct
/// it. Exit code 2. what() is one line with the place, the value found and the value expected.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An InputError about a place in a spec. what() begins with `column 8: `; a caller that knows the name of
/// the text adds it.
class SpecError : public InputError {
 public:
  using InputError::InputError;
};

/// The run itself failed: it diverged, or a file or a message was lost. Exit code 1.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A gradient or a point is no longer finite: the step size was too large. It ends one run only; the program
/// can go on with others.
class Diverged : public RunError {
 public:
  using RunError::RunError;
};

/// Reports a bug in laconic: a contract between two of its parts is broken. Throws std::logic_error.
inline void check(bool promise, const char* what) {
  if (!promise) throw std::logic_error(what);
}

}  // namespace laconic
