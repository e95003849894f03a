// SPDX-License-Identifier: Apache-2.0
// Formats of the caller's own, beside those of wire.h. A message of one has a header of 4 bytes, which says the
// format and 3 bytes of the checksum of its name, and then the caller's payload.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"

namespace laconic {

struct RegisteredFormat {
  std::string name;
  /// x = the vector that the payload encodes; x has zeros at first. A pure function of its arguments, called on
  /// any thread. Throws RunError if the payload encodes no vector of x.size() coordinates.
  std::function<void(const Key& key, std::span<const std::uint8_t> payload, MutView x)> decode;
  /// The number of values in the payload as the paper counts them, in floats.
  std::function<double(std::span<const std::uint8_t> payload)> floats;
};

/// Adds a format. All processes of a run, and those that resume it, must register it. Throws InputError if there is
/// one of that name already, or of a name with the same checksum.
void register_format(RegisteredFormat format);

/// A message of the registered format of this name.
void write_registered(const std::string& name, std::span<const std::uint8_t> payload, Message& out);

}  // namespace laconic
