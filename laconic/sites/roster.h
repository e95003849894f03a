// SPDX-License-Identifier: Apache-2.0
// The sites that may take part, and the client that each of them is.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

/// Names of sites. The name at place i is client i, from 0. Immutable.
class Roster {
 public:
  /// The names must be valid (site_name.h) and different: read_roster() says where they are not.
  explicit Roster(std::vector<std::string> names);

  [[nodiscard]] std::size_t size() const { return names_.size(); }
  [[nodiscard]] const std::string& name(std::size_t client) const { return names_.at(client); }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  /// The client of that name.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> clients_;
};

/// Reads a file with a name a line. Blank lines do not count, and a # begins a comment. Throws InputError,
/// "FILE:LINE: ...", for a name that is not valid, is the server's or stands there twice, for text that is
/// not UTF-8 or contains a NUL, and if there is no name.
Roster read_roster(const std::string& path);

}  // namespace laconic
