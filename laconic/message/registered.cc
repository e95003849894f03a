// SPDX-License-Identifier: Apache-2.0
#include "laconic/message/registered.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/checksum.h"
#include "laconic/core/error.h"
#include "laconic/message/formats.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

struct Registry {
  std::shared_mutex mutex;
  std::deque<std::pair<std::size_t, RegisteredFormat>> formats;  // by the number in their headers
};
Registry& registry() {
  static Registry formats;
  return formats;
}

std::size_t number_of(const std::string& name) { return checksum_of(name) % kHeaderCountLimit; }

/// nullptr if there is none. Entries stay where they are.
const RegisteredFormat* find(std::size_t number) {
  const std::shared_lock lock(registry().mutex);
  for (const auto& [each, format] : registry().formats)
    if (each == number) return &format;
  return nullptr;
}

const RegisteredFormat& format_in(const Incoming& message) {
  if (message.wire == Wire::f64) message.fail("registered formats have no f64 form");
  const RegisteredFormat* const format = find(message.header_count());
  if (format == nullptr) message.fail("no format is registered with its number");
  return *format;
}

}  // namespace

void register_format(RegisteredFormat format) {
  const std::size_t number = number_of(format.name);
  if (const RegisteredFormat* const other = find(number))
    throw InputError(
        fmt::format("\"{}\" cannot be registered: \"{}\" has its number", format.name, other->name));
  const std::unique_lock lock(registry().mutex);
  registry().formats.emplace_back(number, std::move(format));
}

void write_registered(const std::string& name, std::span<const std::uint8_t> payload, Message& out) {
  std::uint8_t* to = begin_message(Format::registered, Wire::f32, kCountHeader + payload.size(), out);
  to = store_count(number_of(name), to);
  std::copy(payload.begin(), payload.end(), to);
}

template <class Real>
void add_registered(const Incoming& message, double weight, std::span<Real> acc) {
  const RegisteredFormat& format = format_in(message);
  Vector x(acc.size(), 0.0);
  format.decode(message.key, message.bytes.subspan(kCountHeader), x);
  for (std::size_t j = 0; j < acc.size(); ++j) acc[j] = static_cast<Real>(acc[j] + weight * x[j]);
}
template void add_registered(const Incoming&, double, MutView);
template void add_registered(const Incoming&, double, MutFloatView);

double floats_registered(const Incoming& message) {
  return format_in(message).floats(message.bytes.subspan(kCountHeader));
}

}  // namespace laconic
