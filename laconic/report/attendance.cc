// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/attendance.h"

#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "laconic/report/file.h"

namespace laconic {
namespace {

constexpr const char* kHeader = "round,epoch,counted,late,gone,late_bits,seconds\n";

std::string path_in(const std::string& folder) { return folder + "/" + AttendanceFile::kName; }

/// If a crash has lost the file, only the header.
Lines lines_of_past(const std::string& path, std::size_t last_round) {
  std::error_code none;
  if (std::filesystem::file_size(path, none) < std::strlen(kHeader) || none) write_whole(path, kHeader);
  return lines_not_after(path, kHeader, last_round);
}

}  // namespace

AttendanceFile::AttendanceFile(const std::string& folder) : file_(path_in(folder)) { file_.line(kHeader); }

AttendanceFile::AttendanceFile(const std::string& folder, std::size_t last_round)
    : file_(path_in(folder), lines_of_past(path_in(folder), last_round)) {}

void AttendanceFile::record(const Attendance& a) {
  file_.line(fmt::format("{},{},{},{},{},{},{:.6f}\n", a.round, a.epoch, fmt::join(a.counted, " "),
                         fmt::join(a.late, " "), fmt::join(a.gone, " "), a.late_bits, a.seconds));
}

}  // namespace laconic
