// SPDX-License-Identifier: Apache-2.0
// Places for the names at the ends of curves: beside the ends, and none over another.
#pragma once

#include <vector>

namespace laconic {

struct Point {
  double x = 0;
  double y = 0;
};

struct Box {
  double left = 0, bottom = 0, right = 0, top = 0;

  [[nodiscard]] bool overlaps(const Box& other) const {
    return left < other.right && other.left < right && bottom < other.top && other.bottom < top;
  }
  [[nodiscard]] bool holds(const Point& point) const {
    return left <= point.x && point.x <= right && bottom <= point.y && point.y <= top;
  }
};

/// A box for each curve within the area, of this width and height, to the right of the curve's last point if
/// it can be. Moved up or down, or to the left, so that no two boxes overlap and few points of curves lie in
/// them. Where the area is too small, boxes overlap.
std::vector<Box> label_places(const std::vector<std::vector<Point>>& curves,
                              const std::vector<double>& widths, double height, const Box& area);

}  // namespace laconic
