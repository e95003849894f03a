// SPDX-License-Identifier: Apache-2.0
#include "laconic/message/sum.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "laconic/message/formats.h"

namespace laconic {
namespace {

/// Coordinates per task of a thread; whole bytes of a plane.
constexpr std::size_t kPiece = 16384;

void add_planes(std::span<const WeightedSigns> planes, ThreadPool& pool, MutView acc) {
  if (planes.empty()) return;
  pool.for_each((acc.size() + kPiece - 1) / kPiece, [&](std::size_t piece) {
    add_signs(planes, {piece * kPiece, std::min((piece + 1) * kPiece, acc.size())}, acc);
  });
}

}  // namespace

void decode_add_all(std::span<const Addend> sum, SignCount& counted, ThreadPool& pool, MutView acc) {
  thread_local std::vector<WeightedSigns> planes;  // not yet added; reused, so that a round does not allocate
  thread_local std::vector<const std::uint8_t*> alike;
  planes.clear();
  alike.clear();
  for (const Addend& one : sum) {
    const std::optional<SignPlane> signs = signs_in_bytes(one.key, one.message, acc.size());
    if (!signs) {
      add_planes(planes, pool, acc);
      planes.clear();
      decode_add(one.key, one.message, one.weight, acc);
    } else if (signs->known && counted.takes(one.weight * signs->scale)) {
      alike.push_back(signs->plane);
    } else {
      planes.push_back({*signs, one.weight});
    }
  }
  add_planes(planes, pool, acc);
  counted.add(alike, acc.size(), pool);
}

}  // namespace laconic
