// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/label_places.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

namespace laconic {
namespace {

constexpr double kGap = 6;  // between the end of a curve and its name

/// How bad the box is: another name below it counts most, then curves, then the distance from the end.
double cost_of(const Box& box, const Point& end, const std::vector<Box>& placed,
               const std::vector<std::vector<Point>>& curves) {
  const double height = box.top - box.bottom;
  double cost = std::abs((box.bottom + box.top) / 2 - end.y) / height;
  if (box.right < end.x) cost += 3;
  for (const Box& other : placed) cost += box.overlaps(other) ? 1000 : 0;
  for (const std::vector<Point>& curve : curves) {
    const bool crosses =
        std::any_of(curve.begin(), curve.end(), [&](const Point& p) { return box.holds(p); });
    cost += crosses ? 4 : 0;
  }
  return cost;
}

Box best_box(const Point& end, double width, double height, const std::vector<Box>& placed,
             const std::vector<std::vector<Point>>& curves, const Box& area) {
  Box best;
  double least = std::numeric_limits<double>::infinity();
  const int steps = static_cast<int>(2 * (area.top - area.bottom) / height) + 1;
  for (const double left : {end.x + kGap, end.x - kGap - width}) {
    for (int step = -steps; step <= steps; ++step) {
      const double bottom = end.y - height / 2 + step * height / 2;
      const Box box{left, bottom, left + width, bottom + height};
      if (left < area.left || box.right > area.right || bottom < area.bottom || box.top > area.top) continue;
      const double cost = cost_of(box, end, placed, curves);
      if (cost >= least) continue;
      least = cost;
      best = box;
    }
  }
  if (std::isfinite(least)) return best;
  const double bottom = std::clamp(end.y - height / 2, area.bottom, area.top - height);
  const double left = std::clamp(end.x + kGap, area.left, std::max(area.left, area.right - width));
  return {left, bottom, left + width, bottom + height};
}

/// Points from the end of a curve to its name.
std::vector<Point> way_to(const Box& box, const Point& end) {
  const double x = box.right < end.x ? box.right : box.left;
  const double y = (box.bottom + box.top) / 2;
  std::vector<Point> way;
  for (double share = 0; share < 1; share += 0.05)
    way.push_back({end.x + share * (x - end.x), end.y + share * (y - end.y)});
  return way;
}

}  // namespace

std::vector<Box> label_places(const std::vector<std::vector<Point>>& curves,
                              const std::vector<double>& widths, double height, const Box& area) {
  std::vector<std::size_t> order(curves.size());  // from the top down, so that neighbours keep their order
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return curves[a].back().y > curves[b].back().y; });
  std::vector<Box> boxes(curves.size());
  std::vector<Box> placed;
  std::vector<std::vector<Point>> obstacles = curves;
  for (const std::size_t c : order) {
    boxes[c] = best_box(curves[c].back(), widths[c], height, placed, obstacles, area);
    placed.push_back(boxes[c]);
    obstacles.push_back(way_to(boxes[c], curves[c].back()));
  }
  return boxes;
}

}  // namespace laconic
