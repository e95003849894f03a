// SPDX-License-Identifier: Apache-2.0
// Who counted, round by round, where a real clock decides (served/served.h).
#pragma once

#include <cstddef>
#include <string>

#include "laconic/report/line_file.h"
#include "laconic/served/served.h"

namespace laconic {

/// attendance.csv in an existing folder, a row of every round: round, epoch, the clients that counted, that
/// were late and that are gone, with blanks between them, the bits of late messages since the start, and the
/// seconds that the server waited. Errors as of FileRecorder.
class AttendanceFile {
 public:
  static constexpr const char* kName = "attendance.csv";

  explicit AttendanceFile(const std::string& folder);
  /// Goes on after that round, or where the file ends before it: it is written without being brought to the
  /// disk, and no run depends on it.
  AttendanceFile(const std::string& folder, std::size_t last_round);

  void record(const Attendance& attendance);

 private:
  LineFile file_;
};

}  // namespace laconic
