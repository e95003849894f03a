// SPDX-License-Identifier: Apache-2.0
// What became of the sites of a run.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "laconic/report/line_file.h"

namespace laconic {

enum class MemberEvent : std::uint8_t {
  connected,     // a site of the roster has a connection
  joined,        // it takes part, from the next epoch on
  disconnected,  // its connection ended; it may come back within the patience
  reconnected,   // it came back, and goes on where it was
  left,          // it has ended by itself, as when it was asked to
  lost,          // the patience is over, or another process of its name has joined
  refused,       // it may not take part, or sent something wrong
  failed,        // it ended with an error of its own
};
const char* name_of(MemberEvent event);

/// Universal time in ISO 8601, with milliseconds: 2026-12-02T13:25:01.123Z.
std::string utc_text(std::chrono::system_clock::time_point time);

/// members.csv in an existing folder: time,name,event,reason. Rows are in the order of the calls.
/// Thread-safe.
class MembersFile {
 public:
  static constexpr const char* kName = "members.csv";

  /// Makes the file, or continues the one of a server that ended; its last row is dropped if it was cut off.
  /// Throws RunError if that fails, and InputError if there is a file with another header.
  explicit MembersFile(const std::string& folder);

  /// Adds a row with the present time. It is in the file when the call returns, without sync to the disk. The
  /// name may be empty where none is known. Sites write the reason: control characters become blanks, bytes
  /// that are not UTF-8 become "?", and a text above kLongestReason bytes is cut. Throws RunError if the row
  /// cannot be written (a full disk); the rows before it are complete then.
  void record(const std::string& name, MemberEvent event, const std::string& reason = "");

  static constexpr std::size_t kLongestReason = 1000;

 private:
  std::mutex mutex_;
  LineFile file_;
};

}  // namespace laconic
