// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/attendance.h"

#include <fmt/format.h>

namespace laconic {
namespace {

constexpr const char* kHeader = "round,epoch,counted,late,gone,late_bits,seconds\n";

std::string path_in(const std::string& folder) { return folder + "/" + AttendanceFile::kName; }

}  // namespace

AttendanceFile::AttendanceFile(const std::string& folder) : file_(path_in(folder)) { file_.line(kHeader); }

AttendanceFile::AttendanceFile(const std::string& folder, std::size_t last_round)
    : file_(path_in(folder), lines_not_after(path_in(folder), kHeader, last_round)) {}

void AttendanceFile::record(const Attendance& a) {
  file_.line(fmt::format("{},{},{},{},{},{},{:.6f}\n", a.round, a.epoch, fmt::join(a.counted, " "),
                         fmt::join(a.late, " "), fmt::join(a.gone, " "), a.late_bits, a.seconds));
}

}  // namespace laconic
