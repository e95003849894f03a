// SPDX-License-Identifier: Apache-2.0
// A model of a client's network connection: the time that its messages take.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "laconic/core/spec.h"

namespace laconic {

/// The connection from a client to the server (up) and back (down). A message takes latency + bits /
/// bandwidth. The bandwidth of the server is unlimited, and clients do not share bandwidth.
struct Link {
  double up = std::numeric_limits<double>::infinity();  // bits a second
  double down = std::numeric_limits<double>::infinity();
  double latency_up = 0;  // seconds
  double latency_down = 0;

  [[nodiscard]] double seconds_up(double bits) const { return latency_up + bits / up; }
  [[nodiscard]] double seconds_down(double bits) const { return latency_down + bits / down; }
};

/// The links in the brackets of a spec, whatever its name (parse_arguments() in core/spec.h): `lan`,
/// `100mbit, 20ms`, `up=10mbit, down=100mbit, latency=20ms`, or several links, `lan, wan, link(10mbit,
/// 50ms)`. Client i uses link i mod their number. Throws SpecError.
std::vector<Link> make_links(const Spec& brackets);

/// A row of the table behind make_links, for `laconic list`.
struct LinkRow {
  const char* name;
  const char* usage;
  const char* summary;
  Link (*make)(Arguments& arguments);
};
std::span<const LinkRow> links();

}  // namespace laconic
