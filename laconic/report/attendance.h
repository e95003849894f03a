// SPDX-License-Identifier: Apache-2.0
// The clients that counted in each round, where arrival in real time decides (served/served.h).
#pragma once

#include <cstddef>
#include <string>

#include "laconic/report/line_file.h"
#include "laconic/served/served.h"

namespace laconic {

/// attendance.csv in an existing folder, with a row for every round: round, epoch, the clients that counted,
/// those that were late and those that are gone (each separated by blanks), the bits of late messages since
/// the start, and the seconds that the server waited. Errors are as of FileRecorder.
class AttendanceFile {
 public:
  static constexpr const char* kName = "attendance.csv";

  explicit AttendanceFile(const std::string& folder);
  /// Continues after that round, or at the end of the file if it ends before that round. Rows are written
  /// without sync to the disk, as no run depends on this file.
  AttendanceFile(const std::string& folder, std::size_t last_round);

  void record(const Attendance& attendance);

 private:
  LineFile file_;
};

}  // namespace laconic
