// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/members.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <system_error>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/failure.h"
#include "laconic/report/file.h"

namespace laconic {
namespace {

constexpr const char* kMembersHeader = "time,name,event,reason\n";

/// The rows of an earlier server. Makes the file if there is none, or if a crash left not even its header.
Lines rows_before(const std::string& path) {
  std::error_code none;
  if (std::filesystem::file_size(path, none) < std::strlen(kMembersHeader) || none)
    write_whole(path, kMembersHeader);
  return all_lines(path, kMembersHeader);
}

/// One line of UTF-8 of at most `longest` bytes.
std::string one_line(std::string text, std::size_t longest) {
  const bool is_cut = text.size() > longest;
  if (is_cut) text.resize(longest);
  // A cut may have left a part of the last character: at most three bytes.
  for (std::size_t tries = 0; is_cut && tries < 3 && !is_utf8(text); ++tries) text.pop_back();
  if (!is_utf8(text)) {
    for (char& c : text)
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  return is_cut ? text + "..." : text;
}

/// As CSV needs it (RFC 4180).
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

}  // namespace

const char* name_of(MemberEvent event) {
  switch (event) {
    case MemberEvent::connected:
      return "connected";
    case MemberEvent::joined:
      return "joined";
    case MemberEvent::disconnected:
      return "disconnected";
    case MemberEvent::reconnected:
      return "reconnected";
    case MemberEvent::left:
      return "left";
    case MemberEvent::lost:
      return "lost";
    case MemberEvent::refused:
      return "refused";
    case MemberEvent::failed:
      return "failed";
  }
  check(false, "an event has a name");
  return "";
}

std::string utc_text(std::chrono::system_clock::time_point time) {
  const auto since_1970 = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_1970);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                     (since_1970 - seconds).count());
}

MembersFile::MembersFile(const std::string& folder)
    : file_(folder + "/" + kName, rows_before(folder + "/" + kName)) {}

void MembersFile::record(const std::string& name, MemberEvent event, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  file_.line(fmt::format("{},{},{},{}\n", utc_text(std::chrono::system_clock::now()),
                         quoted(one_line(name, kLongestReason)), name_of(event),
                         quoted(one_line(reason, kLongestReason))));
}

}  // namespace laconic
