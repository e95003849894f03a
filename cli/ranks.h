// SPDX-License-Identifier: Apache-2.0
// What several processes of one run must agree on: whether they are several, what
// went wrong, and who says so.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "laconic/transport/transport.h"

namespace laconic::cli {

/// How many processes the MPI launcher (mpirun, srun) that started this one says it has started; nothing
/// where no launcher did, so that a plain run never touches MPI.
std::optional<std::size_t> ranks_of_launcher();

/// Whether that launcher lets the others go on when one dies: mpirun --enable-recovery.
bool launcher_outlives_ranks();

/// What went wrong on some rank, and is now known to all: rank 0 prints it, and all
/// end with the same exit code.
class SharedFailure : public std::runtime_error {
 public:
  SharedFailure(int exit_code, const std::string& message)
      : std::runtime_error(message), exit_code_(exit_code) {}

  [[nodiscard]] int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

/// What the user is told of an exception, and the exit code.
struct Failure {
  int exit_code;
  std::string message;  // one line of printable UTF-8
};

/// Of the exception in flight; to be called inside a catch block. Those of the C++ library are put into our
/// words. Too little memory is a wrong input: the description asks for more than there is.
Failure failure_in_flight();

/// Does the action on every rank, then asks all how it went; where one rank failed, all throw the
/// SharedFailure of the lowest that did, which names it unless all failed alike. The action makes no
/// collective call. Collective.
void together(Transport& transport, const std::function<void()>& action);

/// Whether it is so on every rank. Collective.
bool on_all(Transport& transport, bool is_so);

/// SharedFailure of a wrong input, naming the first line that differs, unless `text` is
/// the same on all. Collective.
void require_same(Transport& transport, const std::string& text);
/// The same of one rank's text and that of rank 0, wherever both are known.
void require_same_of_rank(std::size_t rank, const std::string& text, const std::string& text_of_first);

}  // namespace laconic::cli
