// SPDX-License-Identifier: Apache-2.0
// Scaled sign on the wire: the scale, then a plane of ceil(d/8) bytes of signs. One pass over x sums the
// sizes and collects the signs.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "laconic/compress/formats.h"
#include "laconic/compress/wire.h"
#include "laconic/core/lanes.h"

namespace laconic {
namespace {

std::size_t sign_length(Wire wire, std::size_t dim) { return kHeader + bytes_of(wire) + (dim + 7) / 8; }

constexpr std::size_t kGroup = 32;  // values whose signs are packed together

/// The signs of 32 values, the first lowest; adds their sizes to the sums.
std::uint32_t take_signs(const double* x, RunningSums& sums) {
  constexpr Bits kLane = {1, 2, 4, 8};
  Bits signs{};
  for (std::size_t j = kGroup; j > 0;) {  // backwards, because the last to be packed comes lowest
    j -= 4;
    const Doubles v = load<Doubles>(x + j);
    signs = signs << 4 | (reinterpret_cast<Bits>(v < 0.0) & kLane);
    sums[j / 4] += reinterpret_cast<Doubles>(reinterpret_cast<Bits>(v) & ~kSignBit);
  }
  return static_cast<std::uint32_t>(any_lane(signs));
}

}  // namespace

void write_sign(Wire wire, View x, Message& out) {
  std::uint8_t* const scale = begin_message(Format::sign, wire, sign_length(wire, x.size()), out);
  std::uint8_t* const plane = scale + bytes_of(wire);
  RunningSums sums;
  const std::size_t whole = x.size() / kGroup * kGroup;
  for (std::size_t j = 0; j < whole; j += kGroup) store_le(take_signs(x.data() + j, sums), plane + j / 8);
  if (whole < x.size()) {
    // The last few as a group that ends in zeros, whose signs are the zeros that pad the plane.
    std::array<double, kGroup> last{};
    std::array<std::uint8_t, 4> signs{};
    std::copy(x.begin() + static_cast<std::ptrdiff_t>(whole), x.end(), last.begin());
    store_le(take_signs(last.data(), sums), signs.data());
    std::copy_n(signs.begin(), (x.size() - whole + 7) / 8, plane + whole / 8);
  }
  const double mean_size = sums.total() / static_cast<double>(x.size());
  store_values(wire, View(&mean_size, 1), scale);
}

void add_sign(const Incoming& message, double weight, MutView acc) {
  message.need_length(sign_length(message.wire, acc.size()));
  const double scale = message.value_at(kHeader);
  if (scale < 0) message.fail(fmt::format("a scale of {}; need >= 0", scale));
  const std::uint8_t* const plane = message.bytes.data() + kHeader + bytes_of(message.wire);
  const std::size_t whole = acc.size() / 4;
  const std::size_t left = acc.size() % 4;
  const auto nibble = [&](std::size_t four) { return plane[four / 2] >> (four % 2 * 4) & 15; };
  if (acc.size() % 8 != 0 && plane[acc.size() / 8] >> (acc.size() % 8) != 0) {
    message.fail("a padding bit is set");
  }

  // What each pattern of four signs adds.
  std::array<std::array<double, 4>, 16> terms;  // NOLINT: filled here
  for (std::size_t signs = 0; signs < terms.size(); ++signs) {
    for (std::size_t l = 0; l < 4; ++l) terms[signs][l] = weight * ((signs >> l & 1) != 0 ? -scale : scale);
  }
  for (std::size_t four = 0; four < whole; ++four) {
    const std::array<double, 4>& term = terms[nibble(four)];
    for (std::size_t l = 0; l < 4; ++l) acc[4 * four + l] += term[l];
  }
  for (std::size_t l = 0; l < left; ++l) acc[4 * whole + l] += terms[nibble(whole)][l];
}

double floats_sign(const Incoming& message) {
  message.need_length(sign_length(message.wire, message.dim));
  return 1 + static_cast<double>(message.dim) / static_cast<double>(8 * bytes_of(message.wire));
}

}  // namespace laconic
