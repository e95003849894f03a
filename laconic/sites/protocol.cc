// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/protocol.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "laconic/message/bits.h"

namespace laconic {
namespace {

constexpr std::size_t kGreeting = 1 + 4 + std::tuple_size_v<SessionId> + 1 + 8;
constexpr std::size_t kWelcome = 1 + 4 + 4 + 4 + 8 + 8;

/// Appends numbers to a message.
class Writer {
 public:
  explicit Writer(Tag tag) { put(static_cast<std::uint8_t>(tag)); }
  template <class T>
  void put(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    store_le(value, bytes_.data() + bytes_.size() - sizeof(T));
  }
  std::vector<std::uint8_t> bytes_;
};

/// Reads a number; false if the message is too short.
template <class T>
bool read(PartsReader& message, T& value) {
  std::array<std::uint8_t, sizeof(T)> bytes;
  if (!message.read(bytes)) return false;
  value = load_le<T>(bytes.data());
  return true;
}

bool begins(PartsReader& message, Tag tag, std::uint32_t& version) {
  std::uint8_t first = 0;
  return read(message, first) && first == static_cast<std::uint8_t>(tag) && read(message, version);
}

}  // namespace

PartsReader::PartsReader(std::span<const ByteView> parts) : parts_(parts) {
  for (const ByteView part : parts) left_ += part.size();
}

bool PartsReader::read(MutByteView to) {
  if (to.size() > left_) return false;
  left_ -= to.size();
  while (!to.empty()) {
    const ByteView rest = parts_.front().subspan(at_);
    const std::size_t count = std::min(rest.size(), to.size());
    std::copy_n(rest.begin(), count, to.begin());
    to = to.subspan(count);
    at_ += count;
    if (at_ == parts_.front().size()) {
      parts_ = parts_.subspan(1);
      at_ = 0;
    }
  }
  return true;
}

std::optional<std::uint64_t> PartsReader::last_number() {
  std::uint64_t number = 0;
  if (left_ != sizeof number || !laconic::read(*this, number)) return {};
  return number;
}

SessionId random_session_id() {
  std::random_device source;  // the system's, which other processes cannot guess
  SessionId id;
  for (std::size_t k = 0; k < id.size(); k += 4)
    store_le(static_cast<std::uint32_t>(source()), id.data() + k);
  return id;
}

std::vector<std::uint8_t> Greeting::bytes() const {
  Writer writer(Tag::greeting);
  writer.put(version);
  writer.bytes_.insert(writer.bytes_.end(), session.begin(), session.end());
  writer.put(static_cast<std::uint8_t>(continues));
  writer.put(acknowledged);
  return std::move(writer.bytes_);
}

std::optional<Greeting> Greeting::of(PartsReader message) {
  const std::size_t size = message.left();
  Greeting greeting;
  if (!begins(message, Tag::greeting, greeting.version)) return {};
  if (greeting.version != kProtocolVersion) return greeting;
  std::uint8_t continues = 0;
  if (size != kGreeting || !message.read(greeting.session) || !read(message, continues) || continues > 1)
    return {};
  greeting.continues = continues != 0;
  read(message, greeting.acknowledged);
  return greeting;
}

std::vector<std::uint8_t> Welcome::bytes() const {
  Writer writer(Tag::welcome);
  writer.put(version);
  writer.put(rank);
  writer.put(ranks);
  writer.put(patience);
  writer.put(acknowledged);
  return std::move(writer.bytes_);
}

std::optional<Welcome> Welcome::of(PartsReader message) {
  const std::size_t size = message.left();
  Welcome welcome;
  if (!begins(message, Tag::welcome, welcome.version) || welcome.version != kProtocolVersion ||
      size != kWelcome)
    return {};
  read(message, welcome.rank);
  read(message, welcome.ranks);
  read(message, welcome.patience);
  read(message, welcome.acknowledged);
  const bool is_possible = welcome.rank > 0 && welcome.rank < welcome.ranks && welcome.patience > 0 &&
                           std::isfinite(welcome.patience);
  return is_possible ? std::optional(welcome) : std::nullopt;
}

}  // namespace laconic
