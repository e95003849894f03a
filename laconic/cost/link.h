// SPDX-License-Identifier: Apache-2.0
// How a client is connected, in a model: what its messages take on the way.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "laconic/core/spec.h"

namespace laconic {

/// From a client to the server (up) and back. `bits` take latency + bits / bandwidth; the server itself is as
/// fast as it must be, and clients do not share a line.
struct Link {
  double up = std::numeric_limits<double>::infinity();  // bits a second
  double down = std::numeric_limits<double>::infinity();
  double latency_up = 0;  // seconds
  double latency_down = 0;

  [[nodiscard]] double seconds_up(double bits) const { return latency_up + bits / up; }
  [[nodiscard]] double seconds_down(double bits) const { return latency_down + bits / down; }
};

/// The links that the brackets of a spec hold, whatever it is called (parse_arguments() in core/spec.h):
/// `lan`, `100mbit, 20ms`, `up=10mbit, down=100mbit, latency=20ms`, or several, of which client i has number
/// i mod their count: `lan, wan, link(10mbit, 50ms)`. Throws SpecError.
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
