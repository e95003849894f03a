// SPDX-License-Identifier: Apache-2.0
// Three-point compressors by name (3PC, Richtarik, Sokolov, Gasanov, Fatkhullin, Li, Gorbunov, ICML 2022, arXiv
// 2202.00998): maps C_{h,y} of which the server remembers h, with the constants of
//   E|C_{h,y}(x) - x|^2 <= (1 - A) |h - y|^2 + B |x - y|^2     for all h, y, x (Definition 1).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "laconic/core/spec.h"
#include "laconic/mechanism/mechanism.h"

namespace laconic {

struct ThreePoint {
  MechanismPtr map;
  // By which everyone's gradient is said whole instead (3PCv5); p = 0 where never. The constants are those of both together.
  SharedCoin coin{0};
  double A = 1;
  double B = 0;
  // Where also E|C_{h,y}(x) - x|^2 <= (1 - alpha) |h - x|^2.
  std::optional<double> alpha = {};
};

/// ef21(C), lag(zeta=), clag(C, zeta=), 3pc-v1(C), 3pc-v2(Q, C), 3pc-v3(3PC, C), 3pc-v4(C, C), 3pc-v5(C, p=). Throws InputError for
/// another name, an argument out of range, or a compressor of the wrong class, with the reason. `args` are the spec's own;
/// its caller may take more of them, and must call done().
ThreePoint make_three_point(Arguments& args, const std::string& name, const Setting& setting);

struct ThreePointRow {
  std::string name;
  std::string usage;
  std::string summary;
  ThreePoint (*make)(Arguments& args, const Setting& setting);
};
const std::vector<ThreePointRow>& three_points();

}  // namespace laconic
