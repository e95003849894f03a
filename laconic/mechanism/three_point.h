// SPDX-License-Identifier: Apache-2.0
// Three-point compressors by name (3PC, Richtarik, Sokolov, Gasanov, Fatkhullin, Li, Gorbunov, ICML 2022,
// arXiv 2202.00998): maps C_{h,y}, where the server keeps h, with the constants of
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
  SharedCoin coin{0};  // heads: all clients send x itself (3PCv5); A and B are for both cases together
  double A = 1;
  double B = 0;
  // Constants of its own compressors, not of the inner map's: the unbiased one, and the contractive one (or
  // two composed).
  std::optional<double> omega = {};
  std::optional<double> alpha = {};
  bool shrinks = false;  // EF21 with a compressor that shrinks (compress/compressor.h)
  unsigned pairs = 0;    // nesting depth of pairs in its messages; at most kPairDepth (message/wire.h)
};

/// The map that `spec` names. Throws InputError, with the reason, for an unknown name, an argument out of
/// range, or a compressor of the wrong class. `args` are the arguments of the spec; the caller may read
/// further ones, and must call done().
ThreePoint make_three_point(const Spec& spec, Arguments& args, const CompressorSetting& setting);

struct ThreePointRow {
  std::string name;
  std::string usage;
  std::string summary;
  std::string paper;
  ThreePoint (*make)(Arguments& args, const CompressorSetting& setting);
};
/// The rows of the paper's table.
const std::vector<ThreePointRow>& three_points();

}  // namespace laconic
